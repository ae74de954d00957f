//! Halves, giants, garbage and strangers.

mod samples;

use bus::{
    ClientCodec, Edit, Edits, ErrorCode, FrameError, HEADER_LEN, Hello, MAGIC, MAX_CHANGE,
    MAX_EDITS, MAX_REQUEST, Refusal, Reply, Request, Role, ServerCodec, Topic, VersionRange, View,
    Welcome,
};
use bytes::{BufMut, BytesMut};
use proptest::prelude::*;
use tokio_util::codec::{Decoder, Encoder};
use units::PerDirection;

fn frame(version: u16, length: usize, payload: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    bytes.put_slice(&MAGIC);
    bytes.put_u16_le(version);
    bytes.put_u32_le(length as u32);
    bytes.put_u64_le(9);
    bytes.put_slice(payload);
    bytes
}

fn refused(payload: &[u8]) -> ErrorCode {
    let incoming =
        ServerCodec::serving(None).decode(&mut frame(1, payload.len(), payload)).unwrap().unwrap();
    assert_eq!(incoming.id, 9);
    incoming.request.unwrap_err().code
}

#[test]
fn what_a_newer_client_asks_is_told_from_garbage() {
    assert_eq!(refused(&[12]), ErrorCode::UnknownRequest);
    assert_eq!(refused(&[250]), ErrorCode::UnknownRequest);
    assert_eq!(refused(&[1, 12]), ErrorCode::UnknownRequest);
    assert_eq!(refused(&[2, 200, 1, 2]), ErrorCode::UnknownRequest);
    assert_eq!(refused(&[1, 5, 250]), ErrorCode::Malformed, "a filter longer than the payload");
    assert_eq!(refused(&[7, 2]), ErrorCode::Malformed, "neither a circuit nor a host");
    assert_eq!(refused(&[7, 1, 2]), ErrorCode::Malformed, "an address of no family");
    assert_eq!(refused(&[7, 0, 253, 255, 255, 255, 255, 255, 255, 255, 255]), ErrorCode::Malformed);
    assert_eq!(refused(&[]), ErrorCode::Malformed);
    assert_eq!(refused(&[1]), ErrorCode::Malformed);
    assert_eq!(refused(&[4, 0]), ErrorCode::Malformed, "bytes follow the message");
    assert_eq!(refused(&[6, 2]), ErrorCode::Malformed, "neither true nor false");
}

#[test]
fn a_refused_payload_does_not_spoil_the_stream() {
    let mut stream = frame(1, 1, &[99]);
    ClientCodec.encode((10, &Request::Show(Topic::Status)), &mut stream).unwrap();
    assert!(ServerCodec::serving(None).decode(&mut stream).unwrap().unwrap().request.is_err());
    assert_eq!(
        ServerCodec::serving(None).decode(&mut stream).unwrap().unwrap().request,
        Ok(Request::Show(Topic::Status))
    );
    assert!(ServerCodec::serving(None).decode(&mut stream).unwrap().is_none());
}

#[test]
fn another_version_is_refused_by_name_on_either_side() {
    let incoming = ServerCodec::serving(None).decode(&mut frame(2, 1, &[1])).unwrap().unwrap();
    assert_eq!(incoming.request.unwrap_err().code, ErrorCode::Version);
    let error = ClientCodec.decode(&mut frame(2, 1, &[5])).unwrap_err();
    assert!(matches!(error, FrameError::Version { found: 2, expected: 1 }));
}

