//! How RTTs are spread, on a logarithmic axis.

use bus::{RttBin, RttPercentiles};
use ratatui::layout::Rect;

use super::sheet::Sheet;
use crate::figures::{count, milliseconds};
use crate::text::width;
use crate::theme::Role;

/// Where the axis begins, in microseconds.
const FROM_US: f64 = 250.0;
/// Doublings from there to its end at four seconds.
const OCTAVES: f64 = 14.0;

/// Draws one segment's histogram with its title and axis.
pub(super) fn draw(
    sheet: &mut Sheet<'_>,
    area: Rect,
    title: &str,
    bins: &[RttBin],
    rtt: Option<RttPercentiles>,
) {
    if area.height < 3 || area.width < 12 {
        return;
    }
    let mut x = sheet.put(area.x, area.y, area.width, title, Role::Accent);
    let Some(rtt) = rtt else {
        let left = area.right().saturating_sub(x);
        sheet.put(x, area.y, left, "  not measured", Role::Dim);
        return;
    };
    for (name, us, role) in [
        ("  p50 ", rtt.p50_us, Role::Good),
        ("  p90 ", rtt.p90_us, Role::Text),
        ("  p99 ", rtt.p99_us, Role::Notable),
    ] {
        let value = milliseconds(Some(us));
        if x + width(name) + width(&value) <= area.right() {
            let left = area.right() - x;
            x = sheet.run(x, area.y, left, &[(name, Role::Dim), (&value, role)]);
        }
    }
    let samples = format!("  {} samples", count(rtt.samples));
    if x + width(&samples) <= area.right() {
        sheet.put(x, area.y, width(&samples), &samples, Role::Dim);
    }
    let bars = Rect::new(area.x, area.y + 1, area.width, area.height - 2);
    columns(sheet, bars, bins, rtt);
    axis(sheet, Rect::new(area.x, area.bottom() - 1, area.width, 1));
}

fn columns(sheet: &mut Sheet<'_>, area: Rect, bins: &[RttBin], rtt: RttPercentiles) {
    let spread = spread(bins, area.width);
    let most = spread.iter().copied().fold(0.0, f64::max);
    let (p50, p90) = (place(rtt.p50_us, area.width), place(rtt.p90_us, area.width));
    for (x, samples) in (0..area.width).zip(spread) {
        let role = match x {
            _ if x <= p50 => Role::Good,
            _ if x <= p90 => Role::Text,
            _ => Role::Notable,
        };
        let column = Rect::new(area.x + x, area.y, 1, area.height);
        sheet.column(column, if most > 0.0 { samples / most } else { 0.0 }, role);
    }
}

/// Samples by column: each bin's over the columns that it covers.
fn spread(bins: &[RttBin], columns: u16) -> Vec<f64> {
    let mut spread = vec![0.0; columns.into()];
    for bin in bins {
        let from = along(bin.from_us, columns);
        let to = bin.to_us.map_or(from, |to| along(to, columns)).max(from);
        let (first, last) = (column(from, columns), column(to, columns));
        for at in first..=last {
            // the first and the last column have what is beyond the axis, too
            let left = if at == first { from } else { f64::from(at) };
            let right = if at == last { to } else { f64::from(at + 1) };
            let part = if to > from { (right - left) / (to - from) } else { 1.0 };
            spread[usize::from(at)] += bin.samples as f64 * part;
        }
    }
    spread
}

/// The column of an RTT; what is beyond the axis falls into its first or last.
fn place(us: u64, columns: u16) -> u16 {
    column(along(us, columns), columns)
}

/// How many columns an RTT is along the axis.
fn along(us: u64, columns: u16) -> f64 {
    (us.max(1) as f64 / FROM_US).log2() / OCTAVES * f64::from(columns)
}

fn column(along: f64, columns: u16) -> u16 {
    along.floor().clamp(0.0, f64::from(columns.saturating_sub(1))) as u16
}

fn axis(sheet: &mut Sheet<'_>, area: Rect) {
    sheet.put(area.x, area.y, area.width, &"─".repeat(area.width.into()), Role::Rule);
    let labels = [(1_000, "┴1 ms"), (10_000, "┴10 ms"), (100_000, "┴100 ms"), (1_000_000, "┴1 s")];
    let mut free = 0;
    for (us, label) in labels {
        let x = place(us, area.width);
        if x >= free && x + width(label) <= area.width {
            sheet.put(area.x + x, area.y, width(label), label, Role::Dim);
            free = x + width(label) + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sample_is_lost_between_columns() {
        let bin = |from_us, to_us, samples| RttBin { from_us, to_us, samples };
        let bins = [
            bin(10, Some(20), 3),
            bin(1_000, Some(1_125), 40),
            bin(90_000, Some(180_000), 7),
            bin(16_000_000, None, 1),
        ];
        for columns in [1, 12, 57, 300] {
            let spread = spread(&bins, columns);
            let total: f64 = spread.iter().sum();
            assert!((total - 51.0).abs() < 1e-6, "{total} in {columns}");
            assert!(spread[0] >= 3.0 && spread[usize::from(columns) - 1] >= 1.0);
        }
    }
}
