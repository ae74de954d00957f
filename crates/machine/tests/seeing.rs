//! What is read of machines that were written down.

use std::fs;

use machine::wire::Channel;
use machine::{Known, Machine, Seen, recorded};
use units::CpuId;

fn shown(name: &str, nics: [&str; 2]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/machines");
    let read = |kind| fs::read_to_string(format!("{root}/{name}.{kind}")).unwrap();
    let mut machine = recorded::lay_out(folder.path(), &read("files"), &read("json")).unwrap();
    machine.see(&nics.map(str::to_owned))
}

#[test]
fn a_server_is_read_whole() {
    let seen = shown("server", ["ens1f0", "ens2f0"]);
    assert_eq!(seen.cpus.get().unwrap().to_string(), "0-15");
    assert_eq!(seen.governors[&CpuId::new(15)], "powersave");
    assert_eq!(seen.irqbalance, Some(812));
    assert!(seen.btf && seen.qdiscs.values().all(|has| *has == Known::Is(true)));
    for (nic, driver, first) in [("ens1f0", "ixgbe", 120), ("ens2f0", "i40e", 160)] {
        let nic = seen.nic(nic).unwrap();
        assert_eq!(nic.driver, Known::Is(driver.to_owned()));
        let interrupts = nic.interrupts.get().unwrap();
        let queues: Vec<_> = interrupts.iter().map(|it| (it.number, it.queue)).collect();
        let of_queues = (0..16).map(|queue| (first + u32::from(queue), Some(queue)));
        assert_eq!(queues, of_queues.chain([(first + 16, None)]).collect::<Vec<_>>());
        assert_eq!(interrupts[1].cpus.to_string(), "8");
        assert_eq!(nic.channels.get().unwrap()[&Channel::Combined].now, 16);
        assert_eq!(nic.xps.get().unwrap()[3].set.to_string(), "3");
        let port = nic.port.get().unwrap().as_ref().unwrap();
        assert_eq!(
            (port.bridge.as_str(), port.bridge_up, port.stp, port.state),
            ("br0", true, false, 3)
        );
    }
}

#[test]
fn what_cannot_be_read_is_unknown_with_its_reason() {
    let seen = shown("veth", ["customers0", "absent0"]);
    let why = seen.sysctls["net.core.netdev_budget"].why_not().unwrap();
    assert!(why.contains("netdev_budget") && why.contains("No such file"), "{why}");
    let absent = seen.nic("absent0").unwrap();
    assert!(absent.link.why_not().is_some() && absent.port.why_not().is_some());
    let veth = seen.nic("customers0").unwrap();
    assert!(veth.interrupts.why_not().is_some() && veth.rings.why_not().is_some());
    assert_eq!(veth.rps.get().unwrap().len(), 2);
    assert_eq!(seen.qdiscs["cake"], Known::Is(false));
}

#[test]
fn a_program_is_known_by_its_holder() {
    let seen = shown("veth", ["customers0", "internet0"]);
    let holder = &seen.holders[&41];
    assert_eq!((holder.process, holder.command.as_str()), (77, "firewalld-ng"));
    assert_eq!(holder.program.as_deref(), Some("filter_all"));
}

#[test]
fn interrupts_of_virtio_are_those_of_the_bus_above() {
    let seen = shown("virtual", ["ens3", "ens4"]);
    let interrupts = seen.nics[1].interrupts.get().unwrap();
    let queues: Vec<_> = interrupts.iter().map(|it| (it.name.as_str(), it.queue)).collect();
    assert_eq!(queues[0], ("virtio1-config", None));
    assert_eq!(queues[3], ("virtio1-input.1", Some(1)));
    assert_eq!(seen.nics[1].xps, Known::Is(Vec::new()));
}

#[test]
fn what_was_seen_is_written_and_read_again() {
    for (name, nics) in [
        ("server", ["ens1f0", "ens2f0"]),
        ("laptop", ["enp0s25", "enx00"]),
        ("veth", ["customers0", "internet0"]),
        ("virtual", ["ens3", "ens4"]),
    ] {
        let seen = shown(name, nics);
        let json = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Seen>(&json).unwrap(), seen, "{name}");
    }
}

#[test]
fn this_machine_can_be_seen() {
    let seen = Machine::this().see(&["lo".to_owned(), "tg-absent".to_owned()]);
    assert!(seen.release.get().unwrap().is_at_least(5, 18));
    let lo = seen.nic("lo").unwrap();
    assert_eq!(lo.link.get().unwrap().ifindex.get(), 1);
    assert!(lo.offloads.get().unwrap()["rx-gro"].on);
    assert!(lo.qdiscs.get().unwrap().iter().any(|qdisc| qdisc.kind == "noqueue"));
    assert_eq!(lo.port, Known::Is(None));
    let why = seen.nic("tg-absent").unwrap().link.why_not().unwrap().to_owned();
    assert!(why.contains("No such device"), "{why}");
}
