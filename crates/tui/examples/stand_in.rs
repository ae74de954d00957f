//! A daemon that serves a made-up provider on a socket, to look at `tidegate top` without one.
//!
//! `cargo run -p tui --features samples --example stand_in -- SOCKET [CIRCUITS]`

#![forbid(unsafe_code)]

use std::path::Path;
use std::time::Duration;
use std::{env, io, thread};

use tui::samples::{Provider, StandIn};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, "usage: SOCKET [CIRCUITS]");
    let socket = arguments.next().ok_or_else(usage)?;
    let circuits = arguments.next().map_or(Ok(10_000), |it| it.parse()).map_err(|_| usage())?;
    let _daemon =
        StandIn::start(Provider::new(circuits), Path::new(&socket), Duration::from_secs(1))?;
    loop {
        thread::park();
    }
}
