//! `tidegate tune`: sets NICs, CPUs and kernel as a shaper wants them, and puts back what was.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bus::Exit;
use clap::Args;
use comfy_table::Cell;
use machine::tune::{Applied, Change, Outcome, Reverted, TunedFile, apply, changes, revert};
use machine::{Machine, Seen};
use schemars::JsonSchema;
use serde::Serialize;

use crate::arguments::ConfigFile;
use crate::doctor::wanted;
use crate::failure::Failure;
use crate::files;
use crate::lines::wrapped;
use crate::output::{Look, Output, Tone};
use crate::table::{Head, fitted, text, toned};

/// What to do.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    config: ConfigFile,

    /// Set what is shown; the links of NICs may go down for about a second.
    #[arg(long)]
    apply: bool,

    /// Put back what was before the first --apply.
    #[arg(long, conflicts_with = "apply")]
    revert: bool,

    /// Where what was before is remembered.
    #[arg(long, value_name = "PATH", default_value = "/var/lib/tidegate/tuned.json")]
    state: PathBuf,
}

/// What is to change, or what became of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TuneOf{C}")]
pub(crate) struct Report<C> {
    changes: Vec<C>,
    notes: Vec<String>,
}

/// What became of what was remembered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TuneRevert")]
pub(crate) struct Restored {
    reverted: Vec<Reverted>,
}

/// Shows, sets or puts back.
pub(super) fn run(options: &Options, output: Output) -> Result<Exit, Failure> {
    let mut machine = Machine::this();
    if options.revert {
        let file = TunedFile::take(&options.state).map_err(Failure::Tuned)?;
        let reverted = revert(&mut machine, &file).map_err(Failure::Tuned)?;
        let stays =
            |it: &Reverted| matches!(it, Reverted::NicMissing { .. } | Reverted::Refused { .. });
        let is_whole = !reverted.iter().any(stays);
        output.show(&Restored { reverted }, restored)?;
        return Ok(if is_whole { Exit::Done } else { Exit::Partly });
    }
    let config = files::config(&options.config.config, output)?;
    let wanted = wanted(&config.interfaces, config.queues.count);
    let seen = machine.see(&wanted.nics);
    if !options.apply {
        let changes = changes(&seen, &wanted);
        let notes = notes(&seen, &changes);
        output.show(&Report { changes, notes }, to_change)?;
        return Ok(Exit::Done);
    }
    let file = TunedFile::take(&options.state).map_err(Failure::Tuned)?;
    let changes = apply(&mut machine, &wanted, &file).map_err(Failure::Tuned)?;
    let refused = changes.iter().any(|it| matches!(it.outcome, Outcome::Refused { .. }));
    let missing = seen.nics.iter().any(|nic| nic.link.get().is_none());
    output.show(&Report { changes, notes: notes(&seen, &[]) }, applied)?;
    Ok(if refused || missing { Exit::Partly } else { Exit::Done })
}

/// What is worth knowing beside the settings.
fn notes(seen: &Seen, changes: &[Change]) -> Vec<String> {
    let mut notes = Vec::new();
    for nic in &seen.nics {
        if let Some(why) = nic.link.why_not() {
            notes.push(format!("{} is left out, as it cannot be read ({why})", nic.name));
        }
    }
    let stopped: BTreeSet<_> = changes
        .iter()
        .filter(|change| change.stops_traffic)
        .filter_map(|change| change.setting.nic())
        .collect();
    if !stopped.is_empty() {
        let names = stopped.into_iter().collect::<Vec<_>>().join(" and ");
        notes.push(format!(
            "traffic stops for about a second while rings or channels of {names} change: most drivers \
             take the link down for it"
        ));
    }
    if let Some(process) = seen.irqbalance {
        notes.push(format!(
            "irqbalance runs (process {process}) and moves interrupts back; stop it with `systemctl \
             disable --now irqbalance`"
        ));
    }
    notes
}

