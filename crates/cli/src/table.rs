//! Tables: fitted to the terminal, plain columns elsewhere.

use std::fmt::Display;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
    presets,
};

use crate::lines::wrapped;
use crate::output::{Look, Tone};
use tui::text::{cut, width};

/// A space at which no line is broken; a plain one once the lines are made.
const HELD: &str = "\u{a0}";

/// A column's head.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Head {
    /// Words, from the left. Where there is no room for one, its end is cut.
    Text(&'static str),
    /// Words from the left that may be needed whole, like addresses: broken rather than cut.
    Whole(&'static str),
    /// Figures, to the right.
    Figure(&'static str),
}

impl Head {
    fn name(self) -> &'static str {
        let (Self::Text(name) | Self::Whole(name) | Self::Figure(name)) = self;
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

/// Columns between two.
const GAP: usize = 2;

/// Columns that a text gets before it is broken, when there is little room: an IPv4 address with its port.
const TEXT_WANTED: usize = 21;

/// What is left of it where there is none.
const TEXT_LEAST: usize = 4;

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
        let said = format!("(no room for: {})", left_out.join(", "));
        shown.push_str(&wrapped("", " ", &said, look));
    }
    shown
}

/// Columns of a line that breaks nothing but long texts and pairs.
fn wanted(heads: &[Head], rows: &[Vec<Cell>]) -> usize {
    let widths = heads.iter().enumerate().map(|(column, head)| least(column, rows, *head));
    taken(&widths.collect::<Vec<_>>())
}

/// Columns that a table with columns so wide takes.
fn taken(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
}

/// How wide a column is to be at least, where there is little room.
fn least(column: usize, rows: &[Vec<Cell>], head: Head) -> usize {
    match head {
        Head::Figure(_) => widest_piece(column, rows, head).into(),
        Head::Text(name) | Head::Whole(name) => {
            longest(column, rows, head).min(TEXT_WANTED).max(width(name).into())
        }
    }
}

/// The width of a column in which nothing is broken.
fn longest(column: usize, rows: &[Vec<Cell>], head: Head) -> usize {
    let cells = rows.iter().filter_map(|row| Some(width(&row.get(column)?.content())));
    cells.chain([width(head.name())]).max().unwrap_or(0).into()
}

/// How wide columns are in a line of so much room. What figures leave goes to the text that lacks most; where
/// there is not even enough for the least, the widest text gives way.
fn widths(heads: &[Head], rows: &[Vec<Cell>], room: usize) -> Vec<usize> {
    let all = || heads.iter().enumerate();
    let mut widths: Vec<usize> = all().map(|(column, head)| least(column, rows, *head)).collect();
    let texts: Vec<(usize, usize)> = all()
        .filter(|(_, head)| !matches!(head, Head::Figure(_)))
        .map(|(column, head)| (column, longest(column, rows, *head)))
        .collect();
    while taken(&widths) < room {
        let lacks = |(column, longest): &(usize, usize)| longest.saturating_sub(widths[*column]);
        match texts.iter().max_by_key(|text| lacks(text)) {
            Some(text) if lacks(text) > 0 => widths[text.0] += 1,
            _ => break,
        }
    }
    while taken(&widths) > room {
        match texts.iter().map(|(column, _)| *column).max_by_key(|column| widths[*column]) {
            Some(column) if widths[column] > TEXT_LEAST => widths[column] -= 1,
            _ => break,
        }
    }
    widths
}

/// The cell with each word that is wider than its column cut.
fn cut_to(cell: Cell, columns: usize) -> Cell {
    let columns = u16::try_from(columns).unwrap_or(u16::MAX);
    let content = cell.content();
    if content.split(' ').all(|word| width(word) <= columns) {
        return cell;
    }
    let words: Vec<_> = content.split(' ').map(|word| cut(word, columns)).collect();
    Cell::new(words.join(" "))
}

/// Two spaces between columns, a bold head, each line ended.
pub(crate) fn table(
    heads: &[Head],
    rows: impl IntoIterator<Item = Vec<Cell>>,
    look: &Look,
) -> String {
    let mut rows: Vec<Vec<Cell>> = rows.into_iter().collect();
    let widths = look.size.map(|(columns, _)| widths(heads, &rows, columns.into()));
    if let Some(widths) = &widths {
        for (column, _) in heads.iter().enumerate().filter(|(_, it)| matches!(it, Head::Text(_))) {
            for row in &mut rows {
                if let Some(cell) = row.get_mut(column) {
                    *cell = cut_to(cell.clone(), widths[column]);
                }
            }
        }
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
        .set_header(heads.iter().map(|head| Cell::new(head.held()).add_attribute(Attribute::Bold)));
    table.add_rows(rows);
    for (column, head) in table.column_iter_mut().zip(heads) {
        // what separates columns; nothing follows the last
        let padding = if column.index + 1 < heads.len() { GAP as u16 } else { 0 };
        column.set_padding((0, padding));
        let is_figure = matches!(head, Head::Figure(_));
        if is_figure {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if let Some(widths) = &widths {
            let width = u16::try_from(widths[column.index]).unwrap_or(u16::MAX);
            let width = Width::Fixed(width.saturating_add(padding));
            // a figure that is a pair takes what texts leave
            column.set_constraint(match is_figure {
                true => ColumnConstraint::LowerBoundary(width),
                false => ColumnConstraint::Absolute(width),
            });
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

/// Columns of the widest part of a column's figures that is not to be broken.
fn widest_piece(column: usize, rows: &[Vec<Cell>], head: Head) -> u16 {
    let widest = |content: &str| content.split(' ').map(width).max();
    let cells = rows.iter().filter_map(|row| widest(&row.get(column)?.content()));
    cells.chain(widest(&head.held())).max().unwrap_or(0)
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
        let ends = |columns, said| at(columns).replace("\n ", " ").ends_with(said);
        assert!(ends(18, "\n(no room for: drops)\n"), "{}", at(18));
        assert!(ends(11, "\n(no room for: drops, rate)\n"), "{}", at(11));
        let elsewhere = fitted(&heads, &spare, rows(), &Look { size: None, colour: false });
        assert!(elsewhere.contains("drops") && !elsewhere.contains("no room"));
    }

    #[test]
    fn texts_are_broken_between_words_and_long_words_cut() {
        let heads = [Head::Text("name"), Head::Whole("host"), Head::Figure("rate")];
        let name = "Alder Farm, Llanfairpwllgwyngyllgogerychwyrndrobwll";
        let address = "[2001:db8:1:10:1234:5678:9abc:def0]:50123";
        let rows = [vec![text(name), text(address), figure("5 Mbps / 1 Mbps")]];
        let shown = table(&heads, rows, &Look { size: Some((54, 24)), colour: false });
        assert_eq!(
            shown,
            "name                   host                       rate\n\
             Alder Farm,            [2001:db8:1:10:1234:5  5 Mbps /\n\
             Llanfairpwllgwyngyll…  678:9abc:def0]:50123     1 Mbps\n"
        );
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
