//! RTTs: every case of the bench, asserted.

use testkit::rtt_truth::{Score, cases, play};
use units::Segment;

use crate::observer::{Programs, without_privileges};

#[test]
fn fault_17_rtts_are_the_truth() {
    if without_privileges() {
        return;
    }
    let cases = cases();
    let mut programs = Programs::new(&cases);
    let played = play(&cases, &mut programs).unwrap();
    let mut complaints = Vec::new();
    for (case, played) in cases.iter().zip(&played) {
        let score = Score::new(case, played);
        for segment in Segment::ALL {
            println!("{}", score.line(segment));
        }
        complaints.extend(score.complaints());
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
