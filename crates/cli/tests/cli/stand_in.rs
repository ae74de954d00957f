//! A daemon that says what the test wants.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::thread;

use bus::{Hello, Reply, Request, Role, ServerCodec, Welcome};
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
        let welcome = |hello: &Hello| Welcome::to(hello, Role::Control, "9.9").unwrap();
        Self::with_hello(move |hello| Reply::Welcome(welcome(hello)), answer)
    }

    /// The same with another answer to the hello.
    pub(crate) fn with_hello(
        hello: impl Fn(&Hello) -> Reply + Send + 'static,
        answer: impl Fn(&Request) -> Vec<Reply> + Send + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("bus.sock")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &heard, &|request| match request {
                    Request::Hello(it) => vec![hello(it)],
                    Request::Unsubscribe(_) => vec![Reply::Done],
                    other => answer(other),
                });
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

    /// What it was asked, without hellos.
    pub(crate) fn asked(&self) -> Vec<Request> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|request| !matches!(request, Request::Hello(_))).cloned().collect()
    }
}

/// Serves one client until it goes or an answer is empty.
fn serve(
    mut stream: UnixStream,
    heard: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> Vec<Reply>,
) {
    let (mut received, mut chunk) = (BytesMut::new(), [0; 4096]);
    loop {
        while let Some(incoming) =
            ServerCodec::serving(Some(Role::Control)).decode(&mut received).unwrap()
        {
            let request = incoming.request.unwrap();
            let replies = answer(&request);
            heard.lock().unwrap().push(request);
            let mut out = BytesMut::new();
            for reply in &replies {
                ServerCodec::serving(Some(Role::Control))
                    .encode((incoming.id, reply), &mut out)
                    .unwrap();
            }
            if replies.is_empty() || stream.write_all(&out).is_err() {
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => received.extend_from_slice(&chunk[..count]),
        }
    }
}
