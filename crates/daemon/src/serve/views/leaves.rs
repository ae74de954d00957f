//! What qdiscs under classes did, for the wire.

use std::sync::Arc;

use bus::{LeafView, TinView};
use state::{LeafFigures, Leaves, TinFigures};

pub(super) fn leaf(leaves: &Leaves, figures: &LeafFigures) -> LeafView {
    LeafView {
        kind: figures.kind.name().into(),
        drops_per_sec: figures.drops_per_sec,
        drops: figures.drops.get(),
        marks_per_sec: figures.marks_per_sec,
        marks: figures.marks.get(),
        backlog_bytes: figures.backlog.get(),
        backlog_packets: figures.backlog_packets.get(),
        tins: tins(leaves, figures),
    }
}

pub(super) fn tins(leaves: &Leaves, figures: &LeafFigures) -> Vec<TinView> {
    let tins = leaves.tins(figures);
    let view = |(index, tin): (usize, &TinFigures)| TinView {
        name: tin_name(index, tins.len()),
        sent_bytes: tin.sent.get(),
        drops: tin.drops.get(),
        marks: tin.marks.get(),
        backlog_bytes: tin.backlog.get(),
        peak_delay_us: tin.peak_delay_us.into(),
        avg_delay_us: tin.avg_delay_us.into(),
        base_delay_us: tin.base_delay_us.into(),
    };
    tins.iter().enumerate().map(view).collect()
}

/// CAKE's name of a tin: those of `diffserv3` and `diffserv4` have names, those of `diffserv8` and
/// `precedence` numbers (tc-cake(8)).
fn tin_name(index: usize, of: usize) -> Arc<str> {
    let named: &[&str] = match of {
        1 => &["best effort"],
        3 => &["bulk", "best effort", "voice"],
        4 => &["bulk", "best effort", "video", "voice"],
        _ => &[],
    };
    named.get(index).map_or_else(|| format!("tin {index}").into(), |name| (*name).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tins_have_cakes_names() {
        let names = |of| (0..of).map(|index| tin_name(index, of)).collect::<Vec<_>>().join(" ");
        assert_eq!(names(1), "best effort");
        assert_eq!(names(4), "bulk best effort video voice");
        assert_eq!(names(8), "tin 0 tin 1 tin 2 tin 3 tin 4 tin 5 tin 6 tin 7");
    }
}
