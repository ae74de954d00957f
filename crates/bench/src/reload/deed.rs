//! What is done to the box while traffic crosses it.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use bus::{CircuitEdit, CircuitsQuery, Client, Edit, Edits};
use testkit::{Daemon, DaemonSpec, Lab, wait_until};
use units::PerDirection;

use super::ANSWER_MAX;
use crate::network::{Devices, MOVED, RATED, SITES, id};

/// Circuits that come and go.
const COMERS: usize = 100;

/// What is done to the box while traffic crosses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Nothing,
    Rate,
    RateOverBus,
    AddAndRemove,
    Move,
    ReloadUnchanged,
    KillAndRestart,
    Handover,
}

impl Deed {
    pub(super) const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Rate,
        Self::RateOverBus,
        Self::AddAndRemove,
        Self::Move,
        Self::ReloadUnchanged,
        Self::KillAndRestart,
        Self::Handover,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Rate => "rate-of-one",
            Self::RateOverBus => "rate-of-one-over-the-bus",
            Self::AddAndRemove => "add-and-remove-100",
            Self::Move => "move-to-another-queue",
            Self::ReloadUnchanged => "reload-unchanged",
            Self::KillAndRestart => "kill-and-restart",
            Self::Handover => "handover",
        }
    }
}

/// One deed.
pub(super) struct Doing<'s> {
    pub(super) lab: &'s Lab,
    pub(super) spec: &'s DaemonSpec,
    pub(super) circuits: usize,
    /// Which deed it is, so that each changes something.
    pub(super) number: u32,
}

impl Doing<'_> {
    pub(super) fn carry_out(&self, deed: Deed, daemon: &mut Option<Daemon>) -> Result<()> {
        let mut devices = Devices::of(self.circuits);
        match deed {
            Deed::Nothing => Ok(()),
            Deed::ReloadUnchanged => self.reload(),
            Deed::Rate => {
                devices.rated_mbps = 100 + self.number;
                self.put_in_force(&devices)
            }
            Deed::RateOverBus => {
                let edits = rate_edit(100 + self.number);
                self.client()?.edit(edits, ANSWER_MAX)?;
                Ok(())
            }
            Deed::AddAndRemove => {
                devices.comers = COMERS;
                self.put_in_force(&devices)?;
                devices.comers = 0;
                self.put_in_force(&devices)
            }
            Deed::Move => {
                let before = self.queue_of_moved()?;
                for site in 1..SITES {
                    devices.moved_site = site;
                    self.put_in_force(&devices)?;
                    if self.queue_of_moved()? != before {
                        return Ok(());
                    }
                }
                anyhow::bail!("all sites are on one queue")
            }
            Deed::KillAndRestart => {
                daemon.take().context("no daemon runs")?.kill();
                *daemon = Some(Daemon::start(self.lab, self.spec.clone())?);
                Ok(())
            }
            Deed::Handover => {
                self.client()?.handover(ANSWER_MAX)?;
                let left = Instant::now();
                wait_until("the successor", ANSWER_MAX, || {
                    let Ok(mut client) = Client::connect(&self.spec.socket, ANSWER_MAX) else {
                        return Ok(None);
                    };
                    let uptime_ms = client.status().ok().map(|status| u128::from(status.uptime_ms));
                    Ok(uptime_ms.filter(|ms| *ms <= left.elapsed().as_millis()).map(drop))
                })
            }
        }
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.spec.socket, ANSWER_MAX)?)
    }

    fn reload(&self) -> Result<()> {
        self.client()?.reload(false, ANSWER_MAX)?;
        Ok(())
    }

    fn put_in_force(&self, devices: &Devices) -> Result<()> {
        let path = self.spec.config.with_file_name("ShapedDevices.csv");
        let new = path.with_extension("new");
        fs::write(&new, devices.text())?;
        fs::rename(new, path)?;
        self.reload()
    }

    fn queue_of_moved(&self) -> Result<u16> {
        let rows = self.client()?.circuits(CircuitsQuery::default())?.rows;
        let row = rows.iter().find(|row| *row.id == *id(MOVED)).context("no such circuit")?;
        Ok(row.queue.down)
    }
}

/// Another rate for one circuit.
pub(super) fn rate_edit(mbps: u32) -> Edits {
    let max_bps = PerDirection { down: Some(u64::from(mbps) * 1_000_000), up: None };
    let edit = CircuitEdit { id: id(RATED), max_bps, ..CircuitEdit::default() };
    Edits { edits: vec![Edit::Circuit(Box::new(edit))], ..Edits::default() }
}
