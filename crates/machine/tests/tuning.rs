//! What is to change on machines that were written down, and changing it with a way back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use machine::tune::{
    Applied, Change, Outcome, Reverted, Setting, TunedFile, Wanted, apply, changes, revert,
    shell_word,
};
use machine::wire::{Channel, Ring};
use machine::{Machine, recorded};
use proptest::prelude::*;
use tempfile::TempDir;
use units::CpuId;

struct Stage {
    machine: Machine,
    wanted: Wanted,
    folder: TempDir,
}

fn written_down(name: &str) -> (String, String) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/machines");
    let read = |kind| fs::read_to_string(format!("{root}/{name}.{kind}")).unwrap();
    (read("files"), read("json"))
}

impl Stage {
    fn new(name: &str, nics: [&str; 2]) -> Self {
        let (files, answers) = written_down(name);
        Self::of(&files, &answers, nics)
    }

    fn of(files: &str, answers: &str, nics: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = recorded::lay_out(&folder.path().join("root"), files, answers).unwrap();
        let wanted = Wanted { nics: nics.map(str::to_owned).into(), queues: None, steers: true };
        Self { machine, wanted, folder }
    }

    fn file(&self) -> TunedFile {
        TunedFile::take(&self.path()).unwrap()
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("var/tuned.json")
    }

    fn changes(&mut self) -> Vec<Change> {
        changes(&self.machine.see(&self.wanted.nics), &self.wanted)
    }

    fn apply(&mut self) -> Vec<Applied> {
        let file = self.file();
        apply(&mut self.machine, &self.wanted, &file).unwrap()
    }

    fn revert(&mut self) -> Vec<Reverted> {
        let file = self.file();
        revert(&mut self.machine, &file).unwrap()
    }

    fn value(&mut self, setting: &Setting) -> String {
        self.machine.value(setting).unwrap()
    }
}

fn server() -> Stage {
    Stage::new("server", ["ens1f0", "ens2f0"])
}

fn shown(changes: &[Change]) -> BTreeMap<String, (String, String)> {
    let shown = |it: &Change| (it.setting.to_string(), (it.now.clone(), it.wanted.clone()));
    changes.iter().map(shown).collect()
}

fn pair(now: &str, wanted: &str) -> (String, String) {
    (now.to_owned(), wanted.to_owned())
}

#[test]
fn a_server_is_tuned_as_its_plan_binds_queues() {
    let changes = server().changes();
    let shown = shown(&changes);
    assert_eq!(shown["ens1f0: offload rx-lro"], pair("on", "off"));
    assert_eq!(shown["ens1f0: rx ring"], pair("512", "4096"));
    assert_eq!(shown["ens2f0: tx ring"], pair("512", "1024"));
    assert_eq!(shown["CPU 7: governor"], pair("powersave", "performance"));
    assert_eq!(shown["ens1f0: CPUs of ens1f0-TxRx-1"], pair("8", "1"));
    assert_eq!(shown["net.core.netdev_budget"], pair("300", "600"));
    for right in ["rx-gro", "rx-vlan-hw-parse", "channels", "budget_usecs", "RPS"] {
        let named = shown.keys().find(|it| it.ends_with(right));
        assert_eq!(named, None, "{right} is as it should be, or not ours");
    }
    let command =
        |of: &str| changes.iter().find(|it| it.setting.to_string() == of).unwrap().command.as_str();
    assert_eq!(
        command("ens1f0: CPUs of ens1f0-TxRx-1"),
        "echo 1 > /proc/irq/121/smp_affinity_list"
    );
    assert_eq!(command("ens1f0: rx ring"), "ethtool -G ens1f0 rx 4096");
    assert!(changes.iter().all(|it| it.stops_traffic == it.setting.to_string().contains("ring")));
}

#[test]
fn fewer_queues_are_served_by_fewer_cpus() {
    let mut stage = server();
    stage.wanted.queues = Some(4);
    let shown = shown(&stage.changes());
    assert_eq!(shown["ens2f0: combined channels"], pair("16", "4"));
    assert_eq!(shown["ens2f0: CPUs of i40e-ens2f0-TxRx-5"], pair("12", "1"));
    assert!(shown.contains_key("CPU 3: governor") && !shown.contains_key("CPU 4: governor"));
}

#[test]
fn a_stick_has_queues_for_both_directions() {
    let mut stage = server();
    stage.wanted.nics.truncate(1);
    let shown = shown(&stage.changes());
    assert_eq!(shown["ens1f0: combined channels"], pair("16", "32"));
    assert!(
        !shown.keys().any(|it| it.contains("ens2f0")),
        "a NIC that is not in the configuration"
    );
}

