//! What keys and the mouse do.

use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keys::{self, Action};
use super::{App, Circuit, Pane, Slot, Target, Wish, ZOOMS};

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) {
        self.note = None;
        if self.filter().is_some_and(super::Field::is_open) && !is_beside_text(key) {
            self.type_filter(key);
        } else if let Some(action) = keys::action(self.pane, &key) {
            self.act(action);
        }
    }

    /// What is pasted goes into the filter that is being typed, and nowhere else.
    pub(super) fn paste(&mut self, text: &str) {
        if self.filter().is_some_and(super::Field::is_open) {
            let typed = |c| self.type_filter(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
            text.chars().for_each(typed);
        }
    }

    pub(super) fn click(&mut self, target: Target) {
        self.note = None;
        match target {
            Target::Tab(pane) => self.open(pane),
            Target::Row(position) => self.choose(position),
            Target::Head(column) => self.sort(|it| it.sort_by(column)),
        }
    }

    fn act(&mut self, action: Action) {
        let height = self.height();
        match action {
            Action::Open(pane) => self.open(pane),
            Action::NextPane => self.open(self.pane.beside(1)),
            Action::PreviousPane => self.open(self.pane.beside(Pane::ALL.len() - 1)),
            Action::Move(rows) => self.move_by(rows.into()),
            Action::Page(pages) => self.page_by(pages.into()),
            Action::Top => self.rewind(),
            Action::End => self.move_by(i64::from(u32::MAX)),
            Action::Enter => self.enter(),
            Action::Back => self.go_back(),
            Action::Filter => drop(self.filter_mut().map(super::Field::open)),
            Action::SortRight => self.sort(|it| it.sort_beside(true)),
            Action::SortLeft => self.sort(|it| it.sort_beside(false)),
            Action::Reverse => self.sort(|it| it.reverse()),
            Action::Fold => self.tree.fold(height),
            Action::Unfold => self.tree.unfold(height),
            Action::FoldAll => self.tree.fold_all(height),
            Action::UnfoldAll => self.tree.unfold_all(height),
            Action::Below => self.open_below(),
            Action::Recent => self.swap_recent(),
            Action::Severity => self.events.next_severity(),
            Action::Worst => self.overview.worst_by = self.overview.worst_by.next(),
            Action::Zoom => {
                let now = ZOOMS.iter().position(|zoom| *zoom == self.zoom).unwrap_or(0);
                self.zoom = ZOOMS[(now + 1) % ZOOMS.len()];
            }
            Action::Pause => self.pause(),
            Action::Unit => self.unit = self.unit.other(),
            Action::Theme => self.theme = self.theme.other(),
            Action::Help => self.help = if self.help.is_some() { None } else { Some(0) },
            Action::Repaint => self.wishes.push(Wish::Repaint),
            Action::Suspend => self.wishes.push(Wish::Suspend),
            Action::Quit => self.wishes.push(Wish::Quit),
        }
    }

    fn open(&mut self, pane: Pane) {
        self.help = None;
        if let Some(filter) = self.filter_mut() {
            filter.leave();
        }
        if pane == self.pane {
            return;
        }
        if pane == Pane::Circuit {
            self.back = self.pane;
        }
        self.pane = pane;
        if pane == Pane::Overview {
            // its drops are told by the queues, which were not asked meanwhile
            self.ask_history();
        }
    }

    /// Moves the cursor of the open pane's list, or scrolls what has none.
    pub(super) fn move_by(&mut self, rows: i64) {
        let height = self.height();
        if !self.scroll(rows) {
            self.with_list(|list| list.move_by(rows, height));
        }
    }

    /// Moves it by so many pages.
    fn page_by(&mut self, pages: i64) {
        let height = self.height();
        if !self.scroll(pages * i64::from(height)) {
            self.with_list(|list| list.page_by(pages, height));
        }
    }

    fn rewind(&mut self) {
        if !self.scroll(i64::MIN) {
            self.with_list(|list| list.rewind());
        }
    }

    /// Scrolls the help or the pane without a cursor, if that is what is seen.
    fn scroll(&mut self, rows: i64) -> bool {
        let (size, health_max) = (self.size, crate::draw::health_lines(self));
        let (line, most) = match (&mut self.help, self.pane) {
            (Some(line), _) => (line, crate::draw::help_lines(size)),
            (None, Pane::Health) => (&mut self.health, health_max),
            _ => return false,
        };
        let to = i64::from(*line).saturating_add(rows).clamp(0, most.into());
        *line = u16::try_from(to).unwrap_or(most);
        true
    }

    /// Does something with the open pane's list, where it has one.
    fn with_list(&mut self, act: impl FnOnce(&mut dyn Moved)) {
        match self.pane {
            Pane::Overview | Pane::Health => {}
            Pane::Tree => act(&mut self.tree.list),
            Pane::Circuits => act(&mut self.circuits.table.list),
            Pane::Flows => act(&mut self.flows.table.list),
            Pane::Unknown => act(&mut self.unknown.list),
            Pane::Events => act(&mut self.events.list),
            Pane::Circuit => {
                if let Some(circuit) = &mut self.circuit {
                    act(&mut circuit.flows.table.list);
                }
            }
        }
    }

    /// A row is clicked: the first time it is chosen, the second time opened.
    fn choose(&mut self, position: u32) {
        let (height, was) = (self.height(), self.chosen());
        match self.pane {
            Pane::Overview => self.open_worst(position),
            _ => self.with_list(|list| list.choose(position, height)),
        }
        if was.is_some() && was == self.chosen() {
            self.enter();
        }
    }

    /// What the cursor was put on, in the panes where it can be opened.
    fn chosen(&self) -> Option<String> {
        match self.pane {
            Pane::Tree => self.tree.list.followed().map(|id| id.to_string()),
            Pane::Circuits => self.circuits.table.list.followed().map(|id| id.to_string()),
            Pane::Flows => self.flows.table.list.followed().map(|id| format!("{id:?}")),
            _ => None,
        }
    }

    fn enter(&mut self) {
        match self.pane {
            Pane::Tree => self.tree.toggle(self.height()),
            Pane::Circuits => {
                if let Some(id) = self.circuits.table.list.chosen() {
                    self.open_circuit(id);
                }
            }
            Pane::Flows => {
                match self.flows.table.list.chosen_row().map(|flow| flow.circuit.clone()) {
                    Some(Some(id)) => self.open_circuit(id),
                    Some(None) => self.note = Some("no device covers this flow's host".to_owned()),
                    None => {}
                }
            }
            _ => {}
        }
    }

    fn open_worst(&mut self, position: u32) {
        let page = self.overview.worst.as_ref();
        let row = page.and_then(|page| page.rows.get(usize::try_from(position).ok()?));
        if let Some(id) = row.map(|row| Arc::clone(&row.id)) {
            self.open_circuit(id);
        }
    }

    fn open_circuit(&mut self, id: Arc<str>) {
        if self.circuit.as_ref().is_none_or(|circuit| circuit.id != id) {
            self.circuit = Some(Circuit::new(id));
            self.served.remove(&Slot::Circuit);
        }
        self.open(Pane::Circuit);
    }

    /// The circuits at and below the chosen node.
    fn open_below(&mut self) {
        let Some(leaf) = self.tree.list.chosen_row() else { return };
        self.circuits.node = Some((Arc::clone(&leaf.node.id), Arc::clone(&leaf.node.name)));
        self.circuits.table.list.rewind();
        self.open(Pane::Circuits);
    }

    fn go_back(&mut self) {
        if self.help.take().is_some() {
            return;
        }
        if self.filter_mut().is_some_and(super::Field::clear) {
            self.rewind();
        } else if self.pane == Pane::Circuit {
            self.open(self.back);
        } else if self.pane == Pane::Circuits && self.circuits.node.take().is_some() {
            self.rewind();
        }
    }

    fn swap_recent(&mut self) {
        let flows = match self.pane {
            Pane::Circuit => self.circuit.as_mut().map(|circuit| &mut circuit.flows),
            _ => Some(&mut self.flows),
        };
        if let Some(flows) = flows {
            flows.recent = !flows.recent;
            flows.table.list.rewind();
        }
    }

    fn pause(&mut self) {
        if self.paused.take().is_none() {
            self.paused = Some(self.now);
            return;
        }
        self.ask_history();
        // each event comes once: those that came meanwhile are asked for again
        self.subscribed.remove(&Slot::Events);
    }

    fn type_filter(&mut self, key: KeyEvent) {
        if self.filter_mut().is_some_and(|filter| filter.key(key)) {
            self.rewind();
        }
    }

    fn filter_mut(&mut self) -> Option<&mut super::Field> {
        match self.pane {
            Pane::Circuits => Some(&mut self.circuits.table.filter),
            Pane::Circuit => self.circuit.as_mut().map(|circuit| &mut circuit.flows.table.filter),
            Pane::Flows => Some(&mut self.flows.table.filter),
            Pane::Unknown => Some(&mut self.unknown.filter),
            Pane::Events => Some(&mut self.events.filter),
            Pane::Overview | Pane::Tree | Pane::Health => None,
        }
    }

    fn sort(&mut self, change: impl FnOnce(&mut dyn Sorted)) {
        match self.pane {
            Pane::Circuits => change(&mut self.circuits.table),
            Pane::Flows => change(&mut self.flows.table),
            Pane::Unknown => change(&mut self.unknown),
            Pane::Circuit => {
                if let Some(circuit) = &mut self.circuit {
                    change(&mut circuit.flows.table);
                }
            }
            Pane::Overview | Pane::Tree | Pane::Health | Pane::Events => {}
        }
    }
}

