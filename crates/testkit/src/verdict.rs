//! What scenarios in another machine tell those who started it, as lines on its console.
//!
//! A console also has what the kernel and programs print; lines of ours begin with a prefix and are
//! JSON behind it.

use serde::{Deserialize, Serialize};

/// What lines of ours begin with.
const PREFIX: &str = "@tidegate-lab ";

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// The machine is up.
    Up {
        /// The running kernel's release.
        kernel: String,
        /// The scenarios that it is going to run, by name.
        scenarios: Vec<String>,
    },
    /// A scenario begins.
    Begin {
        /// Its name.
        scenario: String,
        /// Seconds after which it hangs.
        seconds_max: u64,
    },
    /// It is over.
    End(Verdict),
    /// All are over.
    Over,
}

/// What came of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Its name.
    pub scenario: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was measured, also when it failed.
    pub figures: Vec<Figure>,
    /// What was found that is no number.
    pub facts: Vec<String>,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// How a scenario ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All is as it should be.
    Passed,
    /// Something is not.
    Failed,
    /// This machine cannot show it.
    Skipped,
}

/// One measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
}

impl Line {
    /// As it goes over the console.
    pub fn to_console(&self) -> String {
        // plain data with text as keys: there is nothing that JSON cannot say
        format!("{PREFIX}{}", serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads a line of the console; none where it is not ours or was cut. Something may stand in
    /// front of it, as others print without regard to lines.
    pub fn from_console(text: &str) -> Option<Self> {
        let (_, json) = text.split_once(PREFIX)?;
        serde_json::from_str(json.trim_end()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cross_a_noisy_console() {
        let line = Line::Begin { scenario: "load".into(), seconds_max: 60 };
        let text = format!("[    1.0] something{}\r\n", line.to_console());
        assert_eq!(Line::from_console(&text), Some(line));
        assert_eq!(Line::from_console("[    2.0] something else"), None);
        assert_eq!(Line::from_console(&format!("{PREFIX}{{\"begin\"")), None);
    }
}