#[test]
fn a_virtual_machine_has_little_to_tune() {
    let shown = shown(&Stage::new("virtual", ["ens3", "ens4"]).changes());
    assert_eq!(shown["ens3: combined channels"], pair("2", "4"));
    assert_eq!(shown["ens4: offload rx-gro-hw"], pair("on", "off"));
    let right = ["ring", "governor", "CPUs of"];
    assert!(!shown.keys().any(|it| right.iter().any(|word| it.contains(word))), "{shown:?}");
}

#[test]
fn what_is_not_known_is_left_alone() {
    let mut stage = Stage::new("veth", ["customers0", "absent0"]);
    let shown = shown(&stage.changes());
    assert_eq!(shown["customers0: RPS of rx-0"], pair("0-1", "none"));
    assert_eq!(shown["customers0: offload rx-gro"], pair("off", "on"));
    assert!(!shown.keys().any(|it| it.contains("absent0") || it.contains("net.core")), "{shown:?}");
    stage.wanted.steers = false;
    assert!(!stage.changes().iter().any(|it| matches!(it.setting, Setting::Rps { .. })));
}

#[test]
fn applied_once_it_is_as_wanted_and_reverted_it_is_as_before() {
    for (name, nics) in [
        ("server", ["ens1f0", "ens2f0"]),
        ("laptop", ["enp0s25", "enx00"]),
        ("veth", ["customers0", "internet0"]),
        ("virtual", ["ens3", "ens4"]),
    ] {
        let mut stage = Stage::new(name, nics);
        let before = stage.machine.see(&stage.wanted.nics);
        let wanted = stage.changes();
        let applied = stage.apply();
        assert!(applied.len() >= wanted.len(), "{name}");
        assert!(applied.iter().all(|it| it.outcome == Outcome::Set), "{name}: {applied:?}");
        assert_eq!(stage.changes(), [], "{name}");
        let remembered = fs::read(stage.path()).unwrap();
        assert_eq!(stage.apply(), [], "{name}: a second time");
        assert_eq!(fs::read(stage.path()).unwrap(), remembered, "{name}");
        let reverted = stage.revert();
        assert!(reverted.iter().all(|it| matches!(it, Reverted::Back { .. })), "{reverted:?}");
        assert_eq!(stage.machine.see(&stage.wanted.nics), before, "{name}");
        assert!(!stage.path().exists(), "{name}");
        assert_eq!(stage.revert(), [], "{name}: nothing to revert");
    }
}

#[test]
fn the_first_originals_stay_when_more_is_changed() {
    let mut stage = server();
    stage.apply();
    let ring = Setting::Ring { nic: "ens1f0".into(), ring: Ring::Rx };
    stage.machine.set(&ring, "1024").unwrap();
    stage.wanted.queues = Some(8);
    let again: Vec<_> = stage.apply().into_iter().map(|it| it.change).collect();
    assert_eq!(shown(&again)["ens1f0: rx ring"], pair("1024", "4096"));
    stage.revert();
    assert_eq!(stage.value(&ring), "512");
    let channels = Setting::Channels { nic: "ens1f0".into(), channel: Channel::Combined };
    assert_eq!(stage.value(&channels), "16");
}

#[test]
fn what_somebody_else_has_changed_since_is_left_alone() {
    let mut stage = server();
    stage.apply();
    let governor = Setting::Governor { cpu: CpuId::new(3) };
    stage.machine.set(&governor, "schedutil").unwrap();
    let reverted = stage.revert();
    let changed: Vec<_> =
        reverted.iter().filter(|it| !matches!(it, Reverted::Back { .. })).collect();
    let (value, was) = ("schedutil".to_owned(), "powersave".to_owned());
    assert_eq!(changed, [&Reverted::ChangedSince { setting: governor.clone(), value, was }]);
    assert_eq!(stage.value(&governor), "schedutil");
    assert!(!stage.path().exists());
}

#[test]
fn a_driver_that_refuses_is_told_and_nothing_of_it_is_remembered() {
    let (files, answers) = written_down("server");
    let mut answers: recorded::Recorded = serde_json::from_str(&answers).unwrap();
    answers.nics.get_mut("ens2f0").unwrap().refuses = true;
    let answers = serde_json::to_string(&answers).unwrap();
    let mut stage = Stage::of(&files, &answers, ["ens1f0", "ens2f0"]);
    let applied = stage.apply();
    let refused: BTreeSet<_> = applied
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::Refused { .. }))
        .map(|it| it.change.setting.to_string())
        .collect();
    assert_eq!(refused.into_iter().collect::<Vec<_>>(), ["ens2f0: rx ring", "ens2f0: tx ring"]);
    let reverted = stage.revert();
    assert_eq!(reverted.len(), applied.len() - 2);
    assert!(reverted.iter().all(|it| matches!(it, Reverted::Back { .. })));
}

