//! All that is looked at, gathered once.

use std::path::Path;

use bus::StatusView;
use config::{Interfaces, Mode, Problems, Queues};
use machine::tune::Wanted;
use machine::{Known, Limit, NicSeen, Seen};

use crate::arguments::{DEFAULT_CONFIG, DEFAULT_SOCKET};

/// What the daemon's process is called.
pub(crate) const DAEMON: &str = "tidegated";

/// All that is looked at.
#[derive(Debug)]
pub(crate) struct Patient<'a> {
    /// The machine.
    pub(crate) seen: &'a Seen,
    /// The configuration's path.
    pub(crate) path: &'a Path,
    /// The socket on which the daemon was asked.
    pub(crate) socket: &'a Path,
    /// The socket on which the daemon listens with this configuration; none where that does not say.
    pub(crate) own_socket: Option<&'a Path>,
    /// Whether systemd has the daemon's unit.
    pub(crate) has_unit: bool,
    /// What is wrong in the configuration; empty when it is valid.
    pub(crate) problems: &'a Problems,
    /// The NICs and the mode; none where the configuration does not say.
    pub(crate) interfaces: Option<&'a Interfaces>,
    /// How traffic is queued; none where the configuration is invalid.
    pub(crate) queues: Option<&'a Queues>,
    /// Where programs are pinned; none where the configuration does not say.
    pub(crate) pins_folder: Option<&'a Path>,
    /// Attachments that are pinned there.
    pub(crate) pins: &'a [String],
    /// What the daemon says.
    pub(crate) daemon: &'a Daemon,
    /// Files that the daemon may have open; none where there is none.
    pub(crate) open_files: Option<&'a Known<Limit>>,
    /// Whether this is root, who may look at everything.
    pub(crate) is_root: bool,
}

/// What came of asking the daemon.
#[derive(Debug)]
pub(crate) enum Daemon {
    /// It answered.
    Answers(Box<StatusView>),
    /// Nobody listens on its socket.
    Silent,
    /// It could not be asked, and why.
    Unknown(String),
}

impl Daemon {
    /// What it answered.
    pub(crate) fn status(&self) -> Option<&StatusView> {
        match self {
            Self::Answers(status) => Some(status),
            Self::Silent | Self::Unknown(_) => None,
        }
    }
}

/// The NICs that carry the traffic: the one on a stick is one.
pub(crate) fn names(interfaces: &Interfaces) -> Vec<String> {
    let mut names = vec![interfaces.customers.clone(), interfaces.internet.clone()];
    names.dedup();
    names
}

/// What the machine should be set to for a configuration.
pub(crate) fn wanted(interfaces: &Interfaces, queues: Option<u16>) -> Wanted {
    let steers = interfaces.mode != Mode::Observe;
    Wanted { nics: names(interfaces), queues, steers }
}

/// An option of our programs, where its value is not the one that they take by themselves.
fn option(name: &str, path: &Path, default: &str) -> String {
    if path == Path::new(default) {
        return String::new();
    }
    format!(" --{name} {}", machine::tune::shell_word(&path.to_string_lossy()))
}

impl Patient<'_> {
    /// The NICs that carry the traffic and are there.
    pub(crate) fn nics(&self) -> impl Iterator<Item = &NicSeen> {
        self.seen.nics.iter().filter(|nic| nic.link.get().is_some())
    }

    /// How packets cross the box.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.interfaces.map(|interfaces| interfaces.mode)
    }

    /// Whether packets are to be shaped, as far as that is known.
    pub(crate) fn shapes(&self) -> bool {
        self.mode() != Some(Mode::Observe)
    }

    /// A command of ours for this configuration.
    pub(crate) fn tidegate(&self, command: &str, arguments: &str) -> String {
        format!("tidegate {command}{}{arguments}", self.config_option())
    }

    /// A command of ours that asks the daemon.
    pub(crate) fn ask(&self, command: &str) -> String {
        format!("tidegate {command}{}", option("socket", self.socket, DEFAULT_SOCKET))
    }

    /// This examination once more, with the daemon asked on a socket.
    pub(crate) fn again(&self, socket: &Path) -> String {
        self.tidegate("doctor", &option("socket", socket, DEFAULT_SOCKET))
    }

    /// What starts the daemon: its unit, where there is one and it is for this configuration.
    pub(crate) fn start(&self) -> String {
        let config = self.config_option();
        if self.has_unit && config.is_empty() {
            "systemctl start tidegated".to_owned()
        } else {
            format!("tidegated{config}")
        }
    }

    fn config_option(&self) -> String {
        option("config", self.path, DEFAULT_CONFIG)
    }
}
