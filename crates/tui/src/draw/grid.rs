//! Tables whose columns give way by importance.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::sheet::Sheet;
use crate::app::{List, Row, Target};
use crate::text::{cut, width};
use crate::theme::Role;

/// A column's head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Its name.
    pub(super) name: &'static str,
    /// Columns of the terminal that it takes.
    pub(super) width: u16,
    /// How many more it may take where there is room.
    pub(super) grows: u16,
    /// Whether its content stands at the right.
    pub(super) right: bool,
    /// The smaller, the sooner it is left out.
    pub(super) keep: u8,
}

/// Words, at the left.
pub(super) const fn words(name: &'static str, width: u16, grows: u16, keep: u8) -> Head {
    Head { name, width, grows, right: false, keep }
}

/// A figure, at the right.
pub(super) const fn figure(name: &'static str, width: u16, keep: u8) -> Head {
    Head { name, width, grows: 0, right: true, keep }
}

/// What stands in a cell.
#[derive(Clone, Debug)]
pub(super) struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) role: Role,
    /// A bar before the text that fills this share, in this role.
    pub(super) bar: Option<(f32, Role)>,
    /// What stands behind the text even where that is cut.
    pub(super) tail: String,
}

impl<'a> Cell<'a> {
    pub(super) fn new(text: impl Into<Cow<'a, str>>, role: Role) -> Self {
        Self { text: text.into(), role, bar: None, tail: String::new() }
    }

    /// Text from a file or a packet.
    pub(super) fn foreign(text: &'a str, role: Role) -> Self {
        Self::new(bus::inert(text), role)
    }

    /// A figure that is dim where there is nothing.
    pub(super) fn unless_zero(value: u64, text: String, role: Role) -> Self {
        Self::new(text, if value == 0 { Role::Dim } else { role })
    }

    /// A share of a limit as a bar with the figure behind it.
    pub(super) fn share(percent: f32, role: Role) -> Self {
        let full = percent >= FULL_PERCENT;
        let text_role = match percent {
            _ if full => Role::Notable,
            0.05.. => Role::Text,
            _ => Role::Dim,
        };
        let bar_role = if full { Role::Notable } else { role };
        Self::new(crate::figures::percent(percent), text_role).behind(percent / 100.0, bar_role)
    }

    /// The cell with a bar before its text.
    pub(super) fn behind(mut self, share: f32, role: Role) -> Self {
        self.bar = Some((share, role));
        self
    }

    /// The cell with a text behind its own that is never cut.
    pub(super) fn before(mut self, tail: String) -> Self {
        self.tail = tail;
        self
    }
}

/// A limit that is used up to here is worth a look.
pub(super) const FULL_PERCENT: f32 = 95.0;

/// Columns before each row: the sign of the cursor.
const MARGIN: u16 = 2;
/// How much a column matters that is shown whatever else is not.
const KEPT: u8 = u8::MAX;
/// Columns of a figure behind its bar.
const PERCENT: u16 = 6;

/// Columns that are shown: position among all, where it begins, how wide it is.
#[derive(Clone, Debug)]
pub(super) struct Columns(Vec<(usize, u16, u16)>);

impl Columns {
    /// The columns for which there is room.
    pub(super) fn fitted(heads: &[Head], area: Rect) -> Self {
        let gap = if area.width >= 100 { 2 } else { 1 };
        let room = area.width.saturating_sub(MARGIN);
        let mut kept: Vec<usize> = (0..heads.len()).filter(|i| heads[*i].width > 0).collect();
        let needed = |kept: &[usize]| {
            kept.iter().map(|i| heads[*i].width + gap).sum::<u16>().saturating_sub(gap)
        };
        while kept.len() > 1 && needed(&kept) > room {
            let least = (0..kept.len()).min_by_key(|i| heads[kept[*i]].keep).unwrap_or(0);
            kept.remove(least);
        }
        // what is spare goes to the most important that can use it
        let mut spare = room.saturating_sub(needed(&kept));
        let mut growing = kept.clone();
        growing.sort_by_key(|i| std::cmp::Reverse(heads[*i].keep));
        let mut more = vec![0; heads.len()];
        for i in growing {
            more[i] = spare.min(heads[i].grows);
            spare -= more[i];
        }
        let mut x = area.x + MARGIN.min(area.width);
        let columns = kept.into_iter().map(|i| {
            let width = (heads[i].width + more[i]).min(area.right().saturating_sub(x));
            let column = (i, x, width);
            x = x.saturating_add(width + gap);
            column
        });
        Self(columns.collect())
    }

