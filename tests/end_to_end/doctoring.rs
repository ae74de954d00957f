//! What is planted is found by `tidegate doctor`, and gone after its commands were run as they are written.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::Value;
use testkit::{BOX_CUSTOMERS, BOX_INTERNET, Forwarding, Output, Place, run};

use crate::provider::{Circuit, Provider};
use crate::stage::Stage;

const DEADLINE: Duration = Duration::from_secs(30);

/// What the machine under the lab decides, not the lab.
const OF_THE_MACHINE: [&str; 9] = [
    "backlog",
    "channels",
    "clock",
    "daemon-says",
    "governor",
    "irqbalance",
    "kernel",
    "qdiscs",
    "sysctls",
];

fn provider() -> Provider {
    Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (5.0, 5.0))])
}

/// Where the programs are.
pub(crate) fn programs() -> Result<&'static Path> {
    Path::new(env!("CARGO_BIN_EXE_tidegated")).parent().context("a program in no folder")
}

/// Runs `tidegate` in the box.
pub(crate) fn tidegate(stage: &Stage, arguments: &[&str]) -> Result<Output> {
    let path = programs()?.join("tidegate");
    ensure!(path.exists(), "{} has not been built", path.display());
    let mut command = stage.lab.namespace(Place::Box).command(path);
    command.arg("--socket").arg(&stage.socket).args(arguments);
    run(&mut command, DEADLINE)
}

/// What is wrong of what the lab decides: check, what it is about, command.
fn ill(stage: &Stage) -> Result<Vec<(String, String, String)>> {
    let config = stage.config.display().to_string();
    let found = tidegate(stage, &["doctor", "--json", "--config", &config])?;
    let report: Value = serde_json::from_str(&found.stdout).with_context(|| found.to_string())?;
    let bad = report["errors"].as_u64().unwrap_or(0) + report["warnings"].as_u64().unwrap_or(0);
    ensure!(found.status.code() == Some(if bad == 0 { 0 } else { 10 }), "{found}");
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("").to_owned();
    let findings = report["findings"].as_array().context("no findings")?;
    Ok(findings
        .iter()
        .filter(|finding| finding["state"] != "ok")
        .map(|finding| {
            let (check, about) = (text(finding, "check"), text(finding, "subject"));
            (check, about, text(finding, "command"))
        })
        .filter(|(check, ..)| !OF_THE_MACHINE.contains(&check.as_str()))
        .collect())
}

/// Runs a command that is offered, as it is written. What this machine remembers of its own tuning is hidden.
fn carry_out(stage: &Stage, command: &str) -> Result<()> {
    let programs = programs()?.display();
    let script = format!("mount -t tmpfs tmpfs /var/lib; PATH={programs}:$PATH; {command}");
    stage.lab.run(Place::Box, &["unshare", "--mount", "sh", "-ec", &script])?;
    Ok(())
}

/// Carries out what is offered, and sees to it that all is well then.
fn mend(stage: &Stage) -> Result<()> {
    for (_, _, command) in ill(stage)? {
        carry_out(stage, &command)?;
    }
    let left = ill(stage)?;
    ensure!(left.is_empty(), "still wrong: {left:#?}");
    Ok(())
}

/// Plants a fault, which is found under this name, and mends it.
fn plant(stage: &Stage, (check, about): (&str, &str), fault: &str) -> Result<()> {
    stage.lab.run(Place::Box, &["sh", "-ec", fault])?;
    let found = ill(stage)?;
    let is_it = |it: &(String, String, String)| it.0 == check && it.1 == about;
    ensure!(found.len() == 1 && found.iter().all(is_it), "{fault}: not {check}, but {found:#?}");
    mend(stage).with_context(|| format!("after {fault}"))
}

#[test]
fn what_is_planted_under_the_daemon_is_found_and_mended() -> Result<()> {
    let mut stage = Stage::new(&provider())?;
    mend(&stage).context("what a lab is set to")?;
    let sys = |nic: &str, mask: &str| format!("/sys/class/net/{nic}/queues/{mask}");
    let nic = BOX_CUSTOMERS;
    plant(&stage, ("offloads", nic), &format!("ethtool -K {nic} gro off"))?;
    plant(&stage, ("vlan-tags", nic), &format!("ethtool -K {nic} rx-vlan-stag-hw-parse on"))?;
    plant(&stage, ("vlan-tags", nic), &format!("ethtool -K {nic} rxvlan on"))?;
    plant(&stage, ("rps", nic), &format!("echo 1 > {}", sys(nic, "rx-0/rps_cpus")))?;
    plant(&stage, ("xps", nic), &format!("echo 1 > {}", sys(nic, "tx-1/xps_cpus")))?;
    plant(&stage, ("bridge", BOX_INTERNET), &format!("ip link set dev {BOX_INTERNET} nomaster"))?;
    plant(&stage, ("bridge", ""), "ip link set dev br0 down")?;
    plant(&stage, ("mtu", BOX_INTERNET), &format!("ip link set dev {BOX_INTERNET} mtu 1400"))?;
    if stage
        .lab
        .run(Place::Box, &["sh", "-c", "ls /proc/sys/net/bridge || true"])?
        .stdout
        .is_empty()
    {
        println!("skipped: this kernel has no br_netfilter");
    } else {
        plant(&stage, ("netfilter", ""), "sysctl -w net.bridge.bridge-nf-call-ip6tables=1")?;
    }
    let status = stage.client()?.status()?;
    ensure!(status.config.problem.is_none(), "{status:?}");
    stage.stop()
}

