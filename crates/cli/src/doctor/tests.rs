//! Each check on machines that were written down, and on daemons that say this and that.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bus::{CountView, MapView, NicView, Side, StatusView, ThreadState, ThreadView, XdpMode};
use config::{Config, Interfaces, Leaf, Mode, Problems, Queues};
use machine::wire::{Classifier, Qdisc};
use machine::{Known, Seen, recorded};

use super::{Daemon, Finding, Patient, State, examine, names};
use crate::arguments::{DEFAULT_CONFIG, DEFAULT_SOCKET};

/// All that a patient borrows.
struct Case {
    seen: Seen,
    interfaces: Interfaces,
    queues: Queues,
    problems: Problems,
    pins: Vec<String>,
    daemon: Daemon,
    open_files: Known<Option<u64>>,
    is_root: bool,
    path: &'static str,
    socket: &'static str,
    has_unit: bool,
}

impl Case {
    fn new(name: &str, customers: &str, internet: &str, mode: Mode) -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let read =
            |kind| fs::read_to_string(format!("{root}/tests/machines/{name}.{kind}")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut machine = recorded::lay_out(folder.path(), &read("files"), &read("json")).unwrap();
        let interfaces =
            Interfaces { mode, internet: internet.to_owned(), customers: customers.to_owned() };
        let example = Config::load(&Path::new(root).join("config/example/tidegate.toml"));
        let queues = Queues { count: None, leaf_fallback: None, ..example.unwrap().config.queues };
        Self {
            seen: machine.see(&names(&interfaces)),
            interfaces,
            queues,
            problems: Problems::default(),
            pins: Vec::new(),
            daemon: Daemon::Silent,
            open_files: Known::Is(Some(1024)),
            is_root: true,
            path: DEFAULT_CONFIG,
            socket: DEFAULT_SOCKET,
            has_unit: true,
        }
    }

    fn server() -> Self {
        Self::new("server", "ens1f0", "ens2f0", Mode::Bridge)
    }

    fn veth() -> Self {
        Self::new("veth", "customers0", "internet0", Mode::Bridge)
    }

    /// The server after all was mended, with the daemon at work.
    fn well() -> Self {
        let mut case = Self::server();
        let changes = machine::tune::changes(&case.seen, &super::wanted(&case.interfaces, None));
        assert!(!changes.is_empty());
        for nic in &mut case.seen.nics {
            let Known::Is(offloads) = &mut nic.offloads else { panic!("offloads") };
            for off in ["rx-lro", "rx-vlan-hw-parse"] {
                offloads.entry(off.into()).and_modify(|offload| offload.on = false);
            }
            let Known::Is(rings) = &mut nic.rings else { panic!("rings") };
            rings.values_mut().for_each(|ring| ring.now = ring.max);
            let Known::Is(interrupts) = &mut nic.interrupts else { panic!("interrupts") };
            for interrupt in interrupts {
                if let Some(queue) = interrupt.queue {
                    interrupt.cpus = queue.to_string().parse().unwrap();
                }
            }
            nic.xps = Known::Is(Vec::new());
        }
        case.seen.irqbalance = None;
        case.seen.governors.values_mut().for_each(|it| *it = "performance".into());
        case.seen.sysctls.insert("net.core.netdev_budget".into(), Known::Is(600));
        case.seen.sysctls.insert("net.core.netdev_max_backlog".into(), Known::Is(4096));
        case.daemon = Daemon::Answers(Box::new(status(&case.interfaces)));
        case
    }

    fn examine(&self) -> Vec<Finding> {
        examine(&Patient {
            seen: &self.seen,
            path: Path::new(self.path),
            socket: Path::new(self.socket),
            own_socket: Some(Path::new("/run/own.sock")),
            has_unit: self.has_unit,
            problems: &self.problems,
            interfaces: Some(&self.interfaces),
            queues: Some(&self.queues),
            pins_folder: Some(Path::new("/sys/fs/bpf/tidegate")),
            pins: &self.pins,
            daemon: &self.daemon,
            open_files: Some(&self.open_files),
            is_root: self.is_root,
        })
    }

