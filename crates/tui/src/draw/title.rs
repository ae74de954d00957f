//! The line above a table: what is shown, how much of it, sorted and filtered by what.

use ratatui::layout::Rect;

use super::sheet::Sheet;
use crate::app::{Field, List, Row};
use crate::figures::count;
use crate::text::{foreign, width};
use crate::theme::Role;

/// What a title says besides the list's counts.
#[derive(Clone, Debug)]
pub(super) struct Title<'a> {
    /// What the rows are.
    pub(super) what: &'a str,
    /// Other restrictions, ready to be shown.
    pub(super) of: String,
    /// The filter, where there can be one.
    pub(super) filter: Option<&'a Field>,
    /// What the figures are from, where there is room to say so.
    pub(super) spans: String,
}

/// Draws the line.
pub(super) fn draw<R: Row>(
    sheet: &mut Sheet<'_>,
    area: Rect,
    title: &Title<'_>,
    list: &List<R>,
    height: u16,
) {
    if area.is_empty() {
        return;
    }
    let (matched, total) = list.counts();
    let (first, last) = (list.top() + 1, list.top().saturating_add(height.into()).min(matched));
    let place = if matched == 0 {
        String::new()
    } else {
        format!("{}–{} of {} ", count(first.into()), count(last.into()), count(matched.into()))
    };
    let lost = if list.has_lost_sight() { "the chosen row is out of sight  " } else { "" };
    let right = width(&place) + width(lost);
    let end = area.right().saturating_sub(right + 1);
    let how_many = if !list.is_loaded() {
        String::new()
    } else if matched == total {
        format!("  {}", count(total.into()))
    } else {
        format!("  {} of {}", count(matched.into()), count(total.into()))
    };
    let left = end.saturating_sub(area.x + 1);
    let mut x = sheet.run(
        area.x + 1,
        area.y,
        left,
        &[(title.what, Role::Accent), (&how_many, Role::Text), (&title.of, Role::Text)],
    );
    if let Some(filter) = title.filter
        && (filter.is_open() || !filter.text().is_empty())
    {
        let text = foreign(filter.text(), left);
        let cursor = if filter.is_open() { "▏" } else { "" };
        let room = end.saturating_sub(x);
        x = sheet.run(
            x,
            area.y,
            room,
            &[("  filter /", Role::Dim), (&text, Role::Strong), (cursor, Role::Accent)],
        );
    }
    let spans = format!(" {} ", title.spans);
    if !title.spans.is_empty() && x + 1 + width(&spans) <= end {
        x = sheet.put(x + 1, area.y, width(&spans), &spans, Role::Dim);
    }
    if x <= end {
        sheet.put(end, area.y, right, lost, Role::Notable);
        sheet.put_right(area.x, area.y, area.width, &place, Role::Dim);
    }
}
