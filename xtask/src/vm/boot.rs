//! The emulated machine: started, listened to, ended.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::ChildGuard;
use testkit::verdict::{Line, Outcome, Verdict};

/// Until the machine says that it is up.
const BOOT_MAX: Duration = Duration::from_secs(150);
/// All of it. Each scenario has its own time as well.
const RUN_MAX: Duration = Duration::from_secs(18 * 60);
/// How long the machine may take to turn itself off.
const OFF_MAX: Duration = Duration::from_secs(15);
/// Between two looks at the console.
const LOOK: Duration = Duration::from_millis(100);
/// Lines of the console that are shown when something fails.
const TAIL_LINES: usize = 40;
/// Its memory.
const MEMORY_MIB: &str = "1536";
/// No output but errors, no mitigations of what is not hardware, no calibration of what is exact.
const KERNEL_ARGUMENTS: &str =
    "console=ttyS0 quiet panic=-1 edd=off mitigations=off nokaslr tsc=reliable";

/// What to boot.
pub(super) struct Machine<'m> {
    /// The kernel.
    pub(super) kernel: &'m Path,
    /// Its initial file system.
    pub(super) image: &'m Path,
    /// Where all that it prints goes.
    pub(super) console: &'m Path,
}

/// What the machine told.
#[derive(Default)]
pub(super) struct Course {
    /// The running kernel's release.
    pub(super) kernel: String,
    /// From the start of the machine to the first scenario.
    pub(super) boot: Duration,
    /// What came of each scenario.
    pub(super) verdicts: Vec<Verdict>,
    /// Whether it ended by itself after the last one.
    pub(super) is_whole: bool,
}

impl Machine<'_> {
    /// Boots it, has it run one command, and collects what that tells.
    pub(super) fn run(&self, command: &str) -> Result<Course> {
        // an old one must not be taken for the new one's
        fs::write(self.console, "")
            .with_context(|| format!("could not write {}", self.console.display()))?;
        let mut qemu = ChildGuard::spawn(&mut self.qemu(command))?;
        let mut listener = Listener::new(self.console)?;
        while !listener.is_over() {
            // first the end, then what was said up to it
            let ended = qemu.ended()?;
            listener.read()?;
            if let Some(status) = ended {
                let (_, errors) = qemu.output();
                listener.break_off(&format!(
                    "the machine ended before it was done, {status} {}",
                    errors.trim()
                ));
            } else if let Some(what) = listener.hangs() {
                qemu.kill();
                listener.break_off(&what);
            }
            thread::sleep(LOOK);
        }
        if listener.course.is_whole {
            qemu.wait(OFF_MAX).context("all scenarios are over")?;
        }
        Ok(listener.course)
    }

    /// However this process ends, the kernel then ends the one that it started: `setpriv` asks for that
    /// and becomes the machine.
    fn qemu(&self, command: &str) -> Command {
        let mut qemu = Command::new("setpriv");
        qemu.args(["--pdeathsig", "KILL", "qemu-system-x86_64"])
            .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"])
            .args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", MEMORY_MIB])
            .arg("-serial")
            .arg(format!("file:{}", self.console.display()))
            .arg("-kernel")
            .arg(self.kernel)
            .arg("-initrd")
            .arg(self.image)
            .arg("-append")
            .arg(format!("{KERNEL_ARGUMENTS} vmlab=\"{command}\""))
            .arg("-virtfs")
            .arg("local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap");
        qemu
    }
}

/// Reads the console while it is written.
struct Listener {
    console: BufReader<File>,
    /// A line of which the end has not come yet.
    begun: String,
    course: Course,
    /// Scenarios that have not begun.
    ahead: Vec<String>,
    started: Instant,
    /// What is going on, since when, and for how long it may.
    now: (String, Instant, Duration),
    broken_off: bool,
}

impl Listener {
    fn new(console: &Path) -> Result<Self> {
        let file =
            File::open(console).with_context(|| format!("could not open {}", console.display()))?;
        let started = Instant::now();
        Ok(Self {
            console: BufReader::new(file),
            begun: String::new(),
            course: Course::default(),
            ahead: Vec::new(),
            started,
            now: ("boot".to_owned(), started, BOOT_MAX),
            broken_off: false,
        })
    }

