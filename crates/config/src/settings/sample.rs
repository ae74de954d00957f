//! The sample tidegate.toml, printed from the declaration of its keys.

use super::raw::{KeyDoc, SECTIONS};
use super::value::Presence;

/// The documented sample of tidegate.toml: keys that have to be set are set, the others are
/// commented out with their default or an example.
pub fn sample() -> String {
    let mut text = String::from(
        "# Tidegate's settings. Keys that are commented out show their default, or an example where\n\
         # the text says what happens without them. `tidegate check` reads this file, network.json\n\
         # and ShapedDevices.csv, and says what is wrong in them.\n",
    );
    for section in SECTIONS {
        text.push('\n');
        comment(&mut text, section.about);
        text.push_str(&format!("[{}]\n", section.name));
        for key in section.keys {
            text.push('\n');
            comment(&mut text, key.about);
            text.push_str(&setting(key));
        }
    }
    text
}

fn setting(key: &KeyDoc) -> String {
    let KeyDoc { name, sample, .. } = key;
    match key.presence {
        Presence::Set => format!("{name} = {sample}\n"),
        Presence::Default => format!("#{name} = {sample}\n"),
        Presence::Optional => format!("#{name} = {sample}  # an example\n"),
    }
}

fn comment(text: &mut String, about: &[&str]) {
    for line in about {
        text.push_str(&format!("#{line}\n"));
    }
}
