//! What counts as a hit.

use units::BitsPerSec;

/// How far a circuit may be from its plan, in hundredths.
const PLAN_TOLERANCE: u64 = 5;
/// How far a node may be above its limit, in hundredths.
const LIMIT_TOLERANCE: u64 = 5;
/// How far a circuit may be from its share of a full node, in hundredths.
const SHARE_TOLERANCE: u64 = 12;
/// Payload in hundredths of a full node's limit: the limit is of whole frames, and headers take
/// four to six hundredths.
const PAYLOAD: u64 = 95;

/// Whether a circuit got its plan.
pub(super) fn meets_plan(measured: BitsPerSec, plan: BitsPerSec) -> bool {
    is_near(measured, plan, PLAN_TOLERANCE)
}

/// Whether a node held its limit.
pub(super) fn holds_limit(measured: BitsPerSec, limit: BitsPerSec) -> bool {
    measured <= limit.percent(100 + LIMIT_TOLERANCE)
}

/// Whether a circuit got its share of a full node.
pub(super) fn meets_share(measured: BitsPerSec, share: BitsPerSec) -> bool {
    is_near(measured, share, SHARE_TOLERANCE)
}

/// What circuits that all ask for more get of a node's limit, as payload: in proportion to their
/// min rates, nobody more than the plan.
pub(super) fn fair_shares(
    limit: BitsPerSec,
    circuits: &[(BitsPerSec, BitsPerSec)],
) -> Vec<BitsPerSec> {
    let mut shares = vec![BitsPerSec::ZERO; circuits.len()];
    let mut left = limit.percent(PAYLOAD);
    let mut open: Vec<usize> = (0..circuits.len()).collect();
    while !open.is_empty() {
        let weights: u128 = open.iter().map(|i| u128::from(circuits[*i].0.get())).sum();
        let share = |i: usize| {
            let part = u128::from(left.get()) * u128::from(circuits[i].0.get());
            BitsPerSec::new(u64::try_from(part / weights.max(1)).unwrap_or(u64::MAX))
        };
        // Whoever is full leaves the rest to the others.
        let full: Vec<usize> =
            open.iter().copied().filter(|i| share(*i) >= circuits[*i].1).collect();
        if full.is_empty() {
            for i in open {
                shares[i] = share(i);
            }
            break;
        }
        for i in &full {
            shares[*i] = circuits[*i].1;
            left = left - circuits[*i].1;
        }
        open.retain(|i| !full.contains(i));
    }
    shares
}

fn is_near(measured: BitsPerSec, wanted: BitsPerSec, tolerance_percent: u64) -> bool {
    measured >= wanted.percent(100 - tolerance_percent)
        && measured <= wanted.percent(100 + tolerance_percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mbps(n: u64) -> BitsPerSec {
        BitsPerSec::from_mbps(n)
    }

    #[test]
    fn five_hundredths_are_near() {
        assert!(meets_plan(mbps(95), mbps(100)) && meets_plan(mbps(105), mbps(100)));
        assert!(!meets_plan(mbps(94), mbps(100)) && !meets_plan(mbps(106), mbps(100)));
        assert!(holds_limit(mbps(1), mbps(100)) && !holds_limit(mbps(106), mbps(100)));
    }

    #[test]
    fn shares_follow_the_min_rates() {
        let circuits = [(mbps(10), mbps(50)), (mbps(5), mbps(50))];
        assert_eq!(fair_shares(mbps(60), &circuits), [mbps(38), mbps(19)]);
    }

    #[test]
    fn what_one_cannot_use_goes_to_the_others() {
        let circuits = [(mbps(10), mbps(20)), (mbps(5), mbps(50)), (mbps(5), mbps(50))];
        let shares = fair_shares(mbps(100), &circuits);
        assert_eq!(shares[0], mbps(20));
        assert_eq!(shares[1], BitsPerSec::new(37_500_000));
        assert_eq!(shares[1], shares[2]);
        assert_eq!(fair_shares(mbps(10), &[]), []);
    }
}
