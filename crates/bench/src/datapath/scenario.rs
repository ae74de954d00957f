//! What is measured: which packets, through which tables, and what they are to cost.

use kernel::datapath::Hook;

use super::packet::Kind;
use super::sheet::Bars;

/// Flows of the scenarios with many.
const MANY: u32 = 10_000;
/// Flows of those with very many.
const VERY_MANY: u32 = 100_000;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) hook: Hook,
    pub(super) kind: Kind,
    pub(super) customers: Customers,
    /// Flows in rotation, each of another host; 0: each packet begins another.
    pub(super) flows: u32,
    /// Circuits with one address each.
    pub(super) circuits: u32,
    pub(super) pace: Pace,
    pub(super) tables: Tables,
    /// Nanoseconds a packet beyond the empty program.
    pub(super) bars: Bars,
}

/// Whose packets they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Customers {
    /// Hosts with a circuit.
    Shaped,
    /// Hosts without one, inside the customers' range.
    Unknown,
}

/// How packets follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// So many in a round, in few calls.
    Repeated(u32),
    /// So many in a round, each in a call of its own: what the caches held is gone.
    Single(u32),
}

/// What the packets meet in the tables of flows and unknown hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tables {
    /// Themselves: each has been there before.
    Standing,
    /// Nothing: the table of flows is emptied before each round.
    Emptied,
    /// Others that fill them.
    Full,
}

const MILLION: Pace = Pace::Repeated(1_000_000);

/// What most scenarios have in common: one flow of one shaped host.
const XDP: Scenario = Scenario {
    name: "",
    hook: Hook::Xdp,
    kind: Kind::Tcp4,
    customers: Customers::Shaped,
    flows: 1,
    circuits: MANY,
    pace: MILLION,
    tables: Tables::Standing,
    bars: (0.0, 0.0),
};

const TC: Scenario = Scenario { hook: Hook::Tc, ..XDP };

/// All that test runs can measure.
pub(super) const ALL: [Scenario; 14] = [
    Scenario { name: "xdp-tcp4-known", bars: (85.0, 60.0), ..XDP },
    Scenario {
        name: "xdp-tcp4-both-directions",
        kind: Kind::Tcp4BothWays,
        bars: (85.0, 55.0),
        ..XDP
    },
    Scenario { name: "xdp-udp4-known", kind: Kind::Udp4, bars: (80.0, 55.0), ..XDP },
    Scenario { name: "xdp-tcp6-known", kind: Kind::Tcp6, bars: (95.0, 65.0), ..XDP },
    Scenario { name: "xdp-unknown-host", customers: Customers::Unknown, bars: (80.0, 50.0), ..XDP },
    Scenario { name: "xdp-tcp4-10k-rotating", flows: MANY, bars: (130.0, 80.0), ..XDP },
    Scenario {
        name: "xdp-tcp4-10k-cold",
        flows: MANY,
        pace: Pace::Single(20_000),
        bars: (330.0, 230.0),
        ..XDP
    },
    Scenario {
        name: "xdp-tcp4-100k-rotating",
        flows: VERY_MANY,
        circuits: VERY_MANY,
        bars: (330.0, 220.0),
        ..XDP
    },
    Scenario {
        name: "xdp-new-flow-each",
        kind: Kind::Udp4,
        flows: 0,
        pace: Pace::Repeated(100_000),
        tables: Tables::Emptied,
        bars: (480.0, 300.0),
        ..XDP
    },
    Scenario {
        name: "xdp-new-flow-each-full",
        kind: Kind::Udp4,
        flows: 0,
        tables: Tables::Full,
        bars: (250.0, 120.0),
        ..XDP
    },
    Scenario {
        name: "xdp-new-unknown-full",
        kind: Kind::Udp4,
        customers: Customers::Unknown,
        flows: 0,
        tables: Tables::Full,
        bars: (400.0, 200.0),
        ..XDP
    },
    Scenario { name: "tc-one-host", bars: (40.0, 25.0), ..TC },
    Scenario { name: "tc-10k-rotating", flows: MANY, bars: (50.0, 25.0), ..TC },
    Scenario {
        name: "tc-100k-rotating",
        flows: VERY_MANY,
        circuits: VERY_MANY,
        bars: (180.0, 90.0),
        ..TC
    },
];
