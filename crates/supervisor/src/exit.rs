//! Why threads end.

use std::any::Any;
use std::error::Error;
use std::fmt;

/// Why one run of a thread ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It came to its end.
    Finished,
    /// It gave up; the text is the error and its causes.
    Failed(String),
    /// It panicked with this message.
    Panicked(String),
}

/// An error with its causes, on one line.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl Exit {
    pub(crate) fn failed(error: &(dyn Error + 'static)) -> Self {
        Self::Failed(with_causes(error))
    }

    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        Self::Panicked(text.unwrap_or_else(|| "a panic without a message".to_owned()))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Failed(text) => write!(f, "failed: {text}"),
            Self::Panicked(text) => write!(f, "panicked: {text}"),
        }
    }
}

/// The essential thread that ended by itself first, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("thread {thread} {exit}")]
pub struct Death {
    /// Its name.
    pub thread: String,
    /// Why it ended.
    pub exit: Exit,
}
