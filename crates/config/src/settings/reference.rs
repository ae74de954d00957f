//! The reference of tidegate.toml, printed from the declaration of its keys.

use super::raw::{KeyDoc, SECTIONS};
use super::value::Presence;

/// What stands before the keys.
const INTRODUCTION: &str = "\
# Configuration reference

Made from the keys' declaration; `UPDATE_EXPECTED=1 cargo nextest run -p config` writes it anew.

Three files, beside each other unless `[files]` says otherwise: `tidegate.toml` with the settings below,
`network.json` with sites and access points, `ShapedDevices.csv` with the subscribers. `tidegate check` tells
all that is wrong in them, with file and line.

A change is put in force when the files are written (`watch`), or by `tidegate reload`. What is fixed while a
daemon runs, it says so, and `tidegate handover` puts it in force without losing a packet: `[bus]`, `[metrics]`,
`[limits]`, `[log]`. `[interfaces]`, `pins` and `socket` take `systemctl restart tidegated`: what is on the NICs is
taken out and put up anew, and traffic is not shaped meanwhile.

Rates are texts with a unit (`\"850 Mbps\"`), times too (`\"10 min\"`). Unknown keys are errors.

";

/// What stands after them.
const OTHER_FILES: &str = "\
# network.json

An object of nodes by name, each with further nodes under `children`. Names are unique in the whole tree; `{}` is a
flat network, whose circuits are spread over the queues.

| key | meaning |
|---|---|
| `downloadBandwidthMbps`, `uploadBandwidthMbps` | the node's limit, frame headers included, which a circuit's rates are without (`framing_percent`); 0 or none is its parent's |
| `type` | free text: site, ap ... |
| `children` | nodes below |
| `id` | stable identity, so that a renamed node keeps its place |
| `virtual` | shown, but without a class: its children hang from its parent |
| `latitude`, `longitude` | kept, not used |

# ShapedDevices.csv

One row a device; rows with the same `Circuit ID` are one subscriber. Columns are found by the header's names; lines
that begin with `#` are comments.

| column | meaning |
|---|---|
| `Circuit ID` | required: whose device it is |
| `Circuit Name`, `Device Name`, `MAC`, `Comment` | free text |
| `Device ID` | unique |
| `Parent Node`, `Parent Node ID`, `Anchor Node ID` | the node that the circuit hangs from, by name or id; none: it is spread over the queues |
| `IPv4`, `IPv6` | addresses or blocks, separated by commas inside of quotes |
| `Download Min Mbps`, `Upload Min Mbps` | guaranteed when its parents are busy, 0.01 at least |
| `Download Max Mbps`, `Upload Max Mbps` | never exceeded |
| `sqm` | the leaf, where it is not the configured one: `cake`, `fq_codel`, `none`, or `down/up` |
";

/// Every section and key of tidegate.toml, and what the other files hold, as Markdown.
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("# tidegate.toml\n");
    for section in SECTIONS {
        text.push_str(&format!("\n## [{}]\n\n{}\n\n", section.name, prose(section.about)));
        text.push_str("| key | default | meaning |\n|---|---|---|\n");
        section.keys.iter().for_each(|key| text.push_str(&row(key)));
    }
    text.push('\n');
    text.push_str(OTHER_FILES);
    text
}

fn row(key: &KeyDoc) -> String {
    let KeyDoc { name, about, sample, .. } = key;
    let default = match key.presence {
        Presence::Set => "to be set".to_owned(),
        Presence::Default => format!("`{sample}`"),
        Presence::Optional => format!("none; example: `{sample}`"),
    };
    format!("| `{name}` | {default} | {} |\n", prose(about).replace('|', "\\|"))
}

/// Lines as one; those that begin with a value keep their own.
fn prose(about: &[&str]) -> String {
    let mut text = String::new();
    for line in about.iter().map(|line| line.trim()) {
        if !text.is_empty() {
            text.push_str(if line.starts_with('"') && line.contains("\":") { "<br>" } else { " " });
        }
        text.push_str(line);
    }
    text
}
