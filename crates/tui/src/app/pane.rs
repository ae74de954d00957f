//! The panes.

/// What the screen is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pane {
    /// The box: throughput, RTTs, CPUs, the worst circuits.
    #[default]
    Overview,
    /// The tree of nodes.
    Tree,
    /// All circuits.
    Circuits,
    /// One circuit.
    Circuit,
    /// Flows.
    Flows,
    /// Hosts that no device covers.
    Unknown,
    /// The daemon's health.
    Health,
    /// What happened.
    Events,
}

impl Pane {
    /// All of them, in the order of their tabs.
    pub const ALL: [Self; 8] = [
        Self::Overview,
        Self::Tree,
        Self::Circuits,
        Self::Circuit,
        Self::Flows,
        Self::Unknown,
        Self::Health,
        Self::Events,
    ];

    /// Its name on the tab.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Tree => "tree",
            Self::Circuits => "circuits",
            Self::Circuit => "circuit",
            Self::Flows => "flows",
            Self::Unknown => "unknown",
            Self::Health => "health",
            Self::Events => "events",
        }
    }

    /// The key that opens it, counted from 1.
    pub const fn number(self) -> usize {
        self as usize + 1
    }

    /// The pane `steps` tabs to the right, around the end.
    pub(crate) fn beside(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }
}
