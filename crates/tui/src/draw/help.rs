//! All keys.

use ratatui::layout::Rect;

use super::sheet::Sheet;
use crate::app::Pane;
use crate::app::keys::BINDINGS;
use crate::text::width;
use crate::theme::Role;

/// Columns of a key's names.
const NAMES: u16 = 14;

/// What the mouse does.
const MOUSE: [(&str, &str); 4] = [
    ("click a tab", "open the pane"),
    ("click a row", "choose it; once more opens or folds it"),
    ("click a head", "sort by it; once more the other way round"),
    ("wheel", "up and down"),
];

/// One line of the help.
enum Line {
    Title(&'static str),
    Key(String, &'static str),
    Blank,
}

/// What is for this pane, then what is for all, then what is for others.
fn lines(pane: Pane) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut part = |title, keys: Vec<Line>| {
        if !keys.is_empty() {
            if !lines.is_empty() {
                lines.push(Line::Blank);
            }
            lines.push(Line::Title(title));
            lines.extend(keys);
        }
    };
    let key = |it: &crate::app::keys::Binding| Line::Key(it.names(), it.sentence);
    let own = |it: &&crate::app::keys::Binding| !it.panes.is_empty();
    let bindings = || BINDINGS.iter();
    part("in this pane", bindings().filter(own).filter(|it| it.is_for(pane)).map(key).collect());
    part("everywhere", bindings().filter(|it| it.panes.is_empty()).map(key).collect());
    part("in other panes", bindings().filter(own).filter(|it| !it.is_for(pane)).map(key).collect());
    part("mouse", MOUSE.map(|(what, does)| Line::Key(what.to_owned(), does)).into());
    lines
}

/// How many columns of lines there are.
fn columns(area: Rect) -> u16 {
    if area.width >= 110 { 2 } else { 1 }
}

/// The last line that may come first.
pub(crate) fn scroll_max((width, height): (u16, u16)) -> u16 {
    let body = crate::app::Frame::of(Rect::new(0, 0, width, height)).body;
    let shown = body.height.saturating_sub(2) * columns(body);
    // however they are grouped there are as many, but for a title
    let all = lines(Pane::Circuits).len();
    u16::try_from(all).unwrap_or(u16::MAX).saturating_sub(shown.max(1))
}

/// Draws it over the pane.
pub(super) fn draw(sheet: &mut Sheet<'_>, body: Rect, pane: Pane, first: u16) {
    let lines = lines(pane);
    let columns = columns(body);
    let wanted = lines.len().div_ceil(columns.into()) + 2;
    let height = u16::try_from(wanted).unwrap_or(u16::MAX).min(body.height);
    let width_wanted = if columns == 2 { 132 } else { 78 };
    let area = Rect::new(0, body.y, body.width.min(width_wanted), height);
    let area = Rect { x: body.x + (body.width - area.width) / 2, ..area };
    if area.height < 3 || area.width < 8 {
        return;
    }
    sheet.clear(area);
    border(sheet, area, lines.len() > usize::from((area.height - 2) * columns));
    let inner = Rect::new(area.x + 2, area.y + 1, area.width - 4, area.height - 2);
    let each = inner.width / columns;
    for (i, line) in lines.iter().skip(first.into()).enumerate() {
        let Ok(i) = u16::try_from(i) else { break };
        let (column, row) = (i / inner.height, i % inner.height);
        if column >= columns {
            break;
        }
        let (x, y) = (inner.x + column * each, inner.y + row);
        let room = each.saturating_sub(1);
        match line {
            Line::Title(title) => {
                sheet.put(x, y, room, title, Role::Accent);
            }
            Line::Key(names, does) => {
                sheet.put(x, y, NAMES.min(room), names, Role::Strong);
                let behind = NAMES.max(width(names)) + 1;
                sheet.put(x + behind, y, room.saturating_sub(behind), does, Role::Text);
            }
            Line::Blank => {}
        }
    }
}

fn border(sheet: &mut Sheet<'_>, area: Rect, scrolls: bool) {
    let inside = usize::from(area.width - 2);
    let line = |left: &str, right: &str| format!("{left}{}{right}", "─".repeat(inside));
    sheet.put(area.x, area.y, area.width, &line("╭", "╮"), Role::Rule);
    sheet.put(area.x, area.bottom() - 1, area.width, &line("╰", "╯"), Role::Rule);
    for y in area.y + 1..area.bottom() - 1 {
        sheet.put(area.x, y, 1, "│", Role::Rule);
        sheet.put(area.right() - 1, y, 1, "│", Role::Rule);
    }
    let title = if scrolls { " keys: ↓ ↑ show more, ? closes " } else { " keys: ? closes " };
    sheet.put(area.x + 2, area.y, area.width - 4, title, Role::Accent);
}
