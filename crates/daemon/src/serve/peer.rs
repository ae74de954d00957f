//! Who a client is, and so what it may do.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// Looks up those that are not known.
    fn look_up(&mut self, bus: &Bus) {
        self.at = Instant::now();
        for (id, name) in [(&mut self.read, &bus.read_group), (&mut self.admin, &bus.admin_group)] {
            if id.is_none() {
                *id = group_id(name).unwrap_or_else(|error| {
                    warn!(%error, group = name, "could not look the group up");
                    None
                });
            }
        }
    }

    const fn are_known(&self) -> bool {
        self.read.is_some() && self.admin.is_some()
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
    /// Looks the groups up. One that does not exist has no members; that is logged.
    pub fn new(bus: &Bus) -> Self {
        let mut groups = Groups { read: None, admin: None, at: Instant::now() };
        groups.look_up(bus);
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

    /// Looks groups up again that did not exist; tells whether there may be one more now. The system may take a
    /// while.
    pub fn look_up_again(&self) -> bool {
        if !self.may_be_more() {
            return false;
        }
        let mut groups = *self.groups();
        groups.look_up(&self.bus);
        *self.groups() = groups;
        true
    }

    /// Whether it is time to look up a group that did not exist.
    pub fn may_be_more(&self) -> bool {
        let groups = self.groups();
        !groups.are_known() && groups.at.elapsed() >= LOOKED_UP_AGAIN
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn role(&self, peer: &Peer) -> Option<Role> {
        if peer.uid == 0 || peer.uid == self.own_uid {
            return Some(Role::Control);
        }
        self.groups().role(peer)
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
        let before = now.checked_sub(LOOKED_UP_AGAIN).unwrap();
        for (at, role) in [(now, None), (before, Some(Role::Read))] {
            let roles = roles(None, None, at);
            assert_eq!(roles.role(&peer(1, &[0])), None);
            assert_eq!(roles.look_up_again(), role.is_some());
            assert_eq!(roles.role(&peer(1, &[0])), role);
            assert!(!roles.look_up_again(), "just now");
        }
    }
}
