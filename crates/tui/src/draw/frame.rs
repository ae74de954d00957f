//! What surrounds each pane: the box, the tabs, the keys.

use bus::StatusView;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::sheet::Sheet;
use crate::app::keys::{Action, BINDINGS};
use crate::app::{App, Link, Pane, Target};
use crate::figures::{counted, duration, milliseconds};
use crate::text::{foreign, width};
use crate::theme::Role;

/// The box at the left, the connection at the right.
pub(super) fn head(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    if area.is_empty() {
        return;
    }
    let (state, role) = state(app);
    let state_width = width(&state).min(area.width);
    sheet.put_right(area.x, area.y, area.width, &state, role);
    let end = area.right().saturating_sub(state_width + 2);
    let mut x = area.x + 1;
    let pieces = pieces(app);
    // what is most worth knowing comes first; the rest as far as there is room
    for (text, role) in pieces {
        let columns = width(&text);
        if x + columns > end {
            break;
        }
        x = sheet.put(x, area.y, columns, &text, role);
    }
}

fn state(app: &App) -> (String, Role) {
    let ago = |since| {
        let passed = app.now.saturating_sub(since).as_millis();
        duration(u64::try_from(passed).unwrap_or(u64::MAX))
    };
    let tick = app.status.as_ref().map_or(0, |status| status.tick);
    match (&app.link, app.paused) {
        (Link::Lost { since, .. }, _) => {
            (format!("✕ DISCONNECTED for {} ", ago(*since)), Role::Alarming)
        }
        (_, Some(since)) => {
            (format!("‖ PAUSED, tick {tick} is {} old ", ago(since)), Role::Notable)
        }
        (Link::Connecting, None) => ("connecting ".to_owned(), Role::Dim),
        (Link::Up, None) => (format!("● live  tick {tick} "), Role::Good),
    }
}

fn pieces(app: &App) -> Vec<(String, Role)> {
    let mut pieces = vec![("tidegate".to_owned(), Role::Accent)];
    let Some(status) = &app.status else { return pieces };
    let mut piece = |text: String, role| pieces.push((text, role));
    if status.bypass {
        piece("  BYPASS: nothing is shaped or measured".to_owned(), Role::Alarming);
    } else {
        let rate = status.traffic.rate_bps.map(|bps| app.unit.rate(bps));
        piece(format!("  ↓ {:>9}", rate.down), Role::Down);
        piece(format!("  ↑ {:>9}", rate.up), Role::Up);
    }
    if let Some((text, role)) = complaint(status) {
        piece(format!("  {text}"), role);
    }
    let median = status.rtt.map(|rtt| rtt.map(|rtt| rtt.p50_us));
    let rtt = match (median.customer, median.internet) {
        (None, None) => "RTT not measured".to_owned(),
        (customer, internet) => {
            format!("RTT p50 {} + {}", milliseconds(customer), milliseconds(internet))
        }
    };
    piece(format!("  {rtt}"), Role::Text);
    piece(format!("  {}", counted(status.circuits.into(), "circuit")), Role::Dim);
    piece(format!("  {}", foreign(&status.mode, 12)), Role::Dim);
    pieces
}

/// What the pane of the daemon's health has to tell.
fn complaint(status: &StatusView) -> Option<(String, Role)> {
    if status.config.problem.is_some() {
        return Some(("problem, see 7".to_owned(), Role::Alarming));
    }
    match status.warnings.len() {
        0 => None,
        1 => Some(("1 warning, see 7".to_owned(), Role::Notable)),
        n => Some((format!("{n} warnings, see 7"), Role::Notable)),
    }
}

/// The panes. Where there is no room for all names, the others have their numbers alone.
pub(super) fn tabs(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    if area.is_empty() {
        return;
    }
    let names: u16 = Pane::ALL.iter().map(|pane| width(pane.name()) + 2).sum();
    let count = Pane::ALL.len() as u16;
    // with room around them, or close together, or but the open one
    let (padding, all) = match area.width {
        columns if columns >= names + 3 * count => (" ", true),
        columns if columns >= names + count => ("", true),
        _ => ("", false),
    };
    let mut x = area.x + if padding.is_empty() { 1 } else { 0 };
    for pane in Pane::ALL {
        let is_open = pane == app.pane;
        let name = if all || is_open { format!(" {}", pane.name()) } else { String::new() };
        let text = format!("{padding}{}{name}{padding}", pane.number());
        let columns = width(&text).min(area.right().saturating_sub(x));
        let style = if is_open {
            sheet.style(Role::Accent).add_modifier(Modifier::REVERSED)
        } else {
            sheet.style(Role::Dim)
        };
        sheet.put_styled(x, area.y, columns, &text, style);
        sheet.target(Rect::new(x, area.y, columns, 1), Target::Tab(pane));
        x += columns + 1;
    }
}

/// The keys of the pane; what has to be said comes in their place.
pub(super) fn foot(sheet: &mut Sheet<'_>, area: Rect, app: &App) {
    if area.is_empty() {
        return;
    }
    let columns = area.width.saturating_sub(1);
    if let Link::Lost { why, .. } = &app.link {
        let said = format!("{why}; trying again");
        sheet.put(area.x + 1, area.y, columns, &foreign(&said, columns), Role::Alarming);
        return;
    }
    if let Some(note) = &app.note {
        sheet.put(area.x + 1, area.y, columns, &foreign(note, columns), Role::Notable);
        return;
    }
    if app.filter().is_some_and(crate::app::Field::is_open) {
        let keys = [
            ("type", Role::Strong),
            (" to filter  ", Role::Dim),
            ("Enter", Role::Strong),
            (" keep  ", Role::Dim),
            ("Esc", Role::Strong),
            (" empty", Role::Dim),
        ];
        sheet.run(area.x + 1, area.y, columns, &keys);
        return;
    }
    let always = |action| matches!(action, Action::Help | Action::Quit);
    let shown = |last: bool| {
        let bindings = BINDINGS.iter().filter(|it| it.is_for(app.pane) && !it.word.is_empty());
        bindings.filter(move |it| always(it.action) == last)
    };
    let piece = |key: &str, word: &str| width(key) + 1 + width(word) + 2;
    let first = |binding: &crate::app::keys::Binding| binding.presses[0].name();
    let last: u16 = shown(true).map(|it| piece(&first(it), it.word)).sum();
    let mut x = area.x + 1;
    let end = area.right().saturating_sub(last);
    for binding in shown(false) {
        let key = first(binding);
        if x + piece(&key, binding.word) > end {
            break;
        }
        x = sheet.run(
            x,
            area.y,
            end - x,
            &[(&key, Role::Strong), (" ", Role::Dim), (binding.word, Role::Dim)],
        ) + 2;
    }
    x = x.max(end);
    for binding in shown(true) {
        let left = area.right().saturating_sub(x);
        x = sheet.run(
            x,
            area.y,
            left,
            &[(&first(binding), Role::Strong), (" ", Role::Dim), (binding.word, Role::Dim)],
        ) + 2;
    }
}
