//! What a check says.

use schemars::JsonSchema;
use serde::Serialize;

/// How bad it is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Traffic is not carried or not shaped, or the daemon will not start.
    Error,
    /// It works, but not as it should.
    Warning,
    /// Worth knowing.
    Note,
    /// All is well.
    Ok,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Finding {
    /// How bad it is.
    pub(crate) state: State,
    /// The check, by a name that stays.
    pub(crate) check: &'static str,
    /// What it is about, where there are several: a NIC, a map.
    pub(crate) subject: Option<String>,
    /// What was found.
    pub(crate) what: String,
    /// Why that matters; none where all is well.
    pub(crate) why: Option<&'static str>,
    /// The command that mends it, or that tells more.
    pub(crate) command: Option<String>,
}

impl Finding {
    /// Something wrong or worth knowing.
    pub(crate) fn new(state: State, check: &'static str, what: String, why: &'static str) -> Self {
        Self { state, check, subject: None, what, why: Some(why), command: None }
    }

    /// Something that is as it should be.
    pub(crate) fn ok(check: &'static str, what: String) -> Self {
        Self { state: State::Ok, check, subject: None, what, why: None, command: None }
    }

    /// About one of several.
    pub(crate) fn about(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }

    /// With the command that mends it.
    pub(crate) fn mend(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }
}