    const fn is_over(&self) -> bool {
        self.course.is_whole || self.broken_off
    }

    /// Takes in what has come.
    fn read(&mut self) -> Result<()> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let count =
                self.console.read_until(b'\n', &mut bytes).context("could not read the console")?;
            if count == 0 {
                return Ok(());
            }
            self.begun += &String::from_utf8_lossy(&bytes);
            if self.begun.ends_with('\n') {
                let line = Line::from_console(&std::mem::take(&mut self.begun));
                line.into_iter().for_each(|line| self.take(line));
            }
        }
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Up { kernel, scenarios } => {
                self.course.kernel = kernel;
                self.ahead = scenarios;
                self.course.boot = self.started.elapsed();
            }
            Line::Begin { scenario, seconds_max } => {
                self.ahead.retain(|name| *name != scenario);
                self.now = (scenario, Instant::now(), Duration::from_secs(seconds_max));
            }
            Line::End(verdict) => self.course.verdicts.push(verdict),
            Line::Over => self.course.is_whole = true,
        }
    }

    /// What takes too long, if something does.
    fn hangs(&self) -> Option<String> {
        let (_, since, most) = &self.now;
        if since.elapsed() > *most {
            return Some(format!("it was not over after {} s", most.as_secs()));
        }
        (self.started.elapsed() > RUN_MAX)
            .then(|| format!("the machine was not done after {} s", RUN_MAX.as_secs()))
    }

    /// Nothing more comes: what is going on has failed.
    fn break_off(&mut self, why: &str) {
        if self.course.is_whole {
            return;
        }
        self.broken_off = true;
        let (scenario, since, _) = &self.now;
        let failed = broken(scenario, Outcome::Failed, why, since.elapsed());
        self.course.verdicts.push(failed);
        let why = format!("the machine was gone after {scenario}");
        let skipped = self.ahead.iter();
        let skipped = skipped.map(|name| broken(name, Outcome::Skipped, &why, Duration::ZERO));
        self.course.verdicts.extend(skipped);
    }
}

/// Of a scenario that could not tell itself.
fn broken(scenario: &str, outcome: Outcome, why: &str, took: Duration) -> Verdict {
    Verdict {
        scenario: scenario.to_owned(),
        outcome,
        figures: Vec::new(),
        facts: Vec::new(),
        reason: Some(why.to_owned()),
        seconds: took.as_secs_f64(),
    }
}

/// The last lines of the console.
pub(super) fn tail(console: &Path) -> String {
    let bytes = fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    // what ours said is in the table
    let lines: Vec<_> = text.lines().filter(|line| Line::from_console(line).is_none()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_hangs_has_failed_and_what_follows_is_skipped() {
        let path = std::env::temp_dir().join(format!("xtask-console-{}", std::process::id()));
        let mut console = File::create(&path).unwrap();
        let up = Line::Up { kernel: "6.1".into(), scenarios: vec!["a".into(), "b".into()] };
        let begin = Line::Begin { scenario: "a".into(), seconds_max: 0 };
        write!(console, "{}\r\n{}", up.to_console(), begin.to_console()).unwrap();
        let mut listener = Listener::new(&path).unwrap();
        listener.read().unwrap();
        assert_eq!(listener.hangs(), None, "the line has not ended yet");
        writeln!(console).unwrap();
        listener.read().unwrap();
        fs::remove_file(&path).unwrap();
        thread::sleep(Duration::from_millis(1));
        let why = listener.hangs().unwrap();
        listener.break_off(&why);
        let Course { kernel, verdicts, is_whole, .. } = listener.course;
        assert_eq!((kernel.as_str(), is_whole), ("6.1", false));
        let told: Vec<_> = verdicts.iter().map(|v| (v.scenario.as_str(), v.outcome)).collect();
        assert_eq!(told, [("a", Outcome::Failed), ("b", Outcome::Skipped)]);
    }
}