/// Or else two programs of different versions could not find out which they have in common.
#[test]
fn hello_and_its_answers_are_read_in_frames_of_all_versions() {
    let newer = |bytes: &mut BytesMut| bytes[4..6].copy_from_slice(&7_u16.to_le_bytes());
    let versions = VersionRange { min: 1, max: 7 };
    let hello = Request::Hello(Hello { client: "newer".into(), versions });
    let mut bytes = BytesMut::new();
    ClientCodec.encode((9, &hello), &mut bytes).unwrap();
    newer(&mut bytes);
    let mut codec = ServerCodec::serving(None);
    assert_eq!(codec.decode(&mut bytes).unwrap().unwrap().request, Ok(hello));
    let (daemon_version, role) = ("9.9".into(), Role::Read);
    for reply in [
        Reply::Welcome(Welcome { version: 1, daemon_version, role }),
        Reply::Error(Refusal::new(ErrorCode::Version, "no common protocol version")),
    ] {
        let mut bytes = BytesMut::new();
        codec.encode((9, &reply), &mut bytes).unwrap();
        newer(&mut bytes);
        assert_eq!(ClientCodec.decode(&mut bytes).unwrap(), Some((9, reply)));
    }
}

#[test]
fn a_giant_is_refused_by_its_header_alone() {
    let mut header = frame(1, MAX_REQUEST + 1, &[]);
    let error = ServerCodec::serving(None).decode(&mut header).unwrap_err();
    let (id, refusal) = error.refusal().unwrap();
    assert_eq!((id, refusal.code), (9, ErrorCode::TooLarge));
    let long = Request::Show(Topic::Circuits(bus::CircuitsQuery {
        filter: "x".repeat(MAX_REQUEST),
        ..Default::default()
    }));
    let mut out = BytesMut::new();
    let error = ClientCodec.encode((9, &long), &mut out).unwrap_err();
    assert!(matches!(error, FrameError::TooLarge { id: 9, .. }));
    assert!(out.is_empty());
}

#[test]
fn only_who_may_change_things_may_send_files() {
    let edits = Edits {
        base: None,
        shrink: false,
        edits: vec![Edit::Circuits("x".repeat(2 * MAX_REQUEST))],
    };
    let mut codec = ServerCodec::serving(Some(Role::Control));
    for request in [Request::Edit(edits.clone()), Request::Preview(Some(edits))] {
        let mut bytes = BytesMut::new();
        ClientCodec.encode((9, &request), &mut bytes).unwrap();
        for role in [None, Some(Role::Read)] {
            let error = ServerCodec::serving(role).decode(&mut bytes.clone()).unwrap_err();
            assert_eq!(error.refusal().unwrap().1.code, ErrorCode::TooLarge);
        }
        let incoming = codec.decode(&mut bytes).unwrap().unwrap();
        assert_eq!(incoming.request, Ok(request));
    }
    codec.decode(&mut frame(1, MAX_CHANGE + 1, &[])).unwrap_err();
}

#[test]
fn many_small_edits_are_not_read_to_their_end() {
    let one = Edit::RemoveCircuit(String::new());
    for (count, is_taken) in [(MAX_EDITS, true), (MAX_EDITS + 1, false)] {
        let edits = Edits { base: None, shrink: false, edits: vec![one.clone(); count] };
        let mut bytes = BytesMut::new();
        ClientCodec.encode((9, &Request::Edit(edits)), &mut bytes).unwrap();
        let mut codec = ServerCodec::serving(Some(Role::Control));
        let request = codec.decode(&mut bytes).unwrap().unwrap().request;
        assert_eq!(request.is_ok(), is_taken);
        assert!(is_taken || request.unwrap_err().code == ErrorCode::Malformed);
    }
}

#[test]
fn a_stranger_is_not_waited_for() {
    let error = ServerCodec::serving(None).decode(&mut BytesMut::from(&b"GET"[..])).unwrap_err();
    assert!(matches!(error, FrameError::Magic { .. }));
    assert!(error.refusal().is_none());
}

#[test]
fn every_half_of_a_frame_asks_for_more() {
    for (name, reply) in samples::replies() {
        let mut whole = BytesMut::new();
        ServerCodec::serving(None).encode((1, &reply), &mut whole).unwrap();
        for cut in 0..whole.len() {
            let mut half = BytesMut::from(&whole[..cut]);
            assert!(ClientCodec.decode(&mut half).unwrap().is_none(), "{name} cut at {cut}");
            assert_eq!(half.len(), cut);
        }
    }
}

