//! Who a client is, and so what it may do.

use std::io;

use bus::Role;
use config::Bus;
use kernel::peer::{Peer, group_id, peer};
use tokio::net::UnixStream;
use tracing::warn;

/// The configured groups, by id.
#[derive(Debug)]
pub struct Roles {
    own_uid: u32,
    read: Option<u32>,
    admin: Option<u32>,
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
        let id = |name: &str| match group_id(name) {
            Ok(Some(id)) => Some(id),
            Ok(None) => {
                warn!(group = name, "there is no such group, so nobody has this role by group");
                None
            }
            Err(error) => {
                warn!(%error, group = name, "could not look the group up");
                None
            }
        };
        Self {
            own_uid: rustix::process::geteuid().as_raw(),
            read: id(&bus.read_group),
            admin: id(&bus.admin_group),
        }
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
        let member = |group: Option<u32>| group.is_some_and(|id| peer.groups.contains(&id));
        if peer.uid == 0 || peer.uid == self.own_uid || member(self.admin) {
            Some(Role::Control)
        } else if member(self.read) {
            Some(Role::Read)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_decide() {
        let roles = Roles { own_uid: 990, read: Some(50), admin: Some(60) };
        let peer = |uid, groups: &[u32]| Peer { pid: None, uid, groups: groups.to_vec() };
        assert_eq!(roles.role(&peer(0, &[])), Some(Role::Control));
        assert_eq!(roles.role(&peer(990, &[])), Some(Role::Control));
        assert_eq!(roles.role(&peer(1000, &[60, 50])), Some(Role::Control));
        assert_eq!(roles.role(&peer(1000, &[1000, 50])), Some(Role::Read));
        assert_eq!(roles.role(&peer(1000, &[1000])), None);
    }

    #[test]
    fn a_group_that_does_not_exist_has_no_members() {
        let roles = Roles { own_uid: 0, read: None, admin: None };
        assert_eq!(roles.role(&Peer { pid: None, uid: 1, groups: vec![0] }), None);
    }
}
