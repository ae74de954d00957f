//! Whatever the files hold, readers answer with a configuration or with problems.

use std::sync::OnceLock;

use config::{Config, Sources, synthetic};
use proptest::collection::vec;
use proptest::prelude::*;

/// One edit: at this share of the file, take so many bytes out and put these in.
type Edit = (f64, usize, Vec<u8>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let inserted = prop_oneof![
        vec(any::<u8>(), 0..4),
        proptest::sample::select(vec![
            "\"", ",", "\n", "{", "}", "[", "]", "=", "#", "/", "0", "-", "null", "1e999", "::/0",
            "\u{feff}", "é", "\\u0000", "\\ud800",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    vec((0.0..1.0, 0_usize..12, inserted), 0..8)
}

fn edited(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (share, taken, inserted) in edits {
        let at = (bytes.len() as f64 * share) as usize;
        let end = (at + taken).min(bytes.len());
        bytes.splice(at..end, inserted.iter().copied());
    }
    bytes
}

fn valid() -> &'static Sources {
    static VALID: OnceLock<Sources> = OnceLock::new();
    VALID.get_or_init(|| synthetic::sources(60))
}

/// A result is either without errors or without a configuration, and every problem can be shown.
fn check(sources: &Sources) {
    match Config::from_sources(sources) {
        Ok(loaded) => assert_eq!(loaded.warnings.errors(), 0),
        Err(problems) => {
            assert!(problems.errors() > 0);
            assert!(!problems.to_string().chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edited_files_never_break_a_reader(
        settings in edits(),
        network in edits(),
        devices in edits(),
    ) {
        let mut sources = valid().clone();
        sources.settings.bytes = edited(&sources.settings.bytes, &settings);
        check(&sources);
        sources.settings = valid().settings.clone();
        sources.network.bytes = edited(&sources.network.bytes, &network);
        sources.devices.bytes = edited(&sources.devices.bytes, &devices);
        check(&sources);
    }

    #[test]
    fn arbitrary_bytes_never_break_a_reader(bytes in vec(any::<u8>(), 0..400)) {
        let mut sources = valid().clone();
        sources.network.bytes.clone_from(&bytes);
        sources.devices.bytes = bytes.clone();
        check(&sources);
        sources.settings.bytes = bytes;
        check(&sources);
    }
}

/// Repeated input that a quadratic or recursive reader would not survive.
#[test]
fn hostile_shapes_are_answered_in_time() {
    let header = "Circuit ID,Circuit Name,Device ID,Device Name,Parent Node,MAC,IPv4,IPv6,\
                  Download Min Mbps,Upload Min Mbps,Download Max Mbps,Upload Max Mbps,Comment\n";
    let mut sources = valid().clone();
    for row in ["\"\n", "\"a\"\"\n", "1,,,,AP_X,,10.0.0.1,,1,1,2,2,c\n", "\"\"\"\"", "1,\n"] {
        sources.devices.bytes = format!("{header}{}", row.repeat(20_000)).into();
        check(&sources);
    }
    sources.devices.bytes = header.into();
    for (open, close) in [("{\"a\":", "}"), ("[", "]"), ("{\"a\":{},", "")] {
        let text = format!("{}{{}}{}", open.repeat(50_000), close.repeat(50_000));
        sources.network.bytes = text.clone().into();
        check(&sources);
        let mut settings = valid().clone();
        settings.settings.bytes = format!("a = {text}").into();
        check(&settings);
    }
}
