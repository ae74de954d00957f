//! Any payload in an intact frame, through the daemon's decoder. What is a request is the same request again
//! after it was written and read.

#![no_main]

use bus::{ClientCodec, HEADER_LEN, MAGIC, PROTOCOL_VERSION, Role, ServerCodec};
use bytes::{BufMut, BytesMut};
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::{Decoder, Encoder};

const ID: u64 = 7;

fuzz_target!(|payload: &[u8]| {
    let mut frame = BytesMut::with_capacity(HEADER_LEN + payload.len());
    frame.put_slice(&MAGIC);
    frame.put_u16_le(PROTOCOL_VERSION);
    frame.put_u32_le(payload.len() as u32);
    frame.put_u64_le(ID);
    frame.put_slice(payload);
    let mut server = ServerCodec::serving(Some(Role::Control));
    let incoming = server.decode(&mut frame).expect("the frame is intact").expect("it is whole");
    assert_eq!(incoming.id, ID);
    assert!(frame.is_empty());
    let Ok(request) = incoming.request else { return };
    let mut again = BytesMut::new();
    ClientCodec.encode((ID, &request), &mut again).expect("what was read can be written");
    let incoming = server.decode(&mut again).expect("the frame is intact").expect("it is whole");
    assert_eq!(incoming.request, Ok(request));
});
