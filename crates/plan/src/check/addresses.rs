//! Addresses.

use std::collections::HashMap;

use units::IpPrefix;

use super::{Rule, View};
use crate::model::Target;

pub(super) fn check(view: &mut View<'_>) {
    let addresses = &view.plan.addresses;
    let ascending = addresses.windows(2).all(|pair| pair[0].prefix < pair[1].prefix);
    view.expect(ascending, Rule::Addresses, "plan", || {
        "addresses do not ascend or come twice".to_owned()
    });
    let planned: HashMap<IpPrefix, Target> =
        addresses.iter().map(|address| (address.prefix, address.target)).collect();
    let wanted = wanted(view);
    for (prefix, target) in &wanted {
        let found = planned.get(prefix);
        view.expect(found == Some(target), Rule::Addresses, prefix, || {
            format!("leads to {found:?}, not {target:?}")
        });
    }
    for prefix in planned.keys().filter(|prefix| !wanted.contains_key(prefix)) {
        view.expect(false, Rule::Addresses, prefix, || "is nobody's".to_owned());
    }
    sizes(view);
}

/// Every configured block with what it leads to; later ones win.
fn wanted(view: &mut View<'_>) -> HashMap<IpPrefix, Target> {
    let ranges = &view.config.ranges;
    let mut wanted = HashMap::new();
    if ranges.customers.is_empty() {
        let everywhere = ["0.0.0.0/0", "::/0"].into_iter().filter_map(|text| text.parse().ok());
        wanted.extend(everywhere.map(|prefix: IpPrefix| (prefix, Target::Customers)));
    }
    wanted.extend(ranges.customers.iter().map(|prefix| (*prefix, Target::Customers)));
    wanted.extend(ranges.ignored.iter().map(|prefix| (*prefix, Target::Ignored)));
    let slots: HashMap<_, _> = view.plan.circuits.iter().map(|c| (&c.id, c.slot)).collect();
    let mut owners = HashMap::new();
    for circuit in &view.config.network.circuits {
        let Some(slot) = slots.get(&circuit.id) else { continue };
        for prefix in circuit.devices.iter().flat_map(|device| &device.prefixes) {
            let other = owners.insert(*prefix, &circuit.id).filter(|other| *other != &circuit.id);
            view.expect(other.is_none(), Rule::Addresses, prefix, || {
                format!("belongs to {} and to another circuit", circuit.id)
            });
            wanted.insert(*prefix, Target::Circuit(*slot));
        }
    }
    wanted
}

/// The kernel's maps hold them.
fn sizes(view: &mut View<'_>) {
    let limits = &view.config.limits;
    let hosts = view.plan.addresses.iter().filter(|address| address.prefix.is_host()).count();
    let prefixes = view.plan.addresses.len() - hosts;
    for (what, count, most) in
        [("hosts", hosts, limits.hosts), ("prefixes", prefixes, limits.prefixes)]
    {
        view.expect(count <= most as usize, Rule::Addresses, what, || {
            format!("{count} do not fit into {most}")
        });
    }
}
