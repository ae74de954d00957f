//! A fact, or why it is not known.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fact, or why it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Known<T> {
    /// So it is.
    Is(T),
    /// It could not be read, for this reason.
    Unknown(String),
}

impl<T> Known<T> {
    /// What was read of `what`, or why that failed.
    pub fn read<E: Display>(what: impl Display, result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Is(value),
            Err(error) => Self::Unknown(format!("{what}: {error}")),
        }
    }

    /// The fact, where it is known.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Why it is not known.
    pub fn why_not(&self) -> Option<&str> {
        match self {
            Self::Is(_) => None,
            Self::Unknown(why) => Some(why),
        }
    }
}
