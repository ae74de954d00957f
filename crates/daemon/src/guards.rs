//! What is changed on the NICs while they are ours, restored when dropped.

use config::{Config, Mode};
use kernel::datapath::Side;
use kernel::nic::PromiscuousGuard;
use machine::nic::{RxVlanGuard, XpsGuard};

use crate::error::ShaperError;
use crate::kept::{Kept, KeptNic};

/// What was changed on a NIC, restored when dropped.
#[derive(Debug)]
pub struct NicGuards {
    name: String,
    xps: XpsGuard,
    rx_vlan: RxVlanGuard,
    promiscuous: Option<PromiscuousGuard>,
}

/// Has the NICs be as programs and classes want them. What a daemon before has changed is restored with
/// the rest.
pub fn guards(
    config: &Config,
    sides: &[(String, Side)],
    kept: &Kept,
) -> Result<Vec<NicGuards>, ShaperError> {
    let forwards = config.interfaces.mode.forwards();
    if config.interfaces.mode == Mode::Observe {
        return Ok(Vec::new());
    }
    let guard = |name: &String| -> Result<NicGuards, ShaperError> {
        let mut guards = NicGuards::new(name, forwards)?;
        if let Some(kept) = kept.nics.iter().find(|kept| kept.name == *name) {
            guards.take_over(kept);
        }
        Ok(guards)
    };
    let mut all = Vec::new();
    for (nic, _) in sides {
        match guard(nic) {
            Ok(one) => all.push(one),
            Err(error) => {
                if !kept.nics.is_empty() {
                    // programs are at work with the NICs as they are
                    all.into_iter().for_each(NicGuards::leave);
                }
                return Err(error);
            }
        }
    }
    Ok(all)
}

/// What the next daemon has to restore.
pub fn kept_nics(nics: &[NicGuards]) -> Vec<KeptNic> {
    nics.iter()
        .map(|nic| KeptNic {
            name: nic.name.clone(),
            xps: nic.xps.changed().to_vec(),
            rx_vlan_offloads: nic.rx_vlan.changed().to_vec(),
            promiscuous: nic.promiscuous.as_ref().is_some_and(PromiscuousGuard::changed),
        })
        .collect()
}

/// Restores on a NIC what a daemon before has changed, each by itself: one that fails keeps none of the others.
/// Returns what went wrong.
pub fn restore(kept: &KeptNic) -> Vec<ShaperError> {
    let name = &kept.name;
    let xps = || -> Result<(), ShaperError> {
        XpsGuard::clear(name)?.take_over(kept.xps.clone());
        Ok(())
    };
    let rx_vlan = || -> Result<(), ShaperError> {
        RxVlanGuard::turn_off(name)?.take_over(&kept.rx_vlan_offloads);
        Ok(())
    };
    let promiscuous = || -> Result<(), ShaperError> {
        if kept.promiscuous {
            PromiscuousGuard::turn_on(name)?.take_over();
        }
        Ok(())
    };
    [xps(), rx_vlan(), promiscuous()].into_iter().filter_map(Result::err).collect()
}

impl NicGuards {
    fn new(name: &str, forwards: bool) -> Result<Self, ShaperError> {
        Ok(Self {
            name: name.to_owned(),
            xps: XpsGuard::clear(name)?,
            rx_vlan: RxVlanGuard::turn_off(name)?,
            promiscuous: forwards.then(|| PromiscuousGuard::turn_on(name)).transpose()?,
        })
    }

    /// Leaves the NIC as it is.
    pub fn leave(self) {
        self.xps.leave();
        self.rx_vlan.leave();
        if let Some(promiscuous) = self.promiscuous {
            promiscuous.leave();
        }
    }

    fn take_over(&mut self, kept: &KeptNic) {
        self.xps.take_over(kept.xps.clone());
        self.rx_vlan.take_over(&kept.rx_vlan_offloads);
        if let Some(promiscuous) = self.promiscuous.as_mut().filter(|_| kept.promiscuous) {
            promiscuous.take_over();
        }
    }
}