    fn ill(&self) -> Vec<Finding> {
        self.examine().into_iter().filter(|finding| finding.state != State::Ok).collect()
    }

    /// The only finding that is not well.
    fn only(&self) -> Finding {
        let mut ill = self.ill();
        assert_eq!(ill.len(), 1, "{ill:#?}");
        ill.remove(0)
    }

    fn status(&mut self) -> &mut StatusView {
        match &mut self.daemon {
            Daemon::Answers(status) => status,
            other => panic!("{other:?}"),
        }
    }
}

fn status(interfaces: &Interfaces) -> StatusView {
    let nic = |name: &String| NicView {
        name: name.clone(),
        ifindex: 4,
        side: Side::Customers,
        xdp: Some(XdpMode::Native),
        tc: None,
        queues: 16,
    };
    let thread = ThreadView {
        name: "tick".into(),
        state: ThreadState::Running,
        essential: true,
        heartbeat_age_ms: 3,
        restarts: 0,
        last_exit: None,
    };
    StatusView {
        mode: "bridge".into(),
        nics: names(interfaces).iter().map(nic).collect(),
        threads: vec![thread],
        maps: vec![MapView { name: "hosts".into(), used: 80, capacity: 100 }],
        clients_max: 64,
        ..StatusView::default()
    }
}

fn find<'a>(findings: &'a [Finding], check: &str, subject: &str) -> &'a Finding {
    let is_it = |it: &&Finding| it.check == check && it.subject.as_deref().unwrap_or("") == subject;
    findings.iter().find(is_it).unwrap_or_else(|| panic!("no {check} {subject}: {findings:#?}"))
}

#[test]
fn a_box_in_order_has_nothing_but_good_findings() {
    let case = Case::well();
    assert_eq!(case.ill(), []);
    let checks: BTreeSet<_> = case.examine().into_iter().map(|finding| finding.check).collect();
    assert!(checks.len() >= 25, "{checks:?}");
}

#[test]
fn every_fault_comes_with_its_reason_and_a_command_and_the_worst_is_first() {
    let mut cases = [
        Case::server(),
        Case::veth(),
        Case::new("laptop", "enx00", "enp0s25", Mode::Bridge),
        Case::new("virtual", "ens3", "ens4", Mode::XdpBridge),
        Case::new("virtual", "ens3", "absent0", Mode::Observe),
    ];
    for case in &mut cases {
        let findings = case.examine();
        assert!(findings.is_sorted_by_key(|finding| finding.state));
        for finding in findings.iter().filter(|finding| finding.state != State::Ok) {
            assert!(finding.why.is_some(), "{finding:?}");
            assert!(finding.command.is_some() || finding.check == "kernel", "{finding:?}");
        }
    }
}

#[test]
fn what_tune_would_set_is_found() {
    let ill = Case::server().ill();
    assert_eq!(find(&ill, "lro", "ens1f0").state, State::Error);
    assert_eq!(find(&ill, "lro", "ens1f0").command.as_deref(), Some("tidegate tune --apply"));
    let interrupts = find(&ill, "interrupts", "ens2f0");
    assert!(interrupts.what.contains("16 settings"), "{interrupts:?}");
    assert_eq!(interrupts.command.as_deref(), Some("tidegate tune --apply"));
    assert_eq!(find(&ill, "irqbalance", "").state, State::Warning);
    assert_eq!(find(&ill, "governor", "").state, State::Note);
}

