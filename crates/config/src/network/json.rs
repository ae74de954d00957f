//! JSON that remembers where it stands.
//!
//! `serde_json` checks the whole text once and hands out raw slices of it; a slice's place in the
//! text gives its line. Each object is taken apart only when it is visited, so nothing recurses,
//! and entries come as they are written, with keys that are repeated.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::source::Lines;

/// One value in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'t> {
    text: &'t str,
    lines: &'t Lines,
    raw: &'t RawValue,
}

/// A key with its value.
#[derive(Debug)]
pub(crate) struct Entry<'t> {
    pub(crate) key: String,
    /// The line of the key.
    pub(crate) line: u32,
    pub(crate) value: Json<'t>,
}

impl<'t> Json<'t> {
    /// Checks the syntax of the whole text.
    pub(crate) fn parse(text: &'t str, lines: &'t Lines) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(|raw| Self { text, lines, raw })
    }

    /// The value as it is written.
    pub(crate) fn written(&self) -> &'t str {
        self.raw.get()
    }

    /// What kind of value it is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self.written().as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "text",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        self.written().starts_with('{')
    }

    pub(crate) fn is_null(&self) -> bool {
        self.written() == "null"
    }

    /// The entries of an object in their order, repeated keys among them; none for other kinds.
    pub(crate) fn entries(&self) -> Option<Vec<Entry<'t>>> {
        let Entries(entries) = serde_json::from_str(self.written()).ok()?;
        let entry = |(key, value): (&'t RawValue, &'t RawValue)| Entry {
            // half a surrogate pair is the one thing that a checked key can still have wrong
            key: serde_json::from_str(key.get()).unwrap_or_else(|_| key.get().to_owned()),
            line: self.lines.at(key.get().as_ptr().addr() - self.text.as_ptr().addr()),
            value: Json { raw: value, ..*self },
        };
        Some(entries.into_iter().map(entry).collect())
    }

    /// The text of a string; none for other kinds.
    pub(crate) fn string(&self) -> Option<String> {
        serde_json::from_str(self.written()).ok()
    }

    /// The number, when it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self.kind() {
            "a number" => self.written().parse().ok(),
            _ => None,
        }
    }

    /// The truth value, when it is one.
    pub(crate) fn boolean(&self) -> Option<bool> {
        self.written().parse().ok()
    }
}

/// An object's entries as they are written.
struct Entries<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'t> Deserialize<'t> for Entries<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'t> Visitor<'t> for EntriesVisitor {
            type Value = Entries<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_order_lines_and_repetitions() {
        let text = "{ \"a\": 1,\n\n \"\\u0062\": {\"c\":\n {\"d\": null}},\n\"a\": \"x\"}";
        let lines = Lines::of(text);
        let entries = Json::parse(text, &lines).unwrap().entries().unwrap();
        let seen: Vec<(&str, u32, &str)> = entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.line, entry.value.kind()))
            .collect();
        assert_eq!(seen, [("a", 1, "a number"), ("b", 3, "an object"), ("a", 5, "text")]);
        let inner = entries[1].value.entries().unwrap()[0].value.entries().unwrap();
        assert_eq!((inner[0].key.as_str(), inner[0].line), ("d", 4));
        assert!(inner[0].value.is_null());
    }
}
