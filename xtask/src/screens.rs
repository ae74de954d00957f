//! What the viewer's panes look like, as text, and the table of its keys.

use std::fs;

use anyhow::{Context, Result};
use tui::samples::{keys_table, screens};

use crate::step;

/// Where the guide's table of keys begins and ends.
const KEYS: [&str; 2] = ["<!-- keys -->\n", "<!-- end of keys -->\n"];

/// Writes each pane to a file of its own, and the table of keys into the guide.
///
/// # Errors
/// When a file cannot be read or written.
pub(crate) fn run() -> Result<()> {
    let folder = step::root().join("docs/screens");
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    for screen in screens() {
        let path = folder.join(format!("{}.txt", screen.pane.name()));
        fs::write(&path, screen.text)
            .with_context(|| format!("could not write {}", path.display()))?;
        println!("{}", path.display());
    }
    let guide = step::root().join("docs/top.md");
    let text = fs::read_to_string(&guide)?;
    let parts = text
        .split_once(KEYS[0])
        .and_then(|(before, rest)| rest.split_once(KEYS[1]).map(|(_, after)| (before, after)));
    let (before, after) = parts.context("docs/top.md has no place for the keys")?;
    let text = format!("{before}{}{}{}{after}", KEYS[0], keys_table(), KEYS[1]);
    fs::write(&guide, text).with_context(|| format!("could not write {}", guide.display()))
}