#[test]
fn a_laptop_is_told_what_it_lacks() {
    let mut case = Case::new("laptop", "enx00", "enp0s25", Mode::Bridge);
    let ill = case.ill();
    assert_eq!(find(&ill, "kernel", "").state, State::Note, "clsact");
    assert_eq!(find(&ill, "qdiscs", "cake").state, State::Error);
    assert_eq!(find(&ill, "link", "enx00").state, State::Error);
    assert_eq!(find(&ill, "driver", "enp0s25").state, State::Note);
    assert!(find(&ill, "clock", "").command.as_ref().unwrap().starts_with("echo tsc > "));
    assert!(find(&ill, "bridge", "").command.as_ref().unwrap().starts_with("ip link add br0"));
    assert!(find(&ill, "netfilter", "").what.contains("iptables"));
    let root = find(&ill, "root-qdisc", "enx00");
    assert_eq!(root.command.as_deref(), Some("tc qdisc del dev enx00 root"));
    let command = find(&ill, "qdiscs", "cake").command.as_ref().unwrap();
    assert!(command.starts_with("modprobe sch_cake || apt install linux-image-"), "{command}");
    case.queues.leaf_fallback = Some(Leaf::Fifo);
    assert_eq!(find(&case.ill(), "qdiscs", "cake").state, State::Warning);
    case.queues.leaf_fallback = Some(Leaf::FqCodel);
    assert_eq!(find(&case.ill(), "qdiscs", "cake").state, State::Warning);
    case.seen.qdiscs.insert("fq_codel".into(), Known::Is(false));
    let ill = case.ill();
    let finding = find(&ill, "qdiscs", "cake");
    assert_eq!(finding.state, State::Error, "its fall-back is missing too");
    assert!(finding.why.unwrap().contains("`leaf_fallback`"), "{finding:?}");
    case.seen.release = Known::Is("5.15.0".to_owned().into());
    assert_eq!(find(&case.ill(), "kernel", "").state, State::Error);
}

#[test]
fn bridges_that_do_not_forward_are_found() {
    let case = Case::veth();
    let ill = case.ill();
    let commands: Vec<_> = ill
        .iter()
        .filter(|finding| finding.check == "bridge")
        .map(|finding| finding.command.as_deref().unwrap())
        .collect();
    assert_eq!(commands, ["ip link set dev internet0 master br0", "ip link set dev br0 up"]);
    let mut up = Case::veth();
    for nic in &mut up.seen.nics {
        if let Known::Is(Some(port)) = &mut nic.port {
            port.bridge_up = true;
        }
    }
    let blocked = up.ill();
    let blocked = find(&blocked, "bridge", "customers0");
    assert_eq!(blocked.command.as_deref(), Some("ip link set dev br0 type bridge stp_state 0"));
    let xdp = Case::new("veth", "customers0", "internet0", Mode::XdpBridge).ill();
    let command = find(&xdp, "bridge", "customers0").command.as_deref();
    assert_eq!(command, Some("ip link set dev customers0 nomaster"));
}

#[test]
fn somebody_elses_programs_are_named_with_their_holder() {
    let mut case = Case::veth();
    let ill = case.ill();
    let finding = find(&ill, "xdp", "customers0");
    assert!(
        finding.what.contains("filter_all") && finding.what.contains("process 77 (firewalld-ng)")
    );
    assert_eq!(finding.command.as_deref(), Some("kill 77"), "its link cannot be taken from it");
    case.seen.holders.get_mut(&41).unwrap().by_link = false;
    let ill = case.ill();
    let command = find(&ill, "xdp", "customers0").command.as_deref();
    assert_eq!(command, Some("ip link set dev customers0 xdpdrv off"));
    case.seen.holders.clear();
    case.is_root = false;
    assert!(!case.examine().iter().any(|it| it.check == "xdp"), "only root sees whose it is");
}

