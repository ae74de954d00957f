//! The plan in force.

use bus::{ErrorCode, Payload, PlanView, Refusal, Reply};

use crate::shared::{Current, Shared};

/// The plan, ready to be sent. It is made and encoded once, however many ask for it.
pub async fn plan(shared: &Shared) -> Payload {
    let current = shared.current.load_full();
    let make = || async {
        // that of a large network takes a while: others are served meanwhile
        tokio::task::block_in_place(|| Payload::of(&reply(shared, &current)))
    };
    current.plan_reply.get_or_init(make).await.clone()
}

fn reply(shared: &Shared, current: &Current) -> Reply {
    match serde_json::to_string(&current.plan) {
        Ok(json) => {
            let (generation, config) = (current.generation, shared.config.clone());
            Reply::Plan(PlanView { generation, config, json })
        }
        Err(error) => Refusal::new(ErrorCode::Internal, error.to_string()).into(),
    }
}