#[test]
fn what_keeps_the_daemon_from_starting_is_found_and_mended() -> Result<()> {
    let mut stage = Stage::dark(&provider(), Forwarding::Bridge, 1500)?;
    // it says that the daemon does not run, and how to start it
    let mend_but_daemon = |stage: &Stage| -> Result<()> {
        for (check, _, command) in ill(stage)? {
            if check != "daemon" {
                carry_out(stage, &command)?;
            }
        }
        let left = ill(stage)?;
        ensure!(left.len() == 1 && left[0].0 == "daemon", "still wrong: {left:#?}");
        Ok(())
    };
    mend_but_daemon(&stage).context("what a lab is set to")?;
    let program = somebody_elses_program(&stage)?;
    for (check, fault) in [
        ("xdp", format!("ip link set dev {BOX_INTERNET} xdpdrv obj {program} sec xdp")),
        ("xdp", format!("ip link set dev {BOX_INTERNET} xdpgeneric obj {program} sec xdp")),
        ("root-qdisc", format!("tc qdisc add dev {BOX_INTERNET} root handle 77: pfifo")),
        ("link", format!("ip link set dev {BOX_INTERNET} down")),
    ] {
        stage.lab.run(Place::Box, &["sh", "-ec", &fault])?;
        let found = ill(&stage)?;
        ensure!(
            found.iter().any(|it| it.0 == check && it.1 == BOX_INTERNET),
            "{fault}: {found:#?}"
        );
        ensure!(check == "link" || stage.start().is_err(), "{fault}: the daemon has started");
        mend_but_daemon(&stage).with_context(|| format!("after {fault}"))?;
    }
    let folder = stage.lab.folder().join("plain");
    fs::create_dir(&folder)?;
    let text = fs::read_to_string(&stage.config)?;
    let pins = stage.lab.bpffs().display().to_string();
    fs::write(&stage.config, text.replace(&pins, &folder.display().to_string()))?;
    ensure!(ill(&stage)?.iter().any(|it| it.0 == "bpffs"), "a folder that is no BPF filesystem");
    fs::write(&stage.config, text.replace("1 Gbps", "1000"))?;
    ensure!(ill(&stage)?.iter().any(|it| it.0 == "configuration"), "a wrong rate");
    fs::write(&stage.config, text)?;
    stage.start()?;
    let left = ill(&stage)?;
    ensure!(left.is_empty(), "with the daemon: {left:#?}");
    stage.stop()
}

/// Neither is a fault: each is told once, with the way back.
#[test]
fn the_bypass_and_a_stop_that_leaves_all_at_work_are_told_once() -> Result<()> {
    let mut stage = Stage::new(&provider())?;
    mend(&stage).context("what a lab is set to")?;
    let (config, socket) = (stage.config.display().to_string(), stage.socket.display().to_string());
    let told = |stage: &Stage, check: &str, command: String| -> Result<()> {
        let found = ill(stage)?;
        ensure!(found == [(check.to_owned(), String::new(), command)], "not {check}: {found:#?}");
        Ok(())
    };
    let shape_again = format!("tidegate bypass off --socket {socket}");
    stage.client()?.bypass(true)?;
    told(&stage, "bypass", shape_again.clone())?;
    let ended = stage.daemon.take().context("no daemon runs")?.stop_by(Signal::USR1)?;
    ensure!(ended.success(), "it ended with {ended}");
    told(&stage, "left-over", format!("tidegated --config {config}"))?;
    // another socket than the one on which it listens is asked
    stage.start()?;
    let elsewhere = socket.clone() + ".other";
    let socket_of_daemon = std::mem::replace(&mut stage.socket, elsewhere.into());
    told(&stage, "daemon", format!("tidegate doctor --config {config} --socket {socket}"))?;
    stage.socket = socket_of_daemon;
    mend(&stage)?;
    stage.stop()
}

/// Passes every packet; compiled in the lab's folder.
fn somebody_elses_program(stage: &Stage) -> Result<String> {
    const SOURCE: &str = "__attribute__((section(\"xdp\"), used)) int somebody(void *context)\n\
                          { return 2; }\n\
                          char _license[] __attribute__((section(\"license\"), used)) = \"MIT\";\n";
    let (source, object) = (stage.lab.folder().join("xdp.c"), stage.lab.folder().join("xdp.o"));
    fs::write(&source, SOURCE)?;
    let names = (16..=21).rev().map(|version| format!("clang-{version}"));
    let names = env::var("CLANG").into_iter().chain(names).chain(["clang".to_owned()]);
    for name in names {
        let mut clang = Command::new(name);
        clang.args(["-O2", "-g", "-target", "bpf", "-c"]).arg(&source).arg("-o").arg(&object);
        if let Ok(output) = run(&mut clang, DEADLINE) {
            output.checked()?;
            return Ok(object.display().to_string());
        }
    }
    anyhow::bail!("no clang compiles {}", source.display())
}