/// What stops of the daemon leave behind is wanted: one finding tells it, and none accuses somebody else.
#[test]
fn what_a_daemon_left_is_told_once_and_contradicted_by_nothing() {
    let mut case = Case::veth();
    let told = |case: &Case| {
        let of_it = |it: &Finding| ["daemon", "left-over", "xdp"].contains(&it.check);
        let found = case.ill().into_iter().filter(of_it);
        found.map(|it| (it.check, it.command.unwrap())).collect::<Vec<_>>()
    };
    case.seen.holders.clear();
    case.pins = vec!["xdp_ingress-customers".into()];
    let start = "systemctl start tidegated".to_owned();
    assert_eq!(told(&case), [("left-over", start.clone())]);
    case.is_root = false;
    case.pins.clear();
    assert_eq!(told(&case), [("daemon", start)], "pins and holders are hidden");
    // another socket was asked than the one on which it listens
    case.is_root = true;
    case.seen.holders = Case::veth().seen.holders;
    case.seen.holders.get_mut(&41).unwrap().command = "tidegated".into();
    case.pins = vec!["xdp_ingress-customers".into()];
    assert_eq!(told(&case), [("daemon", "tidegate doctor --socket /run/own.sock".to_owned())]);
}

#[test]
fn commands_are_for_the_configuration_and_the_socket_that_were_named() {
    let mut case = Case::well();
    (case.path, case.socket) = ("/srv/a b.toml", "/srv/bus.sock");
    case.status().bypass = true;
    assert_eq!(case.only().command.unwrap(), "tidegate bypass off --socket /srv/bus.sock");
    case.daemon = Daemon::Silent;
    assert_eq!(case.only().command.unwrap(), "tidegated --config '/srv/a b.toml'");
    case.pins = vec!["xdp_ingress-customers".into()];
    assert_eq!(case.only().command.unwrap(), "tidegated --config '/srv/a b.toml'");
    (case.path, case.has_unit) = (DEFAULT_CONFIG, false);
    assert_eq!(case.only().command.unwrap(), "tidegated");
    let mut case = Case::well();
    (case.path, case.socket, case.is_root) = ("/srv/t.toml", "/srv/bus.sock", false);
    let command = "sudo tidegate doctor --config /srv/t.toml --socket /srv/bus.sock";
    assert_eq!(case.only().command.unwrap(), command);
}

#[test]
fn queues_and_classifiers_of_others_are_told_from_ours() {
    let mut case = Case::well();
    let root = |kind: &str, handle: &str| {
        let handle = handle.parse().unwrap();
        let parent = "root".parse().unwrap_or(units::TcHandle::ROOT);
        Known::Is(vec![Qdisc { kind: kind.into(), handle, parent }])
    };
    for ours in [("mq", "fff:"), ("htb", "1:"), ("fq_codel", "0:")] {
        case.seen.nics[0].qdiscs = root(ours.0, ours.1);
        assert_eq!(case.ill(), [], "{ours:?}");
    }
    case.seen.nics[0].qdiscs = root("mq", "1:");
    assert_eq!(case.only().check, "root-qdisc");
    let mut case = Case::well();
    let filter = |priority| Classifier { name: "x".into(), id: 7, ingress: true, priority };
    case.seen.nics[1].classifiers = Known::Is(vec![filter(29_799)]);
    assert_eq!(case.ill(), []);
    case.seen.nics[1].classifiers = Known::Is(vec![filter(29_799), filter(1)]);
    assert_eq!((case.only().check, case.only().state), ("classifiers", State::Note));
}

