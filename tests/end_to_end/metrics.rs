//! Figures over HTTP, asked for from inside of the box.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{Place, wait_until};

use crate::provider::{Circuit, Provider};
use crate::stage::Stage;

const SECTION: &str = "[metrics]\nlisten = \"127.0.0.1:9618\"\ncircuits = true";
const DEADLINE: Duration = Duration::from_secs(15);

fn stage() -> Result<Stage> {
    let circuit = Circuit::new("one", "100.64.1.1", "", (5.0, 5.0));
    let provider = Provider { sections: SECTION, ..Provider::flat(vec![circuit]) };
    Stage::new(&provider)
}

/// What the box's own loopback answers to these bytes.
fn ask(stage: &Stage, request: &str) -> Result<String> {
    let mut command = stage.lab.namespace(Place::Box).command("/bin/bash");
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/9618 && printf '{request}' >&3 && \
         timeout 10 cat <&3"
    );
    let output = command.args(["-c", &script]).output().context("could not start a shell")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn figures_are_told_to_whoever_asks_well() -> Result<()> {
    let stage = stage()?;
    let get = "GET /metrics HTTP/1.1\\r\\nHost: box\\r\\nConnection: close\\r\\n";
    let page = wait_until("figures", DEADLINE, || {
        let page = ask(&stage, &format!("{get}\\r\\n"))?;
        Ok(page.contains("tidegate_circuits 1\n").then_some(page))
    })?;
    ensure!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    ensure!(page.contains("content-type: text/plain; version=0.0.4"), "{page}");
    ensure!(page.contains("tidegate_circuit_plan_bytes_per_second{circuit=\"one\""), "{page}");
    let accept = "Accept: application/openmetrics-text\\r\\n";
    let page = ask(&stage, &format!("{get}{accept}\\r\\n"))?;
    ensure!(page.contains("application/openmetrics-text") && page.ends_with("# EOF\n"), "{page}");

    let close = "Connection: close\\r\\n\\r\\n";
    let page = ask(&stage, &format!("POST /metrics HTTP/1.1\\r\\nHost: box\\r\\n{close}"))?;
    ensure!(page.starts_with("HTTP/1.1 405"), "{page}");
    let page = ask(&stage, &format!("GET /etc/passwd HTTP/1.1\\r\\nHost: box\\r\\n{close}"))?;
    ensure!(page.starts_with("HTTP/1.1 404"), "{page}");
    let page = ask(&stage, "hello\\r\\n\\r\\n")?;
    ensure!(page.starts_with("HTTP/1.1 400"), "{page}");
    stage.client()?.status()?;
    Ok(())
}

#[test]
fn an_address_that_is_taken_is_told_and_traffic_is_shaped_all_the_same() -> Result<()> {
    let mut stage = stage()?;
    stage.stop()?;
    let python = "import socket, sys, time\n\
                  s = socket.create_server(('127.0.0.1', 9618))\n\
                  print('there', flush=True)\n\
                  sys.stdin.read()";
    let mut command = stage.lab.namespace(Place::Box).command("/usr/bin/python3");
    let mut squatter = command
        .args(["-c", python])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let mut said = [0; 5];
    std::io::Read::read_exact(squatter.stdout.as_mut().context("no output")?, &mut said)?;
    stage.start()?;
    let is_told = |stage: &Stage| -> Result<bool> {
        let warnings = stage.client()?.status()?.warnings;
        Ok(warnings.iter().any(|warning| warning.contains("127.0.0.1:9618")))
    };
    let told = wait_until("the warning", DEADLINE, || Ok(is_told(&stage)?.then_some(())));
    drop(squatter.stdin.take());
    squatter.wait()?;
    told?;
    wait_until("figures", DEADLINE, || Ok((!is_told(&stage)?).then_some(())))
}
