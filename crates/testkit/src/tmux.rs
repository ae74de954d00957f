//! A real terminal, kept by tmux, to run programs in that draw on one.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::wait_until;

/// How long what is awaited may take on a busy machine.
const AWAITED: Duration = Duration::from_secs(60);

/// A terminal with an interactive shell in it. Dropping it ends both and whatever runs there.
#[derive(Debug)]
pub struct Tmux {
    folder: PathBuf,
}

impl Tmux {
    /// A terminal of so many columns and rows, with these variables for what runs in it.
    ///
    /// # Errors
    /// When tmux cannot be started.
    pub fn start((columns, rows): (u16, u16), variables: &[(&str, &str)]) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-tmux-{}-{number}", std::process::id());
        let terminal = Self { folder: std::env::temp_dir().join(name) };
        fs::create_dir_all(&terminal.folder).context("could not make a folder for tmux")?;
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let mut command = terminal.command();
        command.args(["new-session", "-d", "-x", &columns, "-y", &rows]);
        for (name, value) in variables {
            command.arg("-e").arg(format!("{name}={value}"));
        }
        command.arg("exec env 'PS1=ready> ' bash --norc --noprofile -i");
        done(command.output(), "start")?;
        terminal.wait_for("the shell", |screen| screen.contains("ready>"))?;
        Ok(terminal)
    }

    /// Presses keys, by tmux's names: `Enter`, `C-c`, `q`.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn press(&self, keys: &[&str]) -> Result<()> {
        done(self.command().arg("send-keys").args(keys).output(), "press keys").map(drop)
    }

    /// Types a text as it is.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn type_text(&self, text: &str) -> Result<()> {
        done(self.command().args(["send-keys", "-l", text]).output(), "type").map(drop)
    }

    /// Gives it another size.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resize(&self, (columns, rows): (u16, u16)) -> Result<()> {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let resize = ["resize-window", "-x", &columns, "-y", &rows];
        done(self.command().args(resize).output(), "resize").map(drop)
    }

    /// What it shows, as text.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn screen(&self) -> Result<String> {
        let output =
            done(self.command().args(["capture-pane", "-p"]).output(), "look at the screen")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// One of tmux's facts about the terminal, by its format: `#{alternate_on}`.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn fact(&self, format: &str) -> Result<String> {
        let output = done(self.command().args(["display-message", "-p", format]).output(), "ask")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Waits until the screen is as it should be; gives what it shows then.
    ///
    /// # Errors
    /// When it does not become so in a minute; with what it shows instead.
    pub fn wait_for(&self, what: &str, is_so: impl Fn(&str) -> bool) -> Result<String> {
        let look = || Ok(Some(self.screen()?).filter(|screen| is_so(screen)));
        wait_until(what, AWAITED, look)
            .with_context(|| format!("the screen shows:\n{}", self.screen().unwrap_or_default()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        // of its own server, which reads no settings
        command.arg("-S").arg(self.folder.join("socket")).args(["-f", "/dev/null", "-u"]);
        command
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // one that has ended with its shell needs no end
        let _ = self.command().arg("kill-server").output();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn done(output: std::io::Result<Output>, what: &str) -> Result<Output> {
    let output = output.context("could not run tmux; `cargo xtask setup` installs it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "tmux could not {what}: {}", said.trim());
    Ok(output)
}
