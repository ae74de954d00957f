//! Where the daemon writes what happens: to the journal, with fields, where the standard error leads there;
//! else to that.

use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use rustix::fs::fstat;
use tracing::warn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

/// What the names of fields begin with in the journal: `TIDEGATE_CIRCUIT` say.
const PREFIX: &str = "TIDEGATE";

/// Begins, with what passes the filter.
pub fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let stream = std::env::var_os("JOURNAL_STREAM");
    let wanted = stream.is_some_and(|stream| leads_to(&stream, io::stderr()));
    let journal = wanted.then(tracing_journald::layer);
    let unreachable = match journal {
        Some(Ok(layer)) => {
            let layer = layer.with_field_prefix(Some(PREFIX.to_owned()));
            return registry().with(filter).with(layer).init();
        }
        Some(Err(error)) => Some(error),
        None => None,
    };
    let ansi = io::stderr().is_terminal();
    registry().with(filter).with(fmt::layer().with_ansi(ansi).with_writer(io::stderr)).init();
    if let Some(error) = unreachable {
        warn!(%error, "could not reach the journal; what happens is written to the standard error");
    }
}

/// Whether a descriptor is the stream that the service manager has connected to the journal: `8:1234`, its
/// device and inode (systemd.exec(5)).
fn leads_to(stream: &OsStr, descriptor: impl AsFd) -> bool {
    let Some((device, inode)) = stream.to_str().and_then(|text| text.split_once(':')) else {
        return false;
    };
    let (Ok(device), Ok(inode)) = (device.parse::<u64>(), inode.parse::<u64>()) else {
        return false;
    };
    fstat(descriptor).is_ok_and(|found| (found.st_dev, found.st_ino) == (device, inode))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn only_the_stream_itself_leads_to_the_journal() {
        let (one, other) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let found = one.metadata().unwrap();
        let stream = format!("{}:{}", found.dev(), found.ino());
        assert!(leads_to(OsStr::new(&stream), &one));
        assert!(!leads_to(OsStr::new(&stream), &other));
        for nonsense in ["", ":", "1", "a:b", "1:2:3"] {
            assert!(!leads_to(OsStr::new(nonsense), &one), "{nonsense}");
        }
    }
}