fn to_change(report: &Report<Change>, look: &Look) -> String {
    const HEADS: [Head; 4] =
        [Head::Whole("setting"), Head::Whole("now"), Head::Whole("wanted"), Head::Text("why")];
    if report.changes.is_empty() {
        let all_well = "nothing to change: the machine is set as Tidegate wants it\n";
        return all_well.to_owned() + &told(&report.notes, look);
    }
    let mut before = "";
    let rows: Vec<Vec<Cell>> = report
        .changes
        .iter()
        .map(|change| {
            // one reason is told once for all that follow
            let why = if change.why == before { "" } else { change.why };
            before = change.why;
            let setting = change.setting.to_string();
            vec![text(&setting), text(&change.now), text(&change.wanted), text(why)]
        })
        .collect();
    let mut shown = fitted(&HEADS, &[], rows, look);
    shown.push('\n');
    shown.push_str(&told(&report.notes, look));
    let last =
        "nothing was changed; --apply sets this and remembers what was, --revert puts that back";
    shown + &wrapped("", "", last, look)
}

fn applied(report: &Report<Applied>, look: &Look) -> String {
    const HEADS: [Head; 4] =
        [Head::Whole("setting"), Head::Whole("was"), Head::Whole("wanted"), Head::Text("result")];
    if report.changes.is_empty() {
        let all_well = "nothing to change: the machine is set as Tidegate wants it\n";
        return all_well.to_owned() + &told(&report.notes, look);
    }
    let row = |applied: &Applied| -> Vec<Cell> {
        let Change { setting, now, wanted, .. } = &applied.change;
        let result = match &applied.outcome {
            Outcome::Set => text("set"),
            Outcome::Rounded { value } => {
                toned(text(&format!("the driver made it {value}")), Tone::Notable)
            }
            Outcome::Refused { problem } => {
                toned(text(&format!("refused: {problem}")), Tone::Alarming)
            }
        };
        vec![text(&setting.to_string()), text(now), text(wanted), result]
    };
    let mut shown = fitted(&HEADS, &[], report.changes.iter().map(row), look);
    shown.push('\n');
    shown.push_str(&told(&report.notes, look));
    let refused = |it: &&Applied| matches!(it.outcome, Outcome::Refused { .. });
    let refused = report.changes.iter().filter(refused).count();
    let set = report.changes.len() - refused;
    let last = format!("{set} set, {refused} refused; `tidegate tune --revert` puts back what was");
    shown + &wrapped("", "", &last, look)
}

fn restored(report: &Restored, look: &Look) -> String {
    const HEADS: [Head; 3] = [Head::Whole("setting"), Head::Whole("now"), Head::Text("result")];
    if report.reverted.is_empty() {
        return "nothing to put back\n".to_owned();
    }
    let row = |reverted: &Reverted| -> Vec<Cell> {
        let (setting, now, result) = match reverted {
            Reverted::Back { setting, value } => (setting, value.as_str(), text("as it was")),
            Reverted::ChangedSince { setting, value, was } => {
                let result = format!("left alone: somebody has changed it since; it was {was}");
                (setting, value.as_str(), toned(text(&result), Tone::Notable))
            }
            Reverted::Gone { setting } => {
                (setting, "-", toned(text("is not there any more"), Tone::Notable))
            }
            Reverted::NicMissing { setting } => {
                let result = "its NIC is not there; still remembered";
                (setting, "-", toned(text(result), Tone::Alarming))
            }
            Reverted::Refused { setting, was, problem } => {
                let result = format!("refused to be {was} again: {problem}; still remembered");
                (setting, "-", toned(text(&result), Tone::Alarming))
            }
        };
        vec![text(&setting.to_string()), text(now), result]
    };
    fitted(&HEADS, &[], report.reverted.iter().map(row), look)
}

fn told(notes: &[String], look: &Look) -> String {
    notes.iter().map(|note| wrapped("note: ", "  ", note, look)).collect()
}
