//! Tables: fitted to the terminal, plain columns elsewhere.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use crate::output::{Look, Tone};

/// A column's head.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Head {
    /// Words, from the left.
    Text(&'static str),
    /// Figures, to the right.
    Figure(&'static str),
}

/// A cell with text from a file or a packet.
pub(crate) fn text(content: &str) -> Cell {
    Cell::new(bus::inert(content))
}

/// A cell with a figure.
pub(crate) fn figure(content: impl ToString) -> Cell {
    Cell::new(content)
}

/// The cell in the tone's colour.
pub(crate) fn toned(cell: Cell, tone: Tone) -> Cell {
    match tone {
        Tone::Plain => cell,
        Tone::Notable => cell.fg(Color::Yellow),
        Tone::Alarming => cell.fg(Color::Red),
    }
}

/// Two spaces between columns, a bold head, each line ended.
pub(crate) fn table(
    heads: &[Head],
    rows: impl IntoIterator<Item = Vec<Cell>>,
    look: &Look,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(heads.iter().map(|head| {
        let (Head::Text(name) | Head::Figure(name)) = head;
        Cell::new(name).add_attribute(Attribute::Bold)
    }));
    table.add_rows(rows);
    for (column, head) in table.column_iter_mut().zip(heads) {
        // what separates columns; nothing follows the last
        column.set_padding((0, if column.index + 1 < heads.len() { 2 } else { 0 }));
        if matches!(head, Head::Figure(_)) {
            column.set_cell_alignment(CellAlignment::Right);
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
        shown.push_str(line.trim_end());
        shown.push('\n');
        shown
    })
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
    fn on_a_terminal_lines_fit_and_colours_are_closed() {
        let shown = table(&HEADS, rows(), &Look { size: Some((30, 24)), colour: false });
        assert!(shown.lines().all(|line| line.chars().count() <= 30), "{shown}");
        assert!(!shown.contains('\x1b'));
        let colourful = table(&HEADS, rows(), &Look { size: Some((80, 24)), colour: true });
        assert!(colourful.contains("m 5 Mbps\x1b[39m"), "{colourful:?}");
    }
}
