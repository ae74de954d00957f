//! Others that are connected: subscribers that read what they are sent without looking at it, and one that never
//! reads.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bus::{
    CircuitSort, CircuitsQuery, ClientCodec, EventsQuery, FlowsQuery, Hello, Request, Topic,
    TreeQuery, VersionRange,
};
use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio_util::codec::Encoder;

use super::screen;

const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Others that are connected.
pub(super) struct Crowd {
    readers: Option<(oneshot::Sender<()>, JoinHandle<Result<()>>)>,
    stuck: Option<UnixStream>,
}

impl Crowd {
    /// Connects them; all have been answered when it returns.
    pub(super) fn gather(socket: &Path, readers: usize, is_stuck: bool) -> Result<Self> {
        let streams = (0..readers)
            .map(|number| subscribe(socket, topic(number)))
            .collect::<Result<Vec<_>>>()?;
        let stuck = is_stuck.then(|| subscribe(socket, whole())).transpose()?;
        let readers = (!streams.is_empty()).then(|| {
            let (end, ended) = oneshot::channel();
            (end, thread::spawn(move || drain(streams, ended)))
        });
        Ok(Self { readers, stuck })
    }

    /// Disconnects them.
    pub(super) fn end(self) -> Result<()> {
        if let Some(stuck) = self.stuck {
            // it may have been hung up on by now
            let _ = stuck.shutdown(Shutdown::Both);
        }
        let Some((end, reading)) = self.readers else { return Ok(()) };
        let _ = end.send(());
        reading.join().ok().context("the subscribers' thread panicked")?
    }
}

/// What the subscriber of this number looks at, as screens and scripts would.
fn topic(number: usize) -> Topic {
    const SORTS: [CircuitSort; 4] =
        [CircuitSort::Sent, CircuitSort::Share, CircuitSort::Drops, CircuitSort::RttCustomer];
    match number % 10 {
        0..5 => Topic::Status,
        5 => Topic::Tree(TreeQuery::default()),
        6 => Topic::Flows(FlowsQuery { limit: 50, ..FlowsQuery::default() }),
        7 => Topic::Events(EventsQuery::default()),
        8 => Topic::Circuits(screen(SORTS[number / 10 % SORTS.len()])),
        _ => Topic::Circuits(CircuitsQuery {
            filter: format!("Customer {}", number % 97),
            ..screen(CircuitSort::Sent)
        }),
    }
}

/// Everything, so that a reader who does not read is behind at once.
fn whole() -> Topic {
    Topic::Circuits(CircuitsQuery { limit: CircuitsQuery::MAX_LIMIT, ..CircuitsQuery::default() })
}

/// Says hello and subscribes; waits for the beginning of the first answers.
fn subscribe(socket: &Path, topic: Topic) -> Result<UnixStream> {
    let mut stream = UnixStream::connect(socket).context("could not connect")?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    let hello = Hello { client: "bench".to_owned(), versions: VersionRange::SUPPORTED };
    let mut bytes = BytesMut::new();
    ClientCodec.encode((1, &Request::Hello(hello)), &mut bytes)?;
    ClientCodec.encode((2, &Request::Subscribe(topic)), &mut bytes)?;
    stream.write_all(&bytes)?;
    let mut answer = [0; 64];
    if stream.read(&mut answer)? == 0 {
        bail!("the daemon hung up");
    }
    Ok(stream)
}

/// Reads what all are sent until told to end.
fn drain(streams: Vec<UnixStream>, ended: oneshot::Receiver<()>) -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        for stream in streams {
            stream.set_nonblocking(true)?;
            let mut stream = tokio::net::UnixStream::from_std(stream)?;
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
            });
        }
        let _ = ended.await;
        Ok(())
    })
}
