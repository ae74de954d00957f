//! A service manager's stand-in: it listens to what a daemon says of itself (sd_notify(3)).

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::wait_until;

/// The longest message.
const MESSAGE_MAX: usize = 8192;

/// One assignment, `READY=1` say, and the process that sent it.
pub type Said = (u32, String);

/// Listens until its socket's folder goes.
#[derive(Debug)]
pub struct ServiceManager {
    path: PathBuf,
    said: Arc<Mutex<Vec<Said>>>,
}

impl ServiceManager {
    /// Listens on a socket of this name.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn listen(path: &Path) -> Result<Self> {
        let socket = UnixDatagram::bind(path)
            .with_context(|| format!("could not listen on {}", path.display()))?;
        set_socket_passcred(&socket, true).context("could not ask who sends")?;
        let said: Arc<Mutex<Vec<Said>>> = Arc::default();
        let heard = Arc::clone(&said);
        // ends with the process: nobody can close the socket while it waits
        thread::spawn(move || {
            while let Ok(mut message) = receive(&socket) {
                heard.lock().unwrap_or_else(PoisonError::into_inner).append(&mut message);
            }
        });
        Ok(Self { path: path.to_owned(), said })
    }

    /// What a service manager tells a daemon whose watchdog has this patience, in its environment.
    pub fn environment(&self, patience: Duration) -> Vec<(String, String)> {
        vec![
            ("NOTIFY_SOCKET".to_owned(), self.path.display().to_string()),
            ("WATCHDOG_USEC".to_owned(), patience.as_micros().to_string()),
        ]
    }

    /// All that was said up to now, in its order.
    pub fn said(&self) -> Vec<Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often something was said that begins so.
    pub fn count(&self, beginning: &str) -> usize {
        self.said().iter().filter(|(_, said)| said.starts_with(beginning)).count()
    }

    /// Waits until something was said after the first `after` sayings that begins so, and tells how many there
    /// are up to it, and who said what.
    ///
    /// # Errors
    /// When it is not said in time.
    pub fn wait_for(
        &self,
        after: usize,
        beginning: &str,
        deadline: Duration,
    ) -> Result<(usize, Said)> {
        let found = wait_until(beginning, deadline, || {
            let said = self.said();
            let found = said.iter().skip(after).position(|(_, it)| it.starts_with(beginning));
            Ok(found.map(|at| (after + at + 1, said[after + at].clone())))
        });
        found.with_context(|| format!("it said {:?}", self.said()))
    }
}

fn receive(socket: &UnixDatagram) -> Result<Vec<Said>> {
    let mut bytes = [0; MESSAGE_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::empty())?;
    let sender = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmCredentials(sender) => Some(sender.pid.as_raw_nonzero().get()),
        _ => None,
    });
    let sender = sender.context("a message without a sender")?.cast_unsigned();
    let text = String::from_utf8_lossy(&bytes[..received.bytes]);
    Ok(text.lines().map(|line| (sender, line.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_hears_what_is_said_and_by_whom() {
        let path = std::env::temp_dir().join(format!("testkit-notify-{}", std::process::id()));
        let manager = ServiceManager::listen(&path).unwrap();
        let socket = UnixDatagram::unbound().unwrap();
        socket.send_to(b"READY=1\nSTATUS=well\n", &path).unwrap();
        socket.send_to(b"READY=1\n", &path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let long = Duration::from_secs(10);
        let (after, (process, _)) = manager.wait_for(0, "READY=1", long).unwrap();
        assert_eq!((after, process), (1, std::process::id()));
        assert_eq!(manager.wait_for(after, "READY", long).unwrap().0, 3);
        assert_eq!((manager.count("READY"), manager.count("STATUS=w")), (2, 1));
    }
}
