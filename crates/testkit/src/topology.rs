//! The wires of a lab: veth pairs, the bridge, addresses and routes.
//!
//! Both sides are on one link, as on a bridged box: every address is reached by ARP or neighbour
//! discovery through the box, with a default route that names only the NIC.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};

use crate::lab::{BOX_CUSTOMERS, BOX_INTERNET, BOX_STICK, Forwarding, HOST_NIC, LabSpec};
use crate::{Namespace, process};

/// The switch's port towards the box.
pub(crate) const SWITCH_TRUNK: &str = "trunk";
/// The switch's port towards the customers.
pub(crate) const SWITCH_CUSTOMERS: &str = "customers";
/// The switch's port towards the Internet.
pub(crate) const SWITCH_INTERNET: &str = "internet";

/// Addresses that are usable at once, without waiting for duplicate address detection.
pub(crate) fn prepare_host(host: &Namespace) -> Result<()> {
    sysctl(host, "net/ipv6/conf/all/accept_dad", "0")?;
    sysctl(host, "net/ipv6/conf/default/accept_dad", "0")?;
    sysctl(host, "net/ipv4/conf/all/rp_filter", "0")?;
    sysctl(host, "net/ipv4/conf/default/rp_filter", "0")
}

/// A box or switch says nothing of its own accord.
pub(crate) fn prepare_silent(middle: &Namespace) -> Result<()> {
    sysctl(middle, "net/ipv6/conf/all/disable_ipv6", "1")?;
    sysctl(middle, "net/ipv6/conf/default/disable_ipv6", "1")
}

/// Wires customers and Internet to the box's two NICs.
pub(crate) fn connect_box(
    folder: &Path,
    spec: &LabSpec,
    customers: &Namespace,
    middle: &Namespace,
    internet: &Namespace,
) -> Result<()> {
    let mut lines = vec![
        veth(spec, BOX_CUSTOMERS, HOST_NIC, customers),
        veth(spec, BOX_INTERNET, HOST_NIC, internet),
    ];
    if spec.forwarding == Forwarding::Bridge {
        // Frames that bridges keep to themselves (LLDP and the like) cross as well, and nothing
        // waits for a spanning tree or a multicast querier.
        lines.push(
            "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0 \
             group_fwd_mask 0xfff8"
                .to_owned(),
        );
        lines.push(format!("link set br0 mtu {} up", spec.mtu));
        for nic in [BOX_CUSTOMERS, BOX_INTERNET] {
            lines.push(format!("link set {nic} master br0"));
        }
    }
    lines.push("link set lo up".to_owned());
    for nic in [BOX_CUSTOMERS, BOX_INTERNET] {
        lines.push(format!("link set {nic} up"));
    }
    middle.ip_batch(folder, &lines)?;
    for nic in [BOX_CUSTOMERS, BOX_INTERNET] {
        tags_in_frames(middle, nic)?;
    }
    Ok(())
}

/// Puts a new NIC, which leads to `host`, in the place of one of the box's two.
pub(crate) fn reconnect(
    folder: &Path,
    spec: &LabSpec,
    nic: &str,
    host: &Namespace,
    middle: &Namespace,
) -> Result<()> {
    // its other end goes with it
    let mut lines = vec![format!("link delete {nic}"), veth(spec, nic, HOST_NIC, host)];
    if spec.forwarding == Forwarding::Bridge {
        lines.push(format!("link set {nic} master br0"));
    }
    lines.push(format!("link set {nic} up"));
    middle.ip_batch(folder, &lines)?;
    tags_in_frames(middle, nic)
}

