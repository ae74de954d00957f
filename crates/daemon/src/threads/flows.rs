//! `flows`: reads the flows that changed, once a second, and publishes what follows.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use collect::clock::monotonic_ns;
use collect::flows;
use crossbeam_channel::Receiver;
use kernel::datapath::{DatapathError, Flows};
use origin::Origins;
use state::{FlowEngine, Origin, RetransmitReading, Timeouts};
use supervisor::Context;

use super::TICK;
use crate::shared::Shared;

/// Keeps the state of flows.
pub(super) struct Watch {
    shared: Arc<Shared>,
    engine: FlowEngine,
    flows: Flows,
    retransmits: Receiver<RetransmitReading>,
    table: Arc<ArcSwap<Origins>>,
    /// The tables in use, and how often they were others.
    origins: (Arc<Origins>, u64),
    generation: u64,
}

impl Watch {
    pub(super) fn new(
        shared: Arc<Shared>,
        engine: FlowEngine,
        flows: Flows,
        retransmits: Receiver<RetransmitReading>,
        table: Arc<ArcSwap<Origins>>,
    ) -> Self {
        let origins = (table.load_full(), 0);
        Self { shared, engine, flows, retransmits, table, origins, generation: 0 }
    }

    pub(super) fn run(&mut self, context: &Context) -> Result<(), DatapathError> {
        // if it runs again, the last reading may have come to nothing
        self.flows.tell_all();
        loop {
            self.publish()?;
            if context.sleep(TICK) {
                return Ok(());
            }
        }
    }

    fn publish(&mut self) -> Result<(), DatapathError> {
        self.follow_configuration();
        self.follow_origins();
        // what comes while this is done waits for the next time
        for event in self.retransmits.try_iter().take(self.retransmits.len()) {
            self.engine.retransmitted(&event);
        }
        let taken_ns = monotonic_ns();
        let (origins, generation) = &self.origins;
        let gone =
            self.engine.update(taken_ns, flows::read(&mut self.flows)?, *generation, |address| {
                find(origins, address)
            });
        flows::forget(&mut self.flows, &gone);
        Ok(())
    }

    fn follow_configuration(&mut self) {
        let current = self.shared.current.load();
        if current.generation != self.generation {
            self.generation = current.generation;
            self.engine.set_timeouts(timeouts(&current.flows));
            self.engine.set_recent(ns(current.flows.recent), current.flows.recent_flows as usize);
            self.engine.adopt(&current.layout);
        }
    }

    fn follow_origins(&mut self) {
        let newest = self.table.load_full();
        if !Arc::ptr_eq(&newest, &self.origins.0) {
            self.origins = (newest, self.origins.1 + 1);
        }
    }
}

fn find(origins: &Origins, address: IpAddr) -> Origin {
    let known = origins.find(address);
    Origin {
        asn: known.asn,
        country: known.country.map(origin::CountryCode::bytes),
        name: known.name.cloned(),
    }
}

/// How long flows may be silent under this configuration.
pub(super) fn timeouts(flows: &config::Flows) -> Timeouts {
    Timeouts {
        tcp_ns: ns(flows.tcp_idle),
        udp_ns: ns(flows.udp_idle),
        icmp_ns: ns(flows.icmp_idle),
        unanswered_ns: ns(flows.unanswered_idle),
        ..Timeouts::default()
    }
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