/// A list, whatever its rows are.
trait Moved {
    fn move_by(&mut self, rows: i64, height: u16);
    fn page_by(&mut self, pages: i64, height: u16);
    fn choose(&mut self, position: u32, height: u16);
    fn rewind(&mut self);
}

impl<R: super::Row> Moved for super::List<R> {
    fn move_by(&mut self, rows: i64, height: u16) {
        Self::move_by(self, rows, height);
    }

    fn page_by(&mut self, pages: i64, height: u16) {
        Self::page_by(self, pages, height);
    }

    fn choose(&mut self, position: u32, height: u16) {
        Self::choose(self, position, height);
    }

    fn rewind(&mut self) {
        Self::rewind(self);
    }
}

/// A table, whatever its rows are.
trait Sorted {
    fn sort_by(&mut self, column: usize);
    fn sort_beside(&mut self, right: bool);
    fn reverse(&mut self);
}

impl<R: super::Row, C: super::Column> Sorted for super::Table<R, C> {
    fn sort_by(&mut self, column: usize) {
        if let Some(column) = C::ALL.get(column) {
            super::Table::sort_by(self, *column);
        }
    }

    fn sort_beside(&mut self, right: bool) {
        super::Table::sort_beside(self, right);
    }

    fn reverse(&mut self) {
        super::Table::reverse(self);
    }
}

/// Keys that do what they always do while a filter is typed.
fn is_beside_text(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => true,
        KeyCode::Tab | KeyCode::BackTab | KeyCode::F(_) => true,
        KeyCode::Char('z' | 'l') => control,
        _ => false,
    }
}
