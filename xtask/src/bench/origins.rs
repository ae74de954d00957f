//! What it costs to know where addresses belong: reading tables, and asking them.

use std::fs;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use anyhow::{Context, Result};
use origin::Origins;

use super::figure::{Figure, seconds};

/// Ranges of each table: about what the whole Internet's IPv4 has.
const RANGES: u32 = 500_000;
/// Look-ups of a round.
const LOOKUPS: u32 = 2_000_000;
/// Autonomous systems that the ranges belong to.
const SYSTEMS: u32 = 75_000;

/// Loading and look-ups, addresses at random all over the table.
pub(super) fn measure() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let v4 = |random: u64| IpAddr::V4(Ipv4Addr::from_bits((random >> 32) as u32));
    let v6 =
        |random: u64| IpAddr::V6(Ipv6Addr::from_bits(0x2000 << 112 | u128::from(random) << 52));
    figures.extend(family("ipv4-ranges-500000", v4_line, v4)?);
    figures.extend(family("ipv6-ranges-500000", v6_line, v6)?);
    Ok(figures)
}

fn family(
    scenario: &str,
    line: impl Fn(u32) -> String,
    address: impl Fn(u64) -> IpAddr,
) -> Result<Vec<Figure>> {
    let path = PathBuf::from(format!("target/bench-{scenario}.tsv"));
    let text: String = (0..RANGES).map(line).collect();
    fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
    let load = seconds("origin", scenario, || Ok(Origins::load(&[&path])?));
    let loaded = Origins::load(&[&path]);
    fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))?;
    let (load, origins) = (load?, loaded?.origins);
    let figure = |metric: &str, unit: &str, value: f64| Figure {
        bench: "origin".to_owned(),
        scenario: scenario.to_owned(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
        reference: None,
    };
    let bytes: usize = origins.tables().iter().map(|table| table.bytes()).sum();
    let run = |ask: &dyn Fn(IpAddr)| {
        seconds("origin", scenario, || {
            let mut random = 1_u64;
            for _ in 0..LOOKUPS {
                // Knuth's MMIX generator; its upper bits are random enough to defeat caches
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ask(address(random));
            }
            Ok(())
        })
    };
    let shared = run(&|address| {
        black_box(origins.lookup(black_box(address)));
    })?;
    let borrowed = run(&|address| {
        black_box(origins.find(black_box(address)));
    })?;
    let bare = run(&|address| {
        black_box(address);
    })?;
    let ns = |run: &Figure| (run.value - bare.value) * 1e9 / f64::from(LOOKUPS);
    Ok(vec![
        load,
        figure("ns_per_lookup", "ns", ns(&borrowed)),
        figure("ns_per_lookup_shared_name", "ns", ns(&shared)),
        figure("bytes_per_range", "B", bytes as f64 / f64::from(RANGES)),
    ])
}

/// Ranges that touch, each of another system than its neighbour's.
fn v4_line(index: u32) -> String {
    let step = u32::MAX / RANGES;
    let [start, end] = [index * step, index * step + step - 1].map(Ipv4Addr::from_bits);
    line(start.into(), end.into(), index)
}

/// The same in blocks of /32 and shorter under 2000::/3.
fn v6_line(index: u32) -> String {
    let step = (1_u128 << 116) / u128::from(RANGES);
    let first = (0x2000 << 112) + u128::from(index) * step;
    let [start, end] = [first, first + step - 1].map(Ipv6Addr::from_bits);
    line(start.into(), end.into(), index)
}

fn line(start: IpAddr, end: IpAddr, index: u32) -> String {
    let system = index.wrapping_mul(2_654_435_761) % SYSTEMS + 1;
    format!("{start}\t{end}\t{system}\tNL\tEXAMPLE-{system} Some Network B.V.\n")
}
