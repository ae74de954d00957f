//! Who a client is, for events and the audit log.

use bus::Actor;
use nix::unistd::{Uid, User};

use super::peer::Identity;

/// Characters of the name that a client gives itself.
const NAME_MAX: usize = 64;

/// A client.
#[derive(Debug)]
pub struct Client {
    /// What the kernel attests.
    pub identity: Identity,
    name: String,
    /// Looked up when it is first needed.
    actor: Option<Actor>,
}

impl Client {
    /// One that has not said its name.
    pub fn new(identity: Identity) -> Self {
        Self { identity, name: String::new(), actor: None }
    }

    /// Takes the name that the client gives itself.
    pub fn calls_itself(&mut self, name: &str) {
        self.name = name.chars().take(NAME_MAX).collect();
    }

    /// Who it is. The system may take a while to tell a user's name.
    pub async fn actor(&mut self) -> Actor {
        if let Some(actor) = &self.actor {
            return actor.clone();
        }
        let Identity { uid, pid, .. } = self.identity;
        let look_up = move || User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let user = tokio::task::spawn_blocking(look_up).await.ok().flatten();
        let user = user.map(|user| user.name);
        let actor = Actor { uid, user, pid, client: self.name.clone() };
        self.actor.insert(actor).clone()
    }
}