/// Wires customers, Internet and the box's one NIC to the switch.
pub(crate) fn connect_stick(
    folder: &Path,
    spec: &LabSpec,
    customers: &Namespace,
    middle: &Namespace,
    internet: &Namespace,
    switch: &Namespace,
) -> Result<()> {
    let mut lines = vec![
        veth(spec, SWITCH_TRUNK, BOX_STICK, middle),
        veth(spec, SWITCH_CUSTOMERS, HOST_NIC, customers),
        veth(spec, SWITCH_INTERNET, HOST_NIC, internet),
    ];
    for nic in [SWITCH_TRUNK, SWITCH_CUSTOMERS, SWITCH_INTERNET] {
        lines.push(format!("link set {nic} up"));
    }
    switch.ip_batch(folder, &lines)?;
    middle.ip_batch(folder, &["link set lo up".to_owned(), format!("link set {BOX_STICK} up")])?;
    tags_in_frames(middle, BOX_STICK)?;
    tags_in_frames(switch, SWITCH_TRUNK)
}

/// Brings a host's NIC up with its addresses; everything else is reached through it.
pub(crate) fn address(folder: &Path, host: &Namespace, addresses: &[IpAddr]) -> Result<()> {
    // As on a real wire, packets are whole and have their checksums: XDP sees neither the
    // kernel's giant segments nor checksums that nobody has filled in. GRO on a veth also makes
    // its receiving side ready for frames that XDP sends.
    ethtool(host, HOST_NIC, "tx off tso off gso off gro on txvlan off rxvlan off")?;
    let mut lines = vec!["link set lo up".to_owned(), format!("link set {HOST_NIC} up")];
    for address in addresses {
        lines.push(match address {
            IpAddr::V4(v4) => format!("address add {v4}/32 dev {HOST_NIC}"),
            IpAddr::V6(v6) => format!("address add {v6}/128 dev {HOST_NIC} nodad"),
        });
    }
    lines.push(format!("route add default dev {HOST_NIC}"));
    lines.push(format!("route add ::/0 dev {HOST_NIC}"));
    host.ip_batch(folder, &lines)
}

/// Moves a host's addresses into the namespace `far`, whose NIC is connected to `relay` in the near
/// one. There, nobody says anything any more.
pub(crate) fn move_away(
    folder: &Path,
    near: &Namespace,
    far: &Namespace,
    relay: &str,
    addresses: &[IpAddr],
) -> Result<()> {
    prepare_silent(near)?;
    prepare_host(far)?;
    let far_name = far.name();
    near.ip_batch(
        folder,
        &[
            format!("address flush dev {HOST_NIC}"),
            format!("link add {relay} type veth peer name {HOST_NIC} netns {far_name}"),
            format!("link set {relay} up"),
        ],
    )?;
    // Frames are carried as they come, not joined into ones that no NIC sends.
    for nic in [HOST_NIC, relay] {
        ethtool(near, nic, "gro off")?;
    }
    address(folder, far, addresses)
}

fn veth(spec: &LabSpec, name: &str, peer: &str, peer_in: &Namespace) -> String {
    let LabSpec { queues, mtu, .. } = spec;
    let queues = format!("numtxqueues {queues} numrxqueues {queues}");
    let peer_in = peer_in.name();
    format!(
        "link add {name} mtu {mtu} {queues} type veth peer name {peer} mtu {mtu} {queues} \
         netns {peer_in}"
    )
}

/// VLAN tags travel in the frame, where XDP looks for them.
fn tags_in_frames(namespace: &Namespace, nic: &str) -> Result<()> {
    ethtool(namespace, nic, "txvlan off rxvlan off")
}

fn ethtool(namespace: &Namespace, nic: &str, features: &str) -> Result<()> {
    let mut command = namespace.command("ethtool");
    command.args(["-K", nic]).args(features.split(' '));
    process::run(&mut command, std::time::Duration::from_secs(10))?.checked()?;
    Ok(())
}

fn sysctl(namespace: &Namespace, key: &str, value: &str) -> Result<()> {
    let path = Path::new("/proc/sys").join(key);
    namespace.inside(|| {
        fs::write(&path, value).with_context(|| format!("could not write {}", path.display()))
    })
}
