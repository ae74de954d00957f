//! The bytes of every message, held by files: old clients live on what does not change.
//!
//! `UPDATE_EXPECTED=1` writes them anew, but for those that say which version two programs have in common: they are
//! the same in all versions. The others are until the first release; after it, [`bus::PROTOCOL_VERSION`] grows with them.

mod samples;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bus::{ClientCodec, Role, ServerCodec};
use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

/// Files that are never changed.
const IN_ALL_VERSIONS: [&str; 3] = ["request-hello", "reply-welcome", "reply-error"];

const ID: u64 = 0x0102_0304_0506_0708;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bus_frames")
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        line.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
        text.push('\n');
    }
    text
}

fn unhex(text: &str) -> BytesMut {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// The file's bytes, after checking that `encoded` are the same.
fn golden(name: &str, encoded: &[u8]) -> BytesMut {
    let path = folder().join(format!("{name}.hex"));
    let may_change = !IN_ALL_VERSIONS.contains(&name) || !path.exists();
    if std::env::var_os("UPDATE_EXPECTED").is_some() && may_change {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&path, hex(encoded)).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(hex(encoded), text, "{name}: the bytes of a message changed");
    unhex(&text)
}

#[test]
fn requests_keep_their_bytes() {
    for (name, request) in samples::requests() {
        let mut frame = BytesMut::new();
        ClientCodec.encode((ID, &request), &mut frame).unwrap();
        let mut stored = golden(&format!("request-{name}"), &frame);
        let incoming =
            ServerCodec::serving(Some(Role::Control)).decode(&mut stored).unwrap().unwrap();
        assert_eq!((incoming.id, incoming.request), (ID, Ok(request)), "{name}");
        assert!(stored.is_empty());
    }
}

#[test]
fn replies_keep_their_bytes() {
    for (name, reply) in samples::replies() {
        let mut frame = BytesMut::new();
        ServerCodec::serving(Some(Role::Control)).encode((ID, &reply), &mut frame).unwrap();
        let mut stored = golden(&format!("reply-{name}"), &frame);
        assert_eq!(ClientCodec.decode(&mut stored).unwrap(), Some((ID, reply)), "{name}");
        assert!(stored.is_empty());
    }
}

#[test]
fn views_say_that_the_bypass_was_on() {
    for (name, reply) in samples::replies() {
        if let bus::Reply::View(view) = reply {
            assert_eq!(view.is_bypassed(), !matches!(view, bus::View::Events(_)), "{name}");
        }
    }
}

#[test]
fn views_print_as_json_with_units_in_their_names() {
    let (_, reply) = samples::replies().swap_remove(4);
    let bus::Reply::View(bus::View::Circuits(page)) = reply else { panic!("not the circuits") };
    let json = serde_json::to_value(&page).unwrap();
    assert_eq!(json["rows"][0]["plan_bps"]["down"], 155_000_000);
    assert_eq!(json["rows"][0]["class"]["down"], "1:2a");
    assert_eq!(serde_json::from_value::<bus::CircuitsPage>(json).unwrap(), page);
    let (_, reply) =
        samples::replies().into_iter().find(|(name, _)| *name == "flows").expect("a sample");
    let bus::Reply::View(bus::View::Flows(page)) = reply else { panic!("not the flows") };
    let json = serde_json::to_value(&page).unwrap();
    assert_eq!(json["rows"][0]["streams"]["down"]["tcp_flags"], "SPA");
    assert_eq!(json["rows"][0]["rtt"]["customer"]["smoothed_us"], 11_000);
    assert_eq!(serde_json::from_value::<bus::FlowsPage>(json).unwrap(), page);
}
