//! The bus's server side: who may connect, and what each is answered.

mod actor;
mod peer;
mod pushes;
mod session;
mod views;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{io, os};

use bus::{CONTROL_RESERVE, Role, STRANGERS_MAX};
use config::Bus;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{UnixListener, UnixStream};
use tracing::{debug, warn};

use crate::exit::Failure;
use crate::reload::Reloader;
use crate::shared::Shared;
use peer::{Identity, Roles};
use pushes::Pushes;
use session::Session;
pub use views::{Moment, no_circuit, side};

/// Anyone may connect: who it is decides, and a refusal can be logged.
const SOCKET_MODE: u32 = 0o666;

/// The pause after the system gave no connection, for want of descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The bus's socket. Dropping it removes it.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    roles: Arc<Roles>,
    pushes: Arc<Pushes>,
    shared: Arc<Shared>,
    reloader: Reloader,
}

impl Server {
    /// Listens on the configured socket, in place of what a daemon that was killed left there: the
    /// lock beside it says that no other runs.
    ///
    /// # Errors
    /// When the socket or its folder cannot be made.
    pub fn bind(bus: &Bus, shared: Arc<Shared>, reloader: Reloader) -> Result<Self, Failure> {
        let path = bus.socket.clone();
        let failed = |source| Failure::Listen { path: bus.socket.display().to_string(), source };
        remove_stale(&path).map_err(failed)?;
        let listener = UnixListener::bind(&path).map_err(failed)?;
        let roles = Arc::new(Roles::new(bus));
        let server = Self { listener, path, roles, pushes: Arc::default(), shared, reloader };
        let mode = Permissions::from_mode(SOCKET_MODE);
        fs::set_permissions(&server.path, mode).map_err(failed)?;
        make_room(bus.clients);
        Ok(server)
    }

    /// Serves clients for as long as it is polled.
    pub async fn run(&self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => self.admit(stream),
                Err(error) => {
                    warn!(%error, "could not accept a client");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, stream: UnixStream) {
        let identity = match self.roles.of(&stream) {
            Ok(identity) => identity,
            Err(error) => {
                warn!(%error, "could not tell who a client is");
                return;
            }
        };
        let Some(place) = Place::take(&self.shared, identity.role) else {
            self.shared.clients_refused.fetch_add(1, Ordering::Relaxed);
            debug!(most = self.shared.clients_max, "turned a client away: too many");
            return;
        };
        let (shared, reloader) = (Arc::clone(&self.shared), self.reloader.clone());
        let (roles, pushes) = (Arc::clone(&self.roles), Arc::clone(&self.pushes));
        tokio::spawn(async move {
            let _place = place;
            let identity = known(identity, roles, &stream).await;
            if let Err(error) = Session::new(stream, identity, shared, reloader, pushes).run().await
            {
                debug!(%error, "a client's connection ended");
            }
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            warn!(%error, socket = %self.path.display(), "could not remove the socket");
        }
    }
}

/// Lets the process have as many descriptors as so many clients take.
fn make_room(clients: u32) {
    let needed = bus::descriptors(clients);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let current = Some(maximum.map_or(needed, |maximum| maximum.min(needed)));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current, maximum }) {
        warn!(%error, "could not raise the limit of open files");
    }
    if current < Some(needed) {
        warn!(
            limit = current,
            needed, "fewer files may be open than [bus] clients takes: raise LimitNOFILE"
        );
    }
}

/// Who a client is, after a look whether its group exists by now.
async fn known(identity: Identity, roles: Arc<Roles>, stream: &UnixStream) -> Identity {
    if identity.role == Some(Role::Control) || !roles.may_be_more() {
        return identity;
    }
    let looking = Arc::clone(&roles);
    let looked = tokio::task::spawn_blocking(move || looking.look_up_again()).await;
    if looked.is_ok_and(|looked| looked) { roles.of(stream).unwrap_or(identity) } else { identity }
}

/// One client's place among those that may be connected.
struct Place {
    shared: Arc<Shared>,
    is_stranger: bool,
}

impl Place {
    /// A place for a client with this role, if there is one left.
    fn take(shared: &Arc<Shared>, role: Option<Role>) -> Option<Self> {
        let most = match role {
            None => STRANGERS_MAX,
            Some(Role::Read) => shared.clients_max,
            Some(Role::Control) => shared.clients_max + CONTROL_RESERVE,
        };
        let place = Self { shared: Arc::clone(shared), is_stranger: role.is_none() };
        // one that is too many gives its place back at once
        (place.taken().fetch_add(1, Ordering::AcqRel) < most).then_some(place)
    }

    fn taken(&self) -> &AtomicU32 {
        if self.is_stranger { &self.shared.strangers } else { &self.shared.clients }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken().fetch_sub(1, Ordering::AcqRel);
    }
}

/// Removes a socket that nobody listens on; anything else in its place is an error.
pub fn remove_stale(path: &Path) -> io::Result<()> {
    use os::unix::fs::FileTypeExt;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file, no socket")),
    }
}