#[test]
fn a_nic_that_has_gone_is_told_and_kept_in_the_file() {
    let mut stage = server();
    stage.apply();
    let (_, answers) = written_down("server");
    let mut answers: recorded::Recorded = serde_json::from_str(&answers).unwrap();
    let back = answers.nics.remove("ens2f0").unwrap();
    let tree = machine::tree::Tree::at(stage.folder.path().join("root"));
    stage.machine = Machine::new(tree.clone(), Box::new(answers.clone()));
    let reverted = stage.revert();
    let missing = |it: &&Reverted| matches!(it, Reverted::NicMissing { .. });
    let gone = reverted.iter().filter(missing).count();
    assert!(gone > 0 && gone < reverted.len());
    assert!(stage.path().exists());
    answers.nics.insert("ens2f0".into(), back);
    stage.machine = Machine::new(tree, Box::new(answers));
    assert_eq!(stage.revert().len(), gone);
    assert!(!stage.path().exists());
}

#[test]
fn nothing_is_changed_that_cannot_be_remembered() {
    let mut stage = server();
    let before = stage.machine.see(&stage.wanted.nics);
    let file = stage.file();
    assert!(TunedFile::take(&stage.path()).is_err(), "two at once");
    let folder = fs::metadata(stage.path().parent().unwrap()).unwrap();
    assert_eq!(folder.mode() & 0o777, 0o700, "who may open it may hold its lock");
    fs::create_dir(stage.path().with_extension("new")).unwrap();
    let error = apply(&mut stage.machine, &stage.wanted, &file).unwrap_err();
    assert!(error.to_string().contains("tuned.json"), "{error}");
    assert_eq!(stage.machine.see(&stage.wanted.nics), before);
    for wrong in ["", "{}", r#"{"version": 2, "settings": []}"#] {
        fs::write(stage.path(), wrong).unwrap();
        assert!(apply(&mut stage.machine, &stage.wanted, &file).is_err(), "{wrong}");
        assert!(revert(&mut stage.machine, &file).is_err(), "{wrong}");
        assert_eq!(fs::read_to_string(stage.path()).unwrap(), wrong);
    }
    assert_eq!(stage.machine.see(&stage.wanted.nics), before);
}

#[test]
fn odd_names_are_one_word_of_a_shell() {
    assert_eq!(shell_word("ens1f0np0"), "ens1f0np0");
    let run = |name: &str| {
        let mut shell = std::process::Command::new("sh");
        let output = shell.arg("-c").arg(format!("printf %s {}", shell_word(name))).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    for name in ["a;b", "it's", "$(x)", "a b", "*", "-n&"] {
        assert_eq!(run(name), name);
    }
}

fn size_of(name: &str, nic: &str, now: u32, max: u32, queues: Option<u16>, cpus: u16) -> Stage {
    let (files, answers) = written_down(name);
    let files = files.replace("cpu/online 0-15", &format!("cpu/online 0-{}", cpus - 1));
    let mut answers: recorded::Recorded = serde_json::from_str(&answers).unwrap();
    let channels = &mut answers.nics.get_mut(nic).unwrap().channels;
    let size = channels.get_mut(&Channel::Combined).unwrap();
    (size.now, size.max) = (now.min(max), max);
    let mut stage =
        Stage::of(&files, &serde_json::to_string(&answers).unwrap(), ["ens1f0", "ens2f0"]);
    stage.wanted.queues = queues;
    stage
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the machine's size, one round is enough, all is possible, and the way back is whole.
    #[test]
    fn one_round_is_enough_and_the_way_back_is_whole(
        now in 1..70_u32, max in 1..70_u32, queues in prop::option::of(1..40_u16), cpus in 1..16_u16,
    ) {
        let mut stage = size_of("server", "ens2f0", now, max, queues, cpus);
        let before = stage.machine.see(&stage.wanted.nics);
        for change in stage.changes() {
            prop_assert_ne!(&change.now, &change.wanted);
        }
        let applied = stage.apply();
        prop_assert!(applied.iter().all(|it| it.outcome == Outcome::Set), "{:?}", applied);
        prop_assert_eq!(stage.changes(), vec![]);
        stage.revert();
        prop_assert_eq!(stage.machine.see(&stage.wanted.nics), before);
        prop_assert!(!Path::new(&stage.path()).exists());
    }
}
