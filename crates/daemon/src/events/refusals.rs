//! Which refusals are told, and how many were not.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// For how long the same refusal of the same user is only counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Different refusals that are told in that time.
const TOLD_MAX: usize = 64;

/// The refusals of one window, which begins with the first: who asks again and again must not drive out what
/// else happened.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    began: Option<Instant>,
    told: HashSet<(u32, &'static str)>,
    counted: u64,
}

impl Refusals {
    /// Whether this user's request of this name is to be told; otherwise it is counted.
    pub(super) fn is_new(&mut self, uid: u32, what: &'static str, now: Instant) -> bool {
        self.began.get_or_insert(now);
        let is_new = self.told.len() < TOLD_MAX && self.told.insert((uid, what));
        self.counted += u64::from(!is_new);
        is_new
    }

    /// Whether the window has begun and is over.
    pub(super) fn are_over(&self, now: Instant) -> bool {
        self.began.is_some_and(|began| now.duration_since(began) >= WINDOW)
    }

    /// What there is to say of those that were only counted, if there were any.
    pub(super) fn untold(&self, now: Instant) -> Option<String> {
        let seconds = now.duration_since(self.began?).as_secs();
        let counted = self.counted;
        (counted > 0).then(|| format!("refused: {counted} further requests within {seconds} s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_once_and_then_counted() {
        let (began, mut refusals) = (Instant::now(), Refusals::default());
        assert!(refusals.is_new(1_000, "reload", began));
        assert_eq!(refusals.untold(began), None);
        for _ in 0..4_000 {
            assert!(!refusals.is_new(1_000, "reload", began));
        }
        assert!(refusals.is_new(1_001, "reload", began));
        assert!(refusals.is_new(1_000, "edit", began));
        assert!(!refusals.are_over(began + WINDOW - Duration::from_millis(1)));
        assert!(refusals.are_over(began + WINDOW));
        let text = refusals.untold(began + WINDOW).unwrap();
        assert_eq!(text, "refused: 4000 further requests within 60 s");
    }

    #[test]
    fn users_without_end_are_counted_too() {
        let (now, mut refusals) = (Instant::now(), Refusals::default());
        assert!(!refusals.are_over(now + WINDOW), "none has begun");
        let told = (0..100).filter(|uid| refusals.is_new(*uid, "reload", now)).count();
        assert_eq!((told, refusals.counted), (TOLD_MAX, 100 - TOLD_MAX as u64));
    }
}
