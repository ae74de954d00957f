//! What can go wrong, and how it is told.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;

use bus::{ClientError, ErrorCode, Exit, Refusal};
use machine::nic::NicError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::output::inert_lines;

/// What can go wrong in a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The daemon is out of reach, or said no.
    #[error(transparent)]
    Bus(#[from] ClientError),
    /// A file of the configuration is wrong.
    #[error("the configuration is invalid")]
    Config(#[source] config::Problems),
    /// The network cannot be carried by the machine.
    #[error("the network cannot be planned")]
    Plan(#[source] plan::Problems),
    /// Another program's installation cannot be converted.
    #[error("the installation cannot be imported")]
    Import(#[source] config::Problems),
    /// What is wanted cannot be put in force.
    #[error("this cannot be put in force")]
    Unacceptable {
        /// Where the lines are counted that it tells.
        given: String,
        /// Why not.
        source: Refusal,
    },
    /// The command line is wrong.
    #[error("{}", inside(.0))]
    Usage(clap::Error),
    /// Both files are to come from the same place.
    #[error("only one of the files can be the standard input")]
    StdinTwice,
    /// A change of a circuit that names nothing of it.
    #[error("nothing to change; name what is to be otherwise, like --download \"100 Mbps\"")]
    NothingToChange,
    /// The program that is to take over does not answer.
    #[error(
        "the new program has not come up{}; traffic goes on as it was shaped last, but nobody is there to \
         change or measure it", if *.ended { ": its process has ended" } else { "" }
    )]
    NotTakenOver {
        /// Whether its process is no longer there.
        ended: bool,
    },
    /// There is no such circuit.
    #[error("no circuit has the id {id:?}")]
    NoCircuit {
        /// The id asked for.
        id: String,
    },
    /// The circuit is in the files, but the daemon's plan does not have it, or the other way round.
    #[error(
        "circuit {id:?} is in {has}, but not in {lacks}: the files have changed since they were \
         loaded; `tidegate reload` puts them in force"
    )]
    NotInForce {
        /// The id asked for.
        id: String,
        /// Where it is.
        has: &'static str,
        /// Where it is not.
        lacks: &'static str,
    },
    /// A file could not be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("could not write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The file is there already.
    #[error("{} exists; --force replaces it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The box is one: none of it can be chosen.
    #[error(
        "--filter, --node and --samples choose among nodes or circuits: `tidegate rtt circuits ...`"
    )]
    BoxOnly,
    /// What is to be written is a folder.
    #[error("{} is a folder; name a file in it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A capture is nothing to look at.
    #[error("a capture would make a mess of the terminal; name a file, or pipe it into a program")]
    Terminal,
    /// A file does not hold a machine's facts.
    #[error("{}", path.display())]
    Facts {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: plan::FactsError,
    },
    /// A NIC of the configuration is not here.
    #[error(transparent)]
    Nic(NicError),
    /// What was before a change cannot be remembered, or is not known any more.
    #[error(transparent)]
    Tuned(machine::tune::FileError),
    /// The daemon's plan is not one that this program knows how to read.
    #[error("could not read the plan in force as JSON; are tidegate and tidegated of one version?")]
    PlanInForce(#[source] serde_json::Error),
    /// A result could not be written as JSON.
    #[error("could not write the result as JSON")]
    Json(#[source] serde_json::Error),
    /// The standard output failed.
    #[error("could not write to the standard output")]
    Output(#[source] io::Error),
    /// The viewer is for people.
    #[error("top shows nothing to programs; the commands that read do, with --json and --watch")]
    NoJson,
    /// The viewer could not go on.
    #[error(transparent)]
    Viewer(tui::shell::Error),
    /// Signals could not be listened for.
    #[error("could not listen for signals")]
    Signals(#[source] io::Error),
}

impl Failure {
    /// What to do about it, where the error itself does not say.
    fn way_out(&self) -> Option<String> {
        if let Self::Unacceptable { given, .. } = self {
            return Some(format!("Lines are counted where they were given: {given}."));
        }
        self.usual_way_out().map(str::to_owned)
    }

    fn usual_way_out(&self) -> Option<&'static str> {
        match self {
            Self::Bus(ClientError::NotRunning { .. }) => Some(
                "start `tidegated` as root; it says why if it cannot. If it listens elsewhere, name \
                 its socket with --socket PATH.",
            ),
            Self::Bus(ClientError::PermissionDenied { .. }) => Some(
                "root and members of the groups under [bus] in tidegate.toml may speak to the \
                 daemon.",
            ),
            Self::Bus(ClientError::Refused(refusal)) if refusal.code == ErrorCode::Denied => Some(
                "root and members of admin_group may change things, members of read_group may \
                 look; both groups are set under [bus] in tidegate.toml.",
            ),
            Self::Bus(ClientError::Refused(refusal)) if refusal.code == ErrorCode::Outdated => {
                Some(
                    "`tidegate get` tells what is in force and its revision; `tidegate reload` puts files in \
                     force that were changed by hand, or says what is wrong with them.",
                )
            }
            Self::Nic(NicError::Missing { .. }) => Some(
                "`tidegated --facts` on the machine that has it describes that one for --facts FILE.",
            ),
            Self::NotTakenOver { .. } => Some(
                "its log says why. Put the program that ran before back in its place and start it: it takes \
                 over what is at work.",
            ),
            Self::Bus(ClientError::Timeout { .. }) => {
                Some("the daemon's log says what it is busy with.")
            }
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => {
                    Some("its folder does not exist: make it, or name a file in another.")
                }
                io::ErrorKind::PermissionDenied => {
                    Some("name a file in a folder of yours, or run this as root.")
                }
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StorageFull => {
                    Some("name a file on another disk.")
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// What clap says, without what it puts in front of each error.
fn inside(error: &clap::Error) -> String {
    let said = error.to_string();
    said.strip_prefix("error: ").unwrap_or(&said).trim_end().to_owned()
}

/// Tells on the standard error what went wrong. Nothing when whoever read our output went away.
pub(crate) fn report(failure: &Failure, exit: Exit, json: bool) {
    if matches!(failure, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe) {
        return;
    }
    let text = if json { object(failure, exit) } else { message(failure) };
    // there is nowhere left to complain when this fails
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// What went wrong, for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct Told {
    /// For people.
    error: String,
    /// With which code the daemon refused; none when it did not.
    code: Option<ErrorCode>,
    /// The program's exit code.
    exit: u8,
}

/// The error as JSON on a line.
fn object(failure: &Failure, exit: Exit) -> String {
    let error = message(failure);
    let error = error.strip_prefix("error: ").unwrap_or(&error).trim_end().to_owned();
    let code = match failure {
        Failure::Bus(ClientError::Refused(refusal)) => Some(refusal.code),
        Failure::Unacceptable { source, .. } => Some(source.code),
        _ => None,
    };
    let told = Told { error, code, exit: exit as u8 };
    serde_json::to_string(&told).map_or_else(|error| error.to_string(), |json| json + "\n")
}

/// The error with its causes, once each; causes of several lines begin on a line of their own.
fn message(failure: &Failure) -> String {
    // what does not exist is no matter of the daemon's
    if let Failure::Bus(ClientError::Refused(refusal)) = failure
        && refusal.code == ErrorCode::NotFound
    {
        return inert_lines(&format!("error: {refusal}\n"));
    }
    let mut text = format!("error: {failure}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        let said = error.to_string();
        let separator = if said.trim_end().contains('\n') { ":\n" } else { ": " };
        text.push_str(separator);
        text.push_str(said.trim_end());
        cause = error.source();
    }
    text.push('\n');
    if let Some(way_out) = failure.way_out() {
        text.push_str(&way_out);
        text.push('\n');
    }
    inert_lines(&text)
}

#[cfg(test)]
mod tests {
    use bus::Refusal;

    use super::*;

    #[test]
    fn causes_are_told_once_and_inert() {
        let refusal = Refusal::new(ErrorCode::Busy, "another \x1b[2Jreload is under way");
        let text = message(&ClientError::Refused(refusal).into());
        assert_eq!(
            text,
            "error: the daemon refused: busy: another \u{fffd}[2Jreload is under way\n"
        );
    }

    #[test]
    fn a_list_of_problems_begins_on_its_own_line() {
        let refusal = Refusal::new(ErrorCode::Invalid, "a.toml:3: error: x\nb.csv:4: error: y\n");
        let text = message(&ClientError::Refused(refusal).into());
        assert_eq!(
            text,
            "error: the daemon refused: invalid:\na.toml:3: error: x\nb.csv:4: error: y\n"
        );
    }
}
