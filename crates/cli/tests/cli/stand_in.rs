//! A daemon that says what the test wants.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::thread;

use bus::{Hello, Reply, Request, Role, ServerCodec, Topic, Welcome};
use bytes::BytesMut;
use tokio_util::codec::{Decoder as _, Encoder as _};

/// A daemon on a socket of its own, for as many connections as come.
pub(crate) struct StandIn {
    folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl StandIn {
    /// Answers each request but the hello with what `answer` gives; nothing closes the connection.
    pub(crate) fn new(answer: impl Fn(&Request) -> Vec<Reply> + Send + 'static) -> Self {
        Self::with_hello(welcome, answer)
    }

    /// The same, but like a daemon that is restarted it goes after the answer to a subscription, and is there
    /// for the next connection.
    pub(crate) fn restarting(answer: impl Fn(&Request) -> Vec<Reply> + Send + 'static) -> Self {
        Self::serving(welcome, answer, |request| matches!(request, Request::Subscribe(_)))
    }

    /// The same with another answer to the hello.
    pub(crate) fn with_hello(
        hello: impl Fn(&Hello) -> Reply + Send + 'static,
        answer: impl Fn(&Request) -> Vec<Reply> + Send + 'static,
    ) -> Self {
        Self::serving(hello, answer, |_| false)
    }

    fn serving(
        hello: impl Fn(&Hello) -> Reply + Send + 'static,
        answer: impl Fn(&Request) -> Vec<Reply> + Send + 'static,
        is_last: fn(&Request) -> bool,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("bus.sock")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(
                    stream.unwrap(),
                    &heard,
                    &|request| match request {
                        Request::Hello(it) => vec![hello(it)],
                        Request::Unsubscribe(_) => vec![Reply::Done],
                        other => answer(other),
                    },
                    is_last,
                );
            }
        });
        Self { folder, asked }
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> String {
        self.folder.path().join("bus.sock").display().to_string()
    }

    /// The arguments with its socket before them.
    pub(crate) fn run(&self, arguments: &[&str]) -> std::process::Output {
        let socket = self.socket();
        crate::run(&[&["--socket", &socket], arguments].concat())
    }

    /// What it was asked, but for hellos and the status, which many commands look at beside.
    pub(crate) fn asked(&self) -> Vec<Request> {
        let asked = self.asked.lock().unwrap();
        let is_beside =
            |request: &Request| matches!(request, Request::Hello(_) | Request::Show(Topic::Status));
        asked.iter().filter(|request| !is_beside(request)).cloned().collect()
    }
}

fn welcome(hello: &Hello) -> Reply {
    Reply::Welcome(Welcome::to(hello, Role::Control, "9.9").unwrap())
}

/// Serves one client until it goes, an answer is empty, or that to its last request is given.
fn serve(
    mut stream: UnixStream,
    heard: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> Vec<Reply>,
    is_last: fn(&Request) -> bool,
) {
    let (mut received, mut chunk) = (BytesMut::new(), [0; 4096]);
    loop {
        while let Some(incoming) =
            ServerCodec::serving(Some(Role::Control)).decode(&mut received).unwrap()
        {
            let request = incoming.request.unwrap();
            let replies = answer(&request);
            let is_last = is_last(&request);
            heard.lock().unwrap().push(request);
            let mut out = BytesMut::new();
            for reply in &replies {
                ServerCodec::serving(Some(Role::Control))
                    .encode((incoming.id, reply), &mut out)
                    .unwrap();
            }
            if stream.write_all(&out).is_err() || replies.is_empty() || is_last {
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => received.extend_from_slice(&chunk[..count]),
        }
    }
}
