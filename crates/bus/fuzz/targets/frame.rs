//! A stream of any bytes, in pieces of any size, through both ends' decoders.
//!
//! None may panic, go round for ever, or take more than there is. The first byte says how the rest is cut.

#![no_main]

use bus::{ClientCodec, Role, ServerCodec};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::Decoder;

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, stream)) = bytes.split_first() else { return };
    let piece = usize::from(*cut) + 1;
    for role in [None, Some(Role::Read), Some(Role::Control)] {
        drain(ServerCodec::serving(role), stream, piece);
    }
    drain(ClientCodec, stream, piece);
});

/// Decodes what comes until there is no more, or the stream is past repair.
fn drain<D: Decoder>(mut decoder: D, stream: &[u8], piece: usize) {
    let mut received = BytesMut::new();
    for piece in stream.chunks(piece) {
        received.extend_from_slice(piece);
        loop {
            let before = received.len();
            match decoder.decode(&mut received) {
                Ok(Some(_)) => assert!(received.len() < before, "a message out of nothing"),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}