#[test]
fn what_somebody_undoes_under_a_running_daemon_is_found() {
    let before = Case::server();
    let mut case = Case::well();
    case.seen.nics[0].xps = before.seen.nics[0].xps.clone();
    let command = case.only().command.unwrap();
    assert!(command.starts_with("echo 0 > /sys/class/net/ens1f0/queues/tx-0/xps_cpus; "));
    let mut case = Case::well();
    case.seen.nics[1].offloads = before.seen.nics[1].offloads.clone();
    assert_eq!(case.only().command.unwrap(), "ethtool -K ens2f0 rx-vlan-hw-parse off");
    let Known::Is(offloads) = &mut case.seen.nics[1].offloads else { panic!("offloads") };
    let both = offloads["rx-vlan-hw-parse"];
    offloads.insert("rx-vlan-stag-hw-parse".into(), both);
    let command = "ethtool -K ens2f0 rx-vlan-hw-parse off rx-vlan-stag-hw-parse off";
    assert_eq!(case.only().command.unwrap(), command);
    let mut case = Case::well();
    let Known::Is(link) = &mut case.seen.nics[1].link else { panic!("link") };
    link.mtu = 9000;
    assert_eq!(case.only().command.unwrap(), "ip link set dev ens1f0 mtu 9000");
}

#[test]
fn what_the_daemon_says_is_told() {
    type Fault = fn(&mut StatusView);
    let faults: [(&str, State, Fault); 9] = [
        ("maps", State::Warning, |it| it.maps[0].used = 81),
        ("threads", State::Warning, |it| it.threads[0].state = ThreadState::Stale),
        ("threads", State::Error, |it| it.threads[0].state = ThreadState::BackingOff),
        ("in-force", State::Error, |it| it.config.problem = Some("no\nindeed".into())),
        ("in-force", State::Note, |it| it.config.files_changed = true),
        ("bypass", State::Warning, |it| it.bypass = true),
        ("daemon-says", State::Warning, |it| it.warnings.push("odd".into())),
        ("driver", State::Warning, |it| it.nics[0].xdp = Some(XdpMode::Generic)),
        ("open-files", State::Warning, |it| it.clients_max = 4_000),
    ];
    for (check, state, fault) in faults {
        let mut case = Case::well();
        fault(case.status());
        let only = case.only();
        assert_eq!((only.check, only.state), (check, state), "{only:?}");
    }
    // one that takes native programs took none when this one came: that is tried anew by beginning anew
    let mut case = Case::well();
    case.status().nics[0].xdp = Some(XdpMode::Generic);
    let command = case.only().command.unwrap();
    assert!(command.contains("--take-down"), "{command}");
    for (name, is_told) in [("clients", true), ("retransmits", true), ("recent flows", false)] {
        let mut case = Case::well();
        let dropped = CountView { name: name.into(), count: 3, per_sec: 0 };
        case.status().dropped.push(dropped);
        assert_eq!(case.ill().iter().any(|finding| finding.check == "drops"), is_told, "{name}");
    }
}

#[test]
fn without_daemon_rights_or_configuration_the_rest_is_looked_at() {
    let mut case = Case::well();
    case.daemon = Daemon::Silent;
    assert_eq!((case.only().check, case.only().state), ("daemon", State::Warning));
    case.daemon = Daemon::Unknown("no".into());
    assert_eq!((case.only().check, case.only().state), ("daemon", State::Note));
    let mut case = Case::well();
    case.is_root = false;
    assert_eq!((case.only().check, case.only().state), ("rights", State::Note));
    let mut case = Case::well();
    let wrong = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/config_invalid/unknown_parent/tidegate.toml"
    );
    case.problems = Config::load(Path::new(wrong)).unwrap_err();
    let only = case.only();
    assert_eq!((only.check, only.state), ("configuration", State::Error));
    assert!(only.what.contains("2 error(s)") && only.what.contains("AP_C"), "{only:?}");
    let seen = case.seen.clone();
    let nothing = Patient {
        seen: &Seen { nics: Vec::new(), ..seen },
        path: Path::new("/nowhere"),
        socket: Path::new("/nowhere.sock"),
        own_socket: None,
        has_unit: false,
        problems: &case.problems,
        interfaces: None,
        queues: None,
        pins_folder: None,
        pins: &[],
        daemon: &Daemon::Silent,
        open_files: None,
        is_root: true,
    };
    let found = examine(&nothing);
    assert!(found.iter().any(|finding| finding.check == "kernel"), "{found:?}");
}
