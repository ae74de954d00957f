//! The programs and the model on random packets.

use std::collections::BTreeMap;
use std::net::IpAddr;

use abi::Direction;
use rand::Rng;
use testkit::{Seed, to_hex};

use crate::model::Model;
use crate::random;
use crate::stage::{Setting, Stage, obstacle};

const PACKETS: usize = 120_000;

/// Where random packets go: mostly over a bridge, where most can happen to them.
const SETTINGS: [Setting; 4] = [Setting::Bridge, Setting::Bridge, Setting::Stick, Setting::Observe];

#[test]
fn fault_16_programs_and_model_agree() {
    if let Some(reason) = obstacle() {
        println!("skipped: {reason}");
        return;
    }
    let seed = Seed::new();
    println!("TIDEGATE_SEED={}", seed.get());
    let mut rng = seed.rng();
    let (mut stage, model) = (Stage::new(PACKETS as u32), Model::new());
    let mut unknown: BTreeMap<(Setting, IpAddr), [u64; 2]> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..PACKETS {
        let setting = SETTINGS[rng.random_range(0..SETTINGS.len())];
        let direction = Direction::ALL[rng.random_range(0..Direction::COUNT)];
        let frame = random::frame(&mut rng, setting, direction);
        let seen = stage.run(setting, direction, &frame);
        let mut predicted = model.run(setting, direction, &frame);
        predicted.egress = seen.egress.and(predicted.egress);
        // The lists are compared at the end: reading one after each packet takes too long.
        if let Some(host) = predicted.ingress.unknown.take() {
            let travelled = predicted.ingress.counted.unwrap().direction;
            unknown.entry((setting, host)).or_default()[travelled as usize] += 1;
        }
        assert!(
            seen == predicted,
            "packet {number}, {} {}:\n  the programs say {seen}\n  the model says   {predicted}\n{}",
            setting.name(),
            direction.name(),
            to_hex(&frame)
        );
        *outcomes.entry(kind(&seen)).or_default() += 1;
    }
    for setting in [Setting::Bridge, Setting::Stick, Setting::Observe] {
        let predicted = unknown.iter().filter(|((of, _), _)| *of == setting);
        let predicted: BTreeMap<_, _> = predicted.map(|((_, host), n)| (*host, *n)).collect();
        assert_eq!(stage.unknown(setting), predicted, "unknown hosts of {}", setting.name());
    }
    for (outcome, packets) in &outcomes {
        println!("{packets:7} {outcome}");
    }
    assert_varied(&outcomes);
}

/// An outcome without its particulars.
fn kind(outcome: &crate::outcome::Outcome) -> String {
    let ingress = &outcome.ingress;
    let protocol = ingress.counted.map_or("-", |counted| counted.protocol.name());
    let events: Vec<_> = ingress.events.iter().map(|event| event.name()).collect();
    let egress = outcome.egress.map_or("-", |(egress, _)| egress.name());
    format!("{:9} {protocol:5} {egress:9} {}", ingress.verdict.name(), events.join(" "))
}

/// Random packets that are all refused at the door would prove nothing.
fn assert_varied(outcomes: &BTreeMap<String, usize>) {
    for wanted in [
        "circuit   tcp",
        "circuit   udp",
        "circuit   icmp",
        "circuit   other",
        "unknown   tcp",
        "ignored   tcp",
        "not-ip",
        "malformed",
        "foreign",
    ] {
        let packets: usize =
            outcomes.iter().filter(|(kind, _)| kind.starts_with(wanted)).map(|(_, n)| n).sum();
        assert!(packets >= PACKETS / 200, "only {packets} packets were: {wanted}");
    }
}
