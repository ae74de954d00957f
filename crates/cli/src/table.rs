//! Tables: fitted to the terminal, plain columns elsewhere.

use std::fmt::Display;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
    presets,
};

use crate::output::{Look, Tone};

/// A space at which no line is broken; a plain one once the lines are made.
const HELD: &str = "\u{a0}";

/// A column's head.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Head {
    /// Words, from the left.
    Text(&'static str),
    /// Figures, to the right.
    Figure(&'static str),
}

impl Head {
    fn name(self) -> &'static str {
        let (Self::Text(name) | Self::Figure(name)) = self;
        name
    }

    /// Its name, to be broken before a pair of directions at most.
    fn held(self) -> String {
        self.name().replace(" / ", &format!("{HELD}/{HELD}"))
    }
}

/// A cell with text from a file or a packet.
pub(crate) fn text(content: &str) -> Cell {
    Cell::new(bus::inert(content))
}

/// A cell with a figure. A narrow one is broken between the two of a pair, not before a unit.
pub(crate) fn figure(content: impl Display) -> Cell {
    let held = content.to_string().replace(' ', HELD).replace(&format!("/{HELD}"), "/ ");
    Cell::new(held)
}

/// The text in a form that is not broken at its spaces.
pub(crate) fn unbroken(content: &str) -> String {
    content.replace(' ', HELD)
}

/// The cell in the tone's colour.
pub(crate) fn toned(cell: Cell, tone: Tone) -> Cell {
    match tone {
        Tone::Plain => cell,
        Tone::Notable => cell.fg(Color::Yellow),
        Tone::Alarming => cell.fg(Color::Red),
    }
}

/// Characters of a text that a column shows before it is broken, when there is little room: an IPv4
/// address with its port.
const TEXT_WANTED: usize = 21;

/// A table that leaves out columns where the terminal is too narrow: the `spare` ones, by name, the
/// first first. It tells which below.
pub(crate) fn fitted(
    heads: &[Head],
    spare: &[&str],
    rows: impl IntoIterator<Item = Vec<Cell>>,
    look: &Look,
) -> String {
    let mut heads = heads.to_vec();
    let mut rows: Vec<Vec<Cell>> = rows.into_iter().collect();
    let mut left_out = Vec::new();
    let room = look.size.map_or(usize::MAX, |(columns, _)| columns.into());
    for name in spare {
        if wanted(&heads, &rows) <= room {
            break;
        }
        let Some(column) = heads.iter().position(|head| head.name() == *name) else { continue };
        heads.remove(column);
        rows.iter_mut().for_each(|row| drop(row.remove(column)));
        left_out.push(*name);
    }
    let mut shown = table(&heads, rows, look);
    if !left_out.is_empty() {
        shown.push_str(&format!("(no room for: {})\n", left_out.join(", ")));
    }
    shown
}

/// Characters of a line that breaks nothing but long texts and pairs.
fn wanted(heads: &[Head], rows: &[Vec<Cell>]) -> usize {
    let width = |(column, head): (usize, &Head)| match head {
        Head::Figure(_) => usize::from(widest_piece(column, rows, head)),
        Head::Text(name) => {
            let longest = |row: &Vec<Cell>| row.get(column).map(|it| it.content().chars().count());
            let longest = rows.iter().filter_map(longest).max().unwrap_or(0);
            longest.min(TEXT_WANTED).max(name.chars().count())
        }
    };
    heads.iter().enumerate().map(|column| width(column) + 2).sum::<usize>().saturating_sub(2)
}

/// Two spaces between columns, a bold head, each line ended.
pub(crate) fn table(
    heads: &[Head],
    rows: impl IntoIterator<Item = Vec<Cell>>,
    look: &Look,
) -> String {
    let rows: Vec<Vec<Cell>> = rows.into_iter().collect();
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
        .set_header(heads.iter().map(|head| Cell::new(head.held()).add_attribute(Attribute::Bold)));
    table.add_rows(rows.iter().cloned());
    for (column, head) in table.column_iter_mut().zip(heads) {
        // what separates columns; nothing follows the last
        let padding = if column.index + 1 < heads.len() { 2 } else { 0 };
        column.set_padding((0, padding));
        if matches!(head, Head::Figure(_)) {
            column.set_cell_alignment(CellAlignment::Right);
            // names give way, figures stay whole
            let whole = widest_piece(column.index, &rows, head).saturating_add(padding);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(whole)));
        }
    }
    if let Some((columns, _)) = look.size {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    if look.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.lines().fold(String::new(), |mut shown, line| {
        shown.push_str(line.replace(HELD, " ").trim_end());
        shown.push('\n');
        shown
    })
}

/// Characters of the longest part of a column's figures that is not to be broken.
fn widest_piece(column: usize, rows: &[Vec<Cell>], head: &Head) -> u16 {
    let longest = |content: &str| content.split(' ').map(|piece| piece.chars().count()).max();
    let cells = rows.iter().filter_map(|row| longest(&row.get(column)?.content()));
    let widest = cells.chain(longest(&head.held())).max().unwrap_or(0);
    u16::try_from(widest).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: [Head; 2] = [Head::Text("name"), Head::Figure("rate")];

    fn rows() -> Vec<Vec<Cell>> {
        let long = "968 Circle St., Gurnee, IL 60031";
        vec![
            vec![text(long), toned(figure("5 Mbps"), Tone::Notable)],
            vec![text("a\x1b[31mb\nc"), figure("50 Mbps")],
        ]
    }

    #[test]
    fn elsewhere_lines_are_as_long_as_their_content_and_plain() {
        let shown = table(&HEADS, rows(), &Look { size: None, colour: false });
        assert_eq!(
            shown,
            "name                                 rate\n\
             968 Circle St., Gurnee, IL 60031   5 Mbps\n\
             a\u{fffd}[31mb\u{fffd}c                         50 Mbps\n"
        );
    }

    #[test]
    fn spare_columns_are_left_out_in_their_order_where_there_is_no_room() {
        let heads = [Head::Text("name"), Head::Figure("rate"), Head::Figure("drops")];
        let rows = || [vec![text("x"), figure("5 Mbps"), figure("70")]];
        let spare = ["drops", "rate"];
        let at = |columns| {
            fitted(&heads, &spare, rows(), &Look { size: Some((columns, 24)), colour: false })
        };
        // name, rate and drops take 4 + 2 + 6 + 2 + 5
        assert_eq!(at(19).lines().next(), Some("name    rate  drops"));
        assert_eq!(at(18).lines().next(), Some("name    rate"));
        assert_eq!(at(18).lines().last(), Some("(no room for: drops)"));
        assert_eq!(at(11).lines().last(), Some("(no room for: drops, rate)"));
        let elsewhere = fitted(&heads, &spare, rows(), &Look { size: None, colour: false });
        assert!(elsewhere.contains("drops") && !elsewhere.contains("no room"));
    }

    #[test]
    fn on_a_terminal_lines_fit_and_colours_are_closed() {
        let shown = table(&HEADS, rows(), &Look { size: Some((30, 24)), colour: false });
        assert!(shown.lines().all(|line| line.chars().count() <= 30), "{shown}");
        assert!(!shown.contains('\x1b'));
        let colourful = table(&HEADS, rows(), &Look { size: Some((80, 24)), colour: true });
        assert!(colourful.contains("m 5 Mbps\x1b[39m"), "{colourful:?}");
    }
}
