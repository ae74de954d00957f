//! Areas over time in braille, two ticks a column and four steps a row.

use ratatui::layout::Rect;
use units::{Direction, PerDirection};

use super::circuits::role_of;
use super::sheet::Sheet;
use crate::app::App;
use crate::figures::duration;
use crate::text::width;
use crate::theme::Role;

/// Dots of the left column of a braille cell from the bottom up, then of the right one.
const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
/// The braille cell without dots.
const BLANK: u32 = 0x2800;

/// Columns of the labels of an axis.
pub(super) const LABELS: u16 = 10;

/// Which way an area grows from its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grows {
    /// Upwards, from the bottom.
    Up,
    /// Downwards, from the top.
    Down,
}

/// The largest of each run of `zoom` ticks, the last of which ends at a multiple of it, so that what
/// is drawn moves but keeps its shape. The newest comes last; as many as `dots` at most.
pub(super) fn bucketed(
    points: impl DoubleEndedIterator<Item = (u64, u64)>,
    zoom: u64,
    dots: usize,
) -> Vec<u64> {
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    for (tick, value) in points.rev() {
        let bucket = tick / zoom;
        match buckets.last_mut() {
            Some((last, most)) if *last == bucket => *most = value.max(*most),
            Some((last, _)) if *last < bucket => {}
            _ => {
                // ticks that were missed leave a gap
                if let Some((last, _)) = buckets.last() {
                    let gap = (bucket + 1..*last).rev().take(dots);
                    buckets.extend(gap.map(|missed| (missed, 0)));
                }
                if buckets.len() >= dots {
                    break;
                }
                buckets.push((bucket, value));
            }
        }
    }
    buckets.truncate(dots);
    buckets.into_iter().rev().map(|(_, value)| value).collect()
}

/// One area above the time axis and one below it, each on its own scale, whose top is
/// `least` at least.
pub(super) fn mirrored(
    sheet: &mut Sheet<'_>,
    chart: Rect,
    app: &App,
    series: &PerDirection<Vec<u64>>,
    least: PerDirection<u64>,
) {
    if chart.height < 3 || chart.width <= LABELS {
        return;
    }
    let below = (chart.height - 1) * 2 / 5;
    let above = chart.height - 1 - below;
    let (x, columns) = (chart.x + LABELS, chart.width - LABELS);
    let axis = Rect::new(x, chart.y + above, columns, 1);
    let parts = PerDirection {
        down: Rect::new(x, chart.y, columns, above),
        up: Rect::new(x, axis.bottom(), columns, below),
    };
    time_axis(sheet, axis, app.zoom);
    sheet.put_right(chart.x, axis.y, LABELS - 1, "0", Role::Dim);
    for direction in Direction::ALL {
        let (values, part) = (&series[direction], parts[direction]);
        let top = round_up(values.iter().copied().max().unwrap_or(0).max(least[direction]));
        let grows = if direction == Direction::Download { Grows::Up } else { Grows::Down };
        area(sheet, part, values, top, role_of(direction), grows);
        let outer = if grows == Grows::Up { part.y } else { part.bottom() - 1 };
        if !part.is_empty() {
            sheet.put_right(chart.x, outer, LABELS - 1, &app.unit.rate(top), Role::Dim);
        }
        if part.height >= 6 {
            let middle = if grows == Grows::Up {
                part.y + part.height / 2
            } else {
                part.y + part.height / 2 - 1
            };
            sheet.put_right(chart.x, middle, LABELS - 1, &app.unit.rate(top / 2), Role::Dim);
        }
    }
}

/// Draws an area, the newest value at the right end.
fn area(sheet: &mut Sheet<'_>, at: Rect, values: &[u64], scale: u64, role: Role, grows: Grows) {
    let rows = u32::from(at.height);
    let dots = |value: u64| {
        let share = value as f64 / scale.max(1) as f64;
        let dots = (share.min(1.0) * f64::from(rows * 4)).round() as u32;
        if value > 0 { dots.max(1) } else { 0 }
    };
    let columns = usize::from(at.width);
    let skip = (columns * 2).saturating_sub(values.len());
    for x in 0..columns {
        let side = |side: usize| {
            let value = (2 * x + side).checked_sub(skip).and_then(|i| values.get(i));
            value.map_or(0, |value| dots(*value))
        };
        let heights = [side(0), side(1)];
        for row in 0..rows {
            let mut cell = BLANK;
            for (side, height) in heights.iter().enumerate() {
                for dot in 0..4 {
                    if row * 4 + dot < *height {
                        let index = if grows == Grows::Up { dot } else { 3 - dot };
                        cell |= DOTS[side][index as usize];
                    }
                }
            }
            let (Some(symbol), true) = (char::from_u32(cell), cell != BLANK) else { continue };
            let row = row as u16;
            let y = if grows == Grows::Up { at.bottom() - 1 - row } else { at.y + row };
            sheet.put(at.x + x as u16, y, 1, symbol.encode_utf8(&mut [0; 4]), role);
        }
    }
}

/// A line with the time that has passed, for an area of so many columns.
fn time_axis(sheet: &mut Sheet<'_>, at: Rect, zoom: u64) {
    sheet.put(at.x, at.y, at.width, &"─".repeat(at.width.into()), Role::Rule);
    let now = " now";
    sheet.put_right(at.x, at.y, at.width, now, Role::Dim);
    let mut free = at.width.saturating_sub(width(now) + 2);
    for seconds in [10, 20, 30, 60, 120, 180, 300, 600, 900] {
        let Some(back) = u16::try_from(seconds / (2 * zoom)).ok().filter(|back| *back < at.width)
        else {
            break;
        };
        let label = format!("┴ {} ago ", duration(seconds * 1_000));
        let x = at.width - back - 1;
        if x + width(&label) <= free {
            sheet.put(at.x + x, at.y, width(&label), &label, Role::Dim);
            free = x.saturating_sub(8);
        }
    }
}

/// The least round number that is not below: the top of an axis.
fn round_up(most: u64) -> u64 {
    let mut unit = 1u64;
    while most / unit >= 10 {
        unit = unit.saturating_mul(10);
    }
    let steps = [1, 2, 3, 4, 5, 6, 8, 10].into_iter().map(|step: u64| step.saturating_mul(unit));
    steps.into_iter().find(|step| *step >= most).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (most, top) in [(0, 1), (9, 10), (10, 10), (11, 20), (350, 400), (7_000_001, 8_000_000)]
        {
            assert_eq!(round_up(most), top, "{most}");
        }
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }

    #[test]
    fn ticks_are_taken_together_in_runs_that_stay() {
        let points = |until| (1..=until).map(|tick| (tick, tick));
        assert_eq!(bucketed(points(7), 1, 3), [5, 6, 7]);
        assert_eq!(bucketed(points(7), 5, 10), [4, 7]);
        assert_eq!(bucketed(points(8), 5, 10), [4, 8]);
        assert_eq!(bucketed([(1, 5), (4, 6)].into_iter(), 1, 10), [5, 0, 0, 6]);
        assert_eq!(bucketed([(1, 5), (u64::MAX, 6)].into_iter(), 1, 3), [0, 0, 6]);
    }
}
