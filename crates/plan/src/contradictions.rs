//! What the limits and rates of a network contradict among themselves, on whatever machine.

use config::{Config, Mode};
use units::{Direction, PerDirection};

use crate::ceilings::{Ceilings, Squashed};
use crate::guarantees::ask;
use crate::problem::{Problem, Problems};
use crate::tree::Tree;

/// What [`plan()`](crate::plan()) would warn of on every machine: rates that exceed what their parents
/// carry, and min rates that exceed what they share. None where nothing is shaped.
///
/// # Errors
/// With every reason for which no machine can carry the network: limits that are too small for what
/// is below them, and paths that are too deep.
pub fn contradictions(config: &Config) -> Result<Vec<Problem>, Problems> {
    if config.interfaces.mode == Mode::Observe {
        return Ok(Vec::new());
    }
    let tree = Tree::new(&config.network);
    let mut problems = tree.too_deep();
    let mut squashed = Squashed::default();
    let ceilings = PerDirection::from_fn(|d| Ceilings::squash(&tree, config, d, &mut squashed));
    let mut warnings: Vec<Problem> = squashed.warnings().collect();
    for direction in Direction::ALL {
        ask(&tree, config, &ceilings[direction], direction, (&mut problems, &mut warnings));
    }
    if problems.is_empty() { Ok(warnings) } else { Err(Problems(problems)) }
}