    /// Draws the heads. The one that sorts says which way; where the table can be sorted they can be clicked.
    pub(super) fn heads(
        &self,
        sheet: &mut Sheet<'_>,
        y: u16,
        heads: &[Head],
        sort: Option<(usize, bool)>,
    ) {
        for &(i, x, columns) in &self.0 {
            let head = heads[i];
            let (text, role) = match sort {
                Some((by, descending)) if by == i => {
                    let name = cut(head.name, columns.saturating_sub(1));
                    let arrow = if descending { "▾" } else { "▴" };
                    (format!("{name}{arrow}"), Role::Strong)
                }
                _ => (head.name.to_owned(), Role::Dim),
            };
            if head.right {
                sheet.put_right(x, y, columns, &text, role);
            } else {
                sheet.put(x, y, columns, &text, role);
            }
            if sort.is_some() {
                sheet.target(Rect::new(x, y, columns, 1), Target::Head(i));
            }
        }
    }

    /// Draws one row.
    pub(super) fn row<'c>(
        &self,
        sheet: &mut Sheet<'_>,
        y: u16,
        heads: &[Head],
        cell: impl Fn(usize) -> Cell<'c>,
    ) {
        for &(i, x, columns) in &self.0 {
            let Cell { text, role, bar, tail } = cell(i);
            let text = cut(&text, columns.saturating_sub(width(&tail)));
            let text = if tail.is_empty() { text } else { format!("{text}{tail}").into() };
            if let Some((share, bar_role)) = bar
                && columns > PERCENT
            {
                sheet.bar(x, y, columns - PERCENT, share, bar_role);
            }
            if heads[i].right {
                sheet.put_right(x, y, columns, &text, role);
            } else {
                sheet.put(x, y, columns, &text, role);
            }
        }
    }
}

/// A list with heads, its rows in sight and the cursor.
pub(super) fn list<'r, R: Row>(
    sheet: &mut Sheet<'_>,
    area: Rect,
    heads: &[Head],
    sort: Option<(usize, bool)>,
    list: &'r List<R>,
    cell: impl Fn(&'r R, usize) -> Cell<'r>,
) {
    let mut kept = heads.to_vec();
    if let Some((by, _)) = sort {
        // or nobody would know what the order is
        kept[by].keep = KEPT;
    }
    let columns = Columns::fitted(&kept, area);
    let (head, height) = (area.y, area.height.saturating_sub(1));
    if area.height > 1 {
        columns.heads(sheet, head, heads, sort);
    }
    let first = if area.height > 1 { head + 1 } else { head };
    let mut y = first;
    for (position, row) in list.in_sight(height.max(1)) {
        let line = Rect::new(area.x, y, area.width, 1).intersection(area);
        if line.is_empty() {
            break;
        }
        match row {
            Some(row) => {
                columns.row(sheet, y, heads, |i| cell(row, i));
                if list.is_chosen(position, row) {
                    let chosen = sheet.style(Role::Chosen);
                    sheet.lay(line, chosen);
                    sheet.put(area.x, y, 1, "▌", Role::Accent);
                }
                sheet.target(line, Target::Row(position));
            }
            None => {
                sheet.put(area.x + MARGIN, y, area.width.saturating_sub(MARGIN), "…", Role::Dim);
            }
        }
        y += 1;
    }
    if y == first {
        let said = if list.is_loaded() { "nothing to show" } else { "waiting for the daemon" };
        sheet.put(
            area.x + MARGIN.min(area.width),
            y.min(area.bottom().saturating_sub(1)),
            width(said),
            said,
            Role::Dim,
        );
    }
}
