//! The NICs that carry the traffic.

use bus::XdpMode;
use machine::nic::drivers::has_native_xdp;
use machine::tune::shell_word;

use super::finding::{Finding, State};
use super::patient::Patient;

/// Whether they are there.
pub(super) fn presence(patient: &Patient<'_>) -> Vec<Finding> {
    let missing = patient.seen.nics.iter().filter_map(|nic| {
        let why_not = nic.link.why_not()?;
        let what = format!("{} cannot be read ({why_not})", nic.name);
        let why =
            "the daemon will not start without it; the configuration names it under [interfaces]";
        let finding = Finding::new(State::Error, "nic", what, why).about(&nic.name);
        let path = shell_word(&patient.path.to_string_lossy());
        Some(
            finding
                .mend(format!("ip -brief link  # shows those that there are, to name in {path}")),
        )
    });
    missing.collect()
}

/// Whether packets can flow.
pub(super) fn link(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "link";
    let finding = |nic: &machine::NicSeen| {
        let link = nic.link.get()?;
        let name = &nic.name;
        Some(if !link.up {
            let what = format!("{name} is down");
            Finding::new(State::Error, CHECK, what, "no packet crosses the box")
                .mend(format!("ip link set dev {} up", shell_word(name)))
        } else if !link.carrier {
            let what = format!("{name} has no carrier");
            Finding::new(State::Error, CHECK, what, "check its cable and what is at the other end")
                .mend(format!("ethtool {}", shell_word(name)))
        } else {
            let queues = nic.tx_queues.get().map_or("?".to_owned(), ToString::to_string);
            Finding::ok(CHECK, format!("{name} is up, with {queues} queues"))
        })
        .map(|finding| finding.about(name))
    };
    patient.nics().filter_map(finding).collect()
}

/// Whether what fits through one fits through the other.
pub(super) fn mtu(patient: &Patient<'_>) -> Vec<Finding> {
    let sizes: Vec<_> =
        patient.nics().filter_map(|nic| Some((&nic.name, nic.link.get()?.mtu))).collect();
    let [(one, small), (other, large)] = sizes[..] else { return Vec::new() };
    if small == large {
        return vec![Finding::ok("mtu", format!("both NICs take packets of {small} bytes"))];
    }
    let what = format!("{one} takes packets of {small} bytes, {other} of {large}");
    let (less, more) = if small < large { (one, large) } else { (other, small) };
    let why = "larger ones are lost between them";
    let finding = Finding::new(State::Warning, "mtu", what, why).about(less);
    vec![finding.mend(format!("ip link set dev {} mtu {more}", shell_word(less)))]
}

/// Whether the driver runs our program.
pub(super) fn driver(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "driver";
    let finding = |nic: &machine::NicSeen| {
        let (name, driver) = (&nic.name, nic.driver.get()?);
        let status = patient.daemon.status();
        let attached = status.and_then(|it| it.nics.iter().find(|nic| nic.name == *name)?.xdp);
        let why = "the kernel makes a socket buffer of each packet first, which takes CPU";
        Some(match attached {
            Some(XdpMode::Native) => Finding::ok(
                CHECK,
                format!("the driver of {name} ({driver}) runs the program itself"),
            ),
            Some(XdpMode::Generic) if has_native_xdp(driver) => {
                let what = format!(
                    "the driver of {name} ({driver}) runs XDP programs, but did not take this one when it was \
                     attached"
                );
                // shaping pauses for as long as it takes
                let again = "systemctl stop tidegated && tidegated --take-down && systemctl start tidegated";
                Finding::new(State::Warning, CHECK, what, why).mend(again)
            }
            Some(XdpMode::Generic) => {
                let what =
                    format!("the driver of {name} ({driver}) does not run the program itself");
                Finding::new(State::Warning, CHECK, what, why)
                    .mend(format!("ethtool -i {}", shell_word(name)))
            }
            None if has_native_xdp(driver) => {
                Finding::ok(CHECK, format!("{name} has a driver that runs XDP programs ({driver})"))
            }
            None => {
                let what =
                    format!("{name} has a driver that is not known to run XDP programs ({driver})");
                Finding::new(State::Note, CHECK, what, why)
                    .mend(format!("ethtool -i {}", shell_word(name)))
            }
        })
        .map(|finding| finding.about(name))
    };
    patient.nics().filter_map(finding).collect()
}

/// Whether the programs see VLAN tags. The daemon sees to it when it starts.
pub(super) fn tags(patient: &Patient<'_>) -> Vec<Finding> {
    if patient.daemon.status().is_none() || !patient.shapes() {
        return Vec::new();
    }
    let hidden = |nic: &machine::NicSeen| {
        let offloads = nic.offloads.get()?;
        let is_on = |name: &&str| offloads.get(*name).is_some_and(|offload| offload.on);
        let on = ["rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"].into_iter().filter(is_on);
        let off: String = on.map(|name| format!(" {name} off")).collect();
        if off.is_empty() {
            return None;
        }
        let what = format!("{} takes VLAN tags off before the programs see packets", nic.name);
        let why = "the daemon had turned that off, and somebody has turned it on again; steered packets lose their tag";
        let command = format!("ethtool -K {}{off}", shell_word(&nic.name));
        Some(Finding::new(State::Warning, "vlan-tags", what, why).about(&nic.name).mend(command))
    };
    let hidden: Vec<_> = patient.nics().filter_map(hidden).collect();
    if hidden.is_empty() {
        return vec![Finding::ok("vlan-tags", "the programs see VLAN tags".to_owned())];
    }
    hidden
}

/// Whether masks overrule the queue that the programs choose. The daemon clears them when it starts.
pub(super) fn xps(patient: &Patient<'_>) -> Vec<Finding> {
    if patient.daemon.status().is_none() || !patient.shapes() {
        return Vec::new();
    }
    let overruled = |nic: &machine::NicSeen| {
        let masks = nic.xps.get().filter(|masks| !masks.is_empty())?;
        let what = format!("{} chooses transmit queues by the sender's CPU (XPS)", nic.name);
        let why = "the daemon had cleared these masks, and somebody has set them again; they overrule the circuit's queue";
        let clear = masks.iter().map(|mask| {
            let at = format!("/sys/class/net/{}/queues/{}/{}", nic.name, mask.queue, mask.mask);
            format!("echo 0 > {}", shell_word(&at))
        });
        let command = clear.collect::<Vec<_>>().join("; ");
        Some(Finding::new(State::Warning, "xps", what, why).about(&nic.name).mend(command))
    };
    let overruled: Vec<_> = patient.nics().filter_map(overruled).collect();
    if overruled.is_empty() {
        return vec![Finding::ok("xps", "nothing overrules the queues that are chosen".to_owned())];
    }
    overruled
}
