//! Who transfers when.
//!
//! Each circuit is measured once in each direction with its nodes not full, and once more, where
//! its node is too small for all of its circuits, against its neighbours.

use units::{BitsPerSec, Direction, PerDirection};

use super::network::Example;

/// What the contended phases show, download first.
const CONTENDED: [&str; 2] = [
    "circuits want to download more than their access point has",
    "circuits want to upload more than their access point has",
];

/// Transfers that run at the same time.
pub(super) struct Phase {
    pub(super) title: &'static str,
    pub(super) transfers: Vec<Transfer>,
    /// The node is too small for them: they share it instead of reaching their plans.
    pub(super) contended: bool,
}

/// One circuit's data in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transfer {
    /// Position in the example.
    pub(super) circuit: usize,
    pub(super) direction: Direction,
}

/// The phases of a network.
pub(super) fn of(example: &Example) -> Vec<Phase> {
    let waiting: Vec<usize> =
        (0..example.circuits.len()).filter(|circuit| must_wait(example, *circuit)).collect();
    let is_waiting = |circuit: usize| waiting.contains(&circuit);
    // Who has to wait for a neighbour goes the other way meanwhile.
    let phase = |title, direction: Direction, other: Direction| Phase {
        title,
        contended: false,
        transfers: (0..example.circuits.len())
            .map(|circuit| Transfer {
                circuit,
                direction: if is_waiting(circuit) { other } else { direction },
            })
            .collect(),
    };
    let (down, up) = (Direction::Download, Direction::Upload);
    let mut phases = vec![
        phase("circuits download at their plans' rates", down, up),
        phase("circuits upload at their plans' rates", up, down),
    ];
    let crowd: Vec<usize> = (0..example.circuits.len())
        .filter(|circuit| {
            let parent = example.circuits[*circuit].parent;
            parent.is_some() && waiting.iter().any(|w| example.circuits[*w].parent == parent)
        })
        .collect();
    // One direction at a time: a full queue one way holds up acknowledgements the other way.
    for (direction, title) in Direction::ALL.into_iter().zip(CONTENDED) {
        if !crowd.is_empty() {
            let transfers = crowd.iter().map(|circuit| Transfer { circuit: *circuit, direction });
            phases.push(Phase { title, contended: true, transfers: transfers.collect() });
        }
    }
    phases
}

/// Whether the circuits before this one leave no room for it in its node.
fn must_wait(example: &Example, circuit: usize) -> bool {
    let Some(parent) = example.circuits[circuit].parent else { return false };
    let mut asked = PerDirection::both(BitsPerSec::ZERO);
    for neighbour in &example.circuits[..=circuit] {
        if neighbour.parent == Some(parent) {
            asked.down = asked.down + neighbour.plan.down;
            asked.up = asked.up + neighbour.plan.up;
        }
    }
    let limit = example.nodes[parent].rate;
    asked.down > limit.down || asked.up > limit.up
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step;

    #[test]
    fn every_circuit_is_measured_both_ways_without_a_full_node() {
        let example = Example::load(&step::root().join("config/example")).unwrap();
        let phases = of(&example);
        assert_eq!(phases.len(), 4);
        for circuit in 0..example.circuits.len() {
            for direction in Direction::ALL {
                let transfer = Transfer { circuit, direction };
                let times = phases
                    .iter()
                    .filter(|phase| !phase.contended && phase.transfers.contains(&transfer))
                    .count();
                assert_eq!(times, 1, "{transfer:?}");
            }
        }
        for phase in phases.iter().filter(|phase| !phase.contended) {
            for (node, limit) in example.nodes.iter().enumerate() {
                let asked: BitsPerSec = phase
                    .transfers
                    .iter()
                    .filter(|transfer| transfer.direction == Direction::Download)
                    .filter(|transfer| example.nodes_above(transfer.circuit).any(|n| n == node))
                    .map(|transfer| example.circuits[transfer.circuit].plan.down)
                    .sum();
                assert!(asked <= limit.rate.down, "{} is asked for {asked}", limit.name);
            }
        }
    }

    #[test]
    fn the_oversubscribed_access_point_is_contended() {
        let example = Example::load(&step::root().join("config/example")).unwrap();
        let contended: Vec<_> = of(&example).into_iter().filter(|phase| phase.contended).collect();
        assert_eq!(contended.iter().map(|phase| phase.transfers.len()).collect::<Vec<_>>(), [2, 2]);
    }
}