/// The decoder's limit must not refuse what the daemon may send, whatever the sizes.
#[test]
fn the_largest_pages_come_through() {
    for (name, reply) in samples::replies() {
        for rows in [1, 100, 1_000, 10_000] {
            let mut reply = reply.clone();
            match &mut reply {
                Reply::View(View::Circuits(page)) => repeat(&mut page.rows, rows),
                Reply::View(View::Flows(page)) => {
                    // nothing is as short, for its size, as a flow that has no figures
                    page.rows[1].streams = PerDirection::default();
                    page.rows.remove(0);
                    repeat(&mut page.rows, rows);
                }
                Reply::View(View::Hosts(page)) => repeat(&mut page.rows, rows),
                Reply::View(View::Origins(page)) => repeat(&mut page.rows, rows),
                Reply::View(View::Rtt(page)) => repeat(&mut page.rows, rows),
                Reply::View(View::Retransmits(page)) => repeat(&mut page.rows, rows),
                Reply::Captured(packets) => repeat(packets, rows),
                _ => continue,
            }
            let mut bytes = BytesMut::new();
            ServerCodec::serving(None).encode((1, &reply), &mut bytes).unwrap();
            let decoded = ClientCodec.decode(&mut bytes).unwrap();
            assert!(decoded == Some((1, reply)), "{name} of {rows} rows");
        }
    }
}

fn repeat<T: Clone>(rows: &mut Vec<T>, count: usize) {
    rows.truncate(1);
    rows.resize(count, rows[0].clone());
}

proptest! {
    #[test]
    fn random_payloads_never_panic(payload in prop::collection::vec(any::<u8>(), 0..300)) {
        let incoming = ServerCodec::serving(None).decode(&mut frame(1, payload.len(), &payload)).unwrap().unwrap();
        prop_assert_eq!(incoming.id, 9);
        let _ = ClientCodec.decode(&mut frame(1, payload.len(), &payload));
    }

    #[test]
    fn random_streams_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut stream = BytesMut::from(&bytes[..]);
        let answer = ServerCodec::serving(None).decode(&mut stream);
        prop_assert!(answer.is_err() || MAGIC.starts_with(&bytes[..bytes.len().min(4)]) );
    }

    #[test]
    fn a_flipped_byte_never_panics(which: prop::sample::Index, at: prop::sample::Index, to: u8) {
        let mut replies = samples::replies();
        let (_, reply) = replies.swap_remove(which.index(replies.len()));
        let mut bytes = BytesMut::new();
        ServerCodec::serving(None).encode((1, &reply), &mut bytes).unwrap();
        let payload = bytes.len() - HEADER_LEN;
        prop_assume!(payload > 0);
        let at = HEADER_LEN + at.index(payload);
        bytes[at] = to;
        let _ = ClientCodec.decode(&mut bytes);
    }

    #[test]
    fn a_flipped_byte_of_a_request_is_a_request_or_refused(
        which: prop::sample::Index, at: prop::sample::Index, to: u8,
    ) {
        let mut requests = samples::requests();
        let (_, request) = requests.swap_remove(which.index(requests.len()));
        let mut bytes = BytesMut::new();
        ClientCodec.encode((9, &request), &mut bytes).unwrap();
        let at = HEADER_LEN + at.index(bytes.len() - HEADER_LEN);
        bytes[at] = to;
        prop_assert_eq!(ServerCodec::serving(None).decode(&mut bytes).unwrap().unwrap().id, 9);
    }

    #[test]
    fn queries_come_back_as_sent(filter in ".{0,40}", node in proptest::option::of(".{0,20}"), offset: u32, limit: u32, id: u64) {
        let query = bus::CircuitsQuery { filter, node, offset, limit, ..Default::default() };
        let request = Request::Subscribe(Topic::Circuits(query));
        let mut bytes = BytesMut::new();
        ClientCodec.encode((id, &request), &mut bytes).unwrap();
        let incoming = ServerCodec::serving(None).decode(&mut bytes).unwrap().unwrap();
        prop_assert_eq!((incoming.id, incoming.request), (id, Ok(request)));
    }
}
