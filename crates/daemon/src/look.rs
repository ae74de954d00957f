//! Looking once a second at what others may change under a running daemon: NICs, what of ours is on them, files.
//!
//! A NIC that loses its carrier or is taken down keeps programs and queues, and goes on by itself. One with
//! another MTU or other queues gets another plan. One that has gone and come back under its name is
//! another one, on which nothing is: the daemon begins anew with it, as after a handover, and takes over all
//! that is still there. Where a change and going back have both failed, or somebody has removed queues or
//! detached programs, what should be is put back. Looking once a second needs no
//! bursts of events to be told apart.

use std::time::{Duration, Instant};

use bus::{Cause, EventKind, Severity};
use plan::NicFacts;
use supervisor::with_causes;
use tracing::info;

use crate::notice::Notices;
use crate::reload::Reloader;
use crate::shaper::{NicsNow, Shaper};
use crate::shared::NicProblem;

/// How often they are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// After what time something that failed is tried again with the same NICs.
const AGAIN: Duration = Duration::from_secs(30);

/// What was tried last, and why it failed.
#[derive(Debug)]
struct Tried {
    /// None when one was missing.
    nics: Option<(NicFacts, NicFacts)>,
    at: Instant,
    problem: Option<NicProblem>,
}

/// Looks again and again.
pub async fn look_after(reloader: &Reloader) {
    let (mut tried, mut unrepaired) = (None, None);
    let mut notices = Notices::default();
    loop {
        tokio::time::sleep(INTERVAL).await;
        reloader.notice(&mut notices);
        let reloader = reloader.clone();
        let look = tokio::task::spawn_blocking(move || {
            look_at_nics(&reloader, &mut tried);
            reloader.look_at_files();
            let is_due = unrepaired.is_none_or(|at: Instant| at.elapsed() >= AGAIN);
            if is_due || reloader.is_known() {
                unrepaired = (!reloader.repair()).then(Instant::now);
            }
            (tried, unrepaired)
        });
        // one that panics is as one that failed
        (tried, unrepaired) = look.await.unwrap_or_default();
    }
}

/// Looks at the NICs, and where they are what they were at what of ours is on them.
fn look_at_nics(reloader: &Reloader, tried: &mut Option<Tried>) {
    let Some(found) = reloader.with_shaper(Shaper::look_at_nics) else { return };
    let (now, nics) = match found {
        Ok(found) => found,
        Err(error) => {
            let problem = NicProblem::of_nic(format!("{}; it is waited for", with_causes(&error)));
            reloader.tell_of_nics(vec![problem.clone()]);
            *tried = Some(Tried { nics: None, at: Instant::now(), problem: Some(problem) });
            return;
        }
    };
    let mut problems: Vec<_> = nics.warnings.into_iter().map(NicProblem::of_nic).collect();
    let nics = Some((nics.customers, nics.internet));
    let is_due = |tried: &Tried| tried.nics != nics || tried.at.elapsed() >= AGAIN;
    if now == NicsNow::Same {
        *tried = None;
        problems.extend(reloader.look_for_gone().err().map(NicProblem::of_nic));
    } else if tried.as_ref().is_none_or(is_due) {
        let problem = adapt(reloader, now).err().map(|text| {
            // what does not fit, or is refused, may be a circuit
            NicProblem { kind: EventKind::Kernel, text }
        });
        *tried = Some(Tried { nics, at: Instant::now(), problem });
    }
    problems.extend(tried.as_ref().and_then(|tried| tried.problem.clone()));
    reloader.tell_of_nics(problems);
}

/// Has the daemon use the NICs as they are now.
fn adapt(reloader: &Reloader, now: NicsNow) -> Result<(), String> {
    match now {
        NicsNow::Same => Ok(()),
        NicsNow::Changed => reloader.fit_to_nics(),
        NicsNow::Others => {
            let text = "a NIC is another one; beginning anew with it";
            info!("{text}");
            reloader.tell(EventKind::Nic, Severity::Warning, Cause::Daemon, text);
            reloader.begin_anew()
        }
    }
}
