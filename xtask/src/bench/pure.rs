//! Benchmarks that touch nothing but memory.

use anyhow::{Result, anyhow};
use config::{Config, Leaf};
use plan::synthetic::{Size, provider};

use super::figure::{Figure, seconds};
use super::origins;

/// A benchmark.
type Measure = fn() -> Result<Vec<Figure>>;

/// All of them, by name.
pub(super) const ALL: [(&str, Measure); 3] =
    [("config", validate), ("origin", origins::measure), ("plan", plan_networks)];

/// Rows of ShapedDevices.csv.
const ROWS: usize = 100_000;

/// Reading and validating the three files.
fn validate() -> Result<Vec<Figure>> {
    let sources = config::synthetic::sources(ROWS);
    let figure = seconds("config", "rows-100000", || {
        Config::from_sources(&sources).map_err(|problems| anyhow!("{problems}"))
    })?;
    Ok(vec![figure])
}

/// Planning networks from nothing.
fn plan_networks() -> Result<Vec<Figure>> {
    // A NIC has handles for some 60,000 leaves: more circuits do with HTB's own queues.
    Ok(vec![
        plan_one("circuits-10000", 10_000, 25, Leaf::FqCodel)?,
        plan_one("circuits-100000", 100_000, 250, Leaf::None)?,
    ])
}

fn plan_one(scenario: &str, circuits: usize, sites: usize, leaf: Leaf) -> Result<Figure> {
    let size = Size { circuits, sites, access_points: 10, queues: 16 };
    let (config, facts) = provider(size, leaf);
    seconds("plan", scenario, || {
        plan::plan(&config, &facts, None).map_err(|problems| anyhow!("{problems}"))
    })
}
