//! Setting what is to change, and putting back what was.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use crate::Machine;

use super::changes::{Change, Wanted, changes};
use super::file::{FileError, Remembered, TunedFile};
use super::setting::Setting;

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Applied {
    /// What was to change.
    #[serde(flatten)]
    pub change: Change,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of setting something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// It is as wanted.
    Set,
    /// The driver made something else of it.
    Rounded {
        /// What it is now.
        value: String,
    },
    /// The kernel or the driver refused, and why.
    Refused {
        /// In its words.
        problem: String,
    },
}

/// What became of one setting that was to be put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Reverted {
    /// It is what it was.
    Back {
        /// Which.
        setting: Setting,
        /// What it is.
        value: String,
    },
    /// Somebody else has changed it since; it was left alone, and is forgotten.
    ChangedSince {
        /// Which.
        setting: Setting,
        /// What it is.
        value: String,
        /// What it was before it was tuned.
        was: String,
    },
    /// It is no longer there though its NIC is; it is forgotten.
    Gone {
        /// Which.
        setting: Setting,
    },
    /// Its NIC is not there; it stays remembered.
    NicMissing {
        /// Which.
        setting: Setting,
    },
    /// It could not be put back; it stays remembered.
    Refused {
        /// Which.
        setting: Setting,
        /// What it was before it was tuned.
        was: String,
        /// In the kernel's or driver's words.
        problem: String,
    },
}

/// Sets what is to change. What was before is in the file, and on the disk, before anything is touched; what
/// the file remembers already stays what it was. What is refused is told and goes on.
///
/// # Errors
/// When it cannot be remembered what was; nothing more is changed then.
pub fn apply(
    machine: &mut Machine,
    wanted: &Wanted,
    file: &TunedFile,
) -> Result<Vec<Applied>, FileError> {
    let mut remembered = file.read()?;
    let changes = see(machine, wanted);
    let other_queues = changes.iter().any(|change| change.setting.changes_queues());
    let mut all = apply_some(machine, changes, &mut remembered, file)?;
    if other_queues {
        // new queues have interrupts of their own, and drivers may have set those of the others anew
        let is_open = |change: &Change| {
            let tried = all.iter().find(|it| it.change.setting == change.setting);
            tried.is_none_or(|tried| tried.outcome == Outcome::Set)
        };
        let more = see(machine, wanted).into_iter().filter(is_open).collect();
        for applied in apply_some(machine, more, &mut remembered, file)? {
            match all.iter_mut().find(|it| it.change.setting == applied.change.setting) {
                Some(before) => before.outcome = applied.outcome,
                None => all.push(applied),
            }
        }
    }
    Ok(all)
}

fn see(machine: &mut Machine, wanted: &Wanted) -> Vec<Change> {
    changes(&machine.see(&wanted.nics), wanted)
}

fn apply_some(
    machine: &mut Machine,
    changes: Vec<Change>,
    remembered: &mut Vec<Remembered>,
    file: &TunedFile,
) -> Result<Vec<Applied>, FileError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    for change in &changes {
        let Change { setting, now, wanted, .. } = change;
        match remembered.iter_mut().find(|known| known.setting == *setting) {
            Some(known) => known.set.clone_from(wanted),
            None => remembered.push(Remembered {
                setting: setting.clone(),
                was: now.clone(),
                set: wanted.clone(),
            }),
        }
    }
    file.write(remembered)?;
    let applied: Vec<_> = changes
        .into_iter()
        .map(|change| Applied { outcome: set(machine, &change), change })
        .collect();
    for Applied { change, outcome } in &applied {
        let at = remembered.iter().position(|known| known.setting == change.setting);
        let (Some(at), false) = (at, *outcome == Outcome::Set) else { continue };
        let now = match outcome {
            Outcome::Rounded { value } => value,
            _ => &change.now,
        };
        remembered[at].set.clone_from(now);
        if remembered[at].was == *now {
            remembered.remove(at);
        }
    }
    file.write(remembered)?;
    Ok(applied)
}

fn set(machine: &mut Machine, change: &Change) -> Outcome {
    let refused = |error: &io::Error| Outcome::Refused { problem: error.to_string() };
    let set = machine.set(&change.setting, &change.wanted);
    match machine.value(&change.setting) {
        Ok(value) if value == change.wanted => Outcome::Set,
        Ok(value) if value == change.now => Outcome::Refused {
            problem: match set {
                Err(error) => error.to_string(),
                Ok(()) => "the driver leaves it as it is".to_owned(),
            },
        },
        Ok(value) => Outcome::Rounded { value },
        Err(error) => set.as_ref().err().map_or_else(|| refused(&error), refused),
    }
}

/// Puts back what the file remembers, the last change first.
///
/// # Errors
/// When the file cannot be read; nothing is changed then. When it cannot be written: it then remembers
/// more than has to be put back.
pub fn revert(machine: &mut Machine, file: &TunedFile) -> Result<Vec<Reverted>, FileError> {
    let mut remembered = file.read()?;
    let mut all = Vec::new();
    let mut kept = Vec::new();
    while let Some(known) = remembered.pop() {
        let reverted = put_back(machine, &known);
        if matches!(reverted, Reverted::NicMissing { .. } | Reverted::Refused { .. }) {
            kept.push(known);
        }
        all.push(reverted);
    }
    kept.reverse();
    file.write(&kept)?;
    Ok(all)
}

fn put_back(machine: &mut Machine, known: &Remembered) -> Reverted {
    let Remembered { setting, was, set } = known.clone();
    if setting.nic().is_some_and(|nic| !machine.has_nic(nic)) {
        return Reverted::NicMissing { setting };
    }
    match machine.value(&setting) {
        Ok(value) if value == was => Reverted::Back { setting, value },
        Ok(value) if value != set => Reverted::ChangedSince { setting, value, was },
        Ok(_) => {
            let result = machine.set(&setting, &was);
            match machine.value(&setting) {
                Ok(value) if value == was => Reverted::Back { setting, value },
                now => {
                    let problem = result.err().or(now.err()).map(|error| error.to_string());
                    let problem = problem.unwrap_or_else(|| "the driver leaves it".to_owned());
                    Reverted::Refused { setting, was, problem }
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Reverted::Gone { setting },
        Err(error) => Reverted::Refused { setting, was, problem: error.to_string() },
    }
}
