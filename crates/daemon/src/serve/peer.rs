//! Who a client is, and so what it may do.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bus::Role;
use config::Bus;
use kernel::peer::{Peer, group_id, peer};
use tokio::net::UnixStream;
use tracing::warn;

/// How often groups are looked up that do not exist.
const LOOKED_UP_AGAIN: Duration = Duration::from_secs(1);

/// The configured groups.
#[derive(Debug)]
pub struct Roles {
    own_uid: u32,
    bus: Bus,
    groups: Mutex<Groups>,
}

/// Groups by id; none that does not exist.
#[derive(Clone, Copy, Debug)]
struct Groups {
    read: Option<u32>,
    admin: Option<u32>,
    /// When they were looked up.
    at: Instant,
}

impl Groups {
    fn of(bus: &Bus) -> Self {
        let id = |name: &str| {
            group_id(name).unwrap_or_else(|error| {
                warn!(%error, group = name, "could not look the group up");
                None
            })
        };
        Self { read: id(&bus.read_group), admin: id(&bus.admin_group), at: Instant::now() }
    }

    /// What a user of these groups may do.
    fn role(self, peer: &Peer) -> Option<Role> {
        let member = |group: Option<u32>| group.is_some_and(|id| peer.groups.contains(&id));
        if member(self.admin) {
            Some(Role::Control)
        } else if member(self.read) {
            Some(Role::Read)
        } else {
            None
        }
    }
}

/// What a client may do, and who it is for the log.
#[derive(Clone, Debug)]
pub struct Identity {
    /// None: nothing.
    pub role: Option<Role>,
    /// Its user.
    pub uid: u32,
    /// Its process.
    pub pid: Option<i32>,
}

impl Roles {
    /// Looks the groups up. One that does not exist has no members; that is logged, and it is looked up again
    /// when somebody comes who may be one.
    pub fn new(bus: &Bus) -> Self {
        let groups = Groups::of(bus);
        for (name, id) in [(&bus.read_group, groups.read), (&bus.admin_group, groups.admin)] {
            if id.is_none() {
                warn!(group = name, "there is no such group, so nobody has this role by group yet");
            }
        }
        let own_uid = rustix::process::geteuid().as_raw();
        Self { own_uid, bus: bus.clone(), groups: Mutex::new(groups) }
    }

    /// Who is at the other end, as the kernel attests it.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn of(&self, stream: &UnixStream) -> io::Result<Identity> {
        let peer = peer(stream)?;
        Ok(Identity { role: self.role(&peer), uid: peer.uid, pid: peer.pid })
    }

    fn role(&self, peer: &Peer) -> Option<Role> {
        if peer.uid == 0 || peer.uid == self.own_uid {
            return Some(Role::Control);
        }
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let role = groups.role(peer);
        let is_missing = groups.read.is_none() || groups.admin.is_none();
        if role == Some(Role::Control) || !is_missing || groups.at.elapsed() < LOOKED_UP_AGAIN {
            return role;
        }
        *groups = Groups::of(&self.bus);
        groups.role(peer)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn peer(uid: u32, groups: &[u32]) -> Peer {
        Peer { pid: None, uid, groups: groups.to_vec() }
    }

    fn roles(read: Option<u32>, admin: Option<u32>, at: Instant) -> Roles {
        let bus = Bus {
            socket: PathBuf::new(),
            read_group: "root".to_owned(),
            admin_group: "no-such-group-here".to_owned(),
            clients: 1,
        };
        Roles { own_uid: 990, bus, groups: Mutex::new(Groups { read, admin, at }) }
    }

    #[test]
    fn users_and_groups_decide() {
        let roles = roles(Some(50), Some(60), Instant::now());
        assert_eq!(roles.role(&peer(0, &[])), Some(Role::Control));
        assert_eq!(roles.role(&peer(990, &[])), Some(Role::Control));
        assert_eq!(roles.role(&peer(1000, &[60, 50])), Some(Role::Control));
        assert_eq!(roles.role(&peer(1000, &[1000, 50])), Some(Role::Read));
        assert_eq!(roles.role(&peer(1000, &[1000])), None);
    }

    #[test]
    fn a_group_that_does_not_exist_has_no_members_until_it_does() {
        let now = Instant::now();
        assert_eq!(roles(None, None, now).role(&peer(1, &[0])), None);
        let before = now.checked_sub(LOOKED_UP_AGAIN).unwrap();
        assert_eq!(roles(None, None, before).role(&peer(1, &[0])), Some(Role::Read));
    }
}
