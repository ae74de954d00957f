//! Both clients against daemons that answer, refuse, keep silent, or are not there.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bus::*;
use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};
use units::Direction;

const SOON: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(50);

/// A daemon for one connection that answers with what `answer` gives, until the client goes.
fn daemon(
    path: &Path,
    mut answer: impl FnMut(Request) -> Vec<Reply> + Send + 'static,
) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut received, mut chunk) = (BytesMut::new(), [0; 4096]);
        loop {
            while let Some(incoming) =
                ServerCodec::serving(Some(Role::Control)).decode(&mut received).unwrap()
            {
                let mut out = BytesMut::new();
                for reply in answer(incoming.request.unwrap()) {
                    ServerCodec::serving(Some(Role::Control))
                        .encode((incoming.id, &reply), &mut out)
                        .unwrap();
                }
                // one byte at a time: frames arrive in pieces
                out.iter().for_each(|byte| stream.write_all(&[*byte]).unwrap_or_default());
            }
            match stream.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(count) => received.extend_from_slice(&chunk[..count]),
            }
        }
    })
}

fn answers(request: Request) -> Vec<Reply> {
    match request {
        Request::Hello(hello) => {
            vec![Reply::Welcome(Welcome::to(&hello, Role::Read, "9.9").unwrap())]
        }
        Request::Show(Topic::Status) => {
            vec![View::Status(Box::new(StatusView { circuits: 8, ..Default::default() })).into()]
        }
        Request::Subscribe(_) => {
            (1..=3).map(|tick| View::Tree(TreeView { tick, ..Default::default() }).into()).collect()
        }
        Request::Unsubscribe(_) => vec![Reply::Done],
        Request::Capture(asked) if asked.seconds == 0 => {
            vec![Refusal::new(ErrorCode::Invalid, "no time").into()]
        }
        Request::Capture(asked) => capture(&asked),
        request => vec![Refusal::new(ErrorCode::Denied, request.name()).into()],
    }
}

/// A capture of three packets in three batches, one of them empty.
fn capture(asked: &CaptureRequest) -> Vec<Reply> {
    let packet = |seen_ns| CapturedPacket {
        seen_ns,
        interface: 0,
        direction: Direction::Download,
        length: 1_514,
        bytes: vec![7; asked.snap_length.into()],
    };
    vec![
        Reply::Capturing(Capturing {
            interfaces: vec![],
            seconds: asked.seconds,
            packets: asked.packets,
            snap_length: asked.snap_length,
        }),
        Reply::Captured(vec![packet(1), packet(2)]),
        Reply::Captured(vec![]),
        Reply::Captured(vec![packet(3)]),
        Reply::CaptureEnded(CaptureEnded { captured: 3, lost: 0, reason: CaptureEnd::Seconds }),
    ]
}

fn ask(seconds: u32) -> CaptureRequest {
    let target = CaptureTarget::Circuit("1".into());
    CaptureRequest { target, seconds, packets: 9, snap_length: 200 }
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus.sock");
    (folder, path)
}

#[test]
fn the_blocking_client_asks_subscribes_and_hears_refusals() {
    let (_folder, path) = place();
    let server = daemon(&path, answers);
    let mut client = Client::connect(&path, SOON).unwrap();
    assert_eq!((client.welcome().role, &*client.welcome().daemon_version), (Role::Read, "9.9"));
    assert_eq!(client.status().unwrap().circuits, 8);
    let ticks: Vec<_> = client
        .subscribe(Topic::Tree(TreeQuery::default()))
        .unwrap()
        .take(2)
        .map(|view| match view.unwrap() {
            View::Tree(tree) => tree.tick,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ticks, [1, 2]);
    assert_eq!(client.status().unwrap().circuits, 8, "the third view is passed over");
    let error = client.bypass(true).unwrap_err();
    assert!(matches!(error, ClientError::Refused(Refusal { code: ErrorCode::Denied, .. })));
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_subscription_that_is_refused_is_given_up() {
    let (_folder, path) = place();
    let (tell, told) = std::sync::mpsc::channel();
    let server = daemon(&path, move |request| {
        let reply = match &request {
            Request::Subscribe(_) => vec![Refusal::new(ErrorCode::NotFound, "none").into()],
            _ => answers(request.clone()),
        };
        tell.send(request).unwrap();
        reply
    });
    let mut client = Client::connect(&path, SOON).unwrap();
    let refused: Vec<_> = client.subscribe(Topic::Status).unwrap().collect();
    assert!(matches!(&refused[..], [Err(ClientError::Refused(_))]));
    drop(client);
    server.join().unwrap();
    assert_eq!(told.iter().last(), Some(Request::Unsubscribe(2)));
}

#[tokio::test]
async fn the_async_client_asks_subscribes_and_hears_refusals() {
    let (_folder, path) = place();
    let server = daemon(&path, answers);
    let mut client = AsyncClient::connect(&path, SOON).await.unwrap();
    assert!(matches!(client.show(Topic::Status).await.unwrap(), View::Status(_)));
    let id = client.subscribe(Topic::Tree(TreeQuery::default())).await.unwrap();
    for expected in 1..=3 {
        assert!(
            matches!(client.next(id).await, Ok(View::Tree(TreeView { tick, .. })) if tick == expected)
        );
    }
    assert!(matches!(client.call(&Request::Reload { shrink: false }).await, Ok(Reply::Error(_))));
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_capture_comes_in_batches_and_ends_with_its_counts() {
    let (_folder, path) = place();
    let server = daemon(&path, answers);
    let mut client = Client::connect(&path, SOON).unwrap();
    let mut capture = client.capture(ask(30)).unwrap();
    assert_eq!(capture.capturing().snap_length, 200);
    let batches: Vec<Vec<u64>> = capture
        .by_ref()
        .map(|batch| batch.unwrap().iter().map(|packet| packet.seen_ns).collect())
        .collect();
    assert_eq!(batches, [vec![1, 2], vec![], vec![3]]);
    assert_eq!(capture.ended().unwrap().captured, 3);
    drop(capture);
    let refused = client.capture(ask(0)).unwrap_err();
    assert!(matches!(refused, ClientError::Refused(Refusal { code: ErrorCode::Invalid, .. })));
    assert_eq!(client.status().unwrap().circuits, 8, "the connection goes on");
    drop(client);
    server.join().unwrap();
}

/// A daemon whose captures go on until they are unsubscribed; it tells what it was asked.
fn endless(path: &Path) -> (JoinHandle<()>, std::sync::mpsc::Receiver<Request>) {
    let (tell, asked) = std::sync::mpsc::channel();
    let server = daemon(path, move |request| {
        tell.send(request.clone()).unwrap();
        match request {
            Request::Capture(asked) => capture(&asked)[..2].to_vec(),
            request => answers(request),
        }
    });
    (server, asked)
}

#[test]
fn a_capture_that_is_dropped_is_ended() {
    let (_folder, path) = place();
    let (server, asked) = endless(&path);
    let mut client = Client::connect(&path, SOON).unwrap();
    let first = client.capture(ask(30)).unwrap().next().unwrap().unwrap();
    assert_eq!(first.len(), 2);
    drop(client);
    server.join().unwrap();
    let asked: Vec<Request> = asked.iter().collect();
    assert!(matches!(asked[..], [Request::Hello(_), Request::Capture(_), Request::Unsubscribe(2)]));
}

#[tokio::test]
async fn the_async_client_captures_and_ends_it() {
    let (_folder, path) = place();
    let (server, asked) = endless(&path);
    let mut client = AsyncClient::connect(&path, SOON).await.unwrap();
    let (id, capturing) = client.capture(ask(30)).await.unwrap();
    assert_eq!(capturing.packets, 9);
    let step = client.next_step(id).await.unwrap();
    assert!(matches!(step, CaptureStep::Packets(packets) if packets.len() == 2));
    client.unsubscribe(id).await.unwrap();
    assert!(matches!(client.show(Topic::Status).await.unwrap(), View::Status(_)));
    drop(client);
    server.join().unwrap();
    assert!(asked.iter().any(|request| request == Request::Unsubscribe(id)));
}

#[tokio::test]
async fn a_silent_daemon_costs_no_more_than_the_deadline() {
    let (_folder, path) = place();
    let _silent = UnixListener::bind(&path).unwrap();
    let asked = Instant::now();
    let error = Client::connect(&path, SHORT).unwrap_err();
    assert!(matches!(error, ClientError::Timeout { waited } if waited == SHORT));
    let error = AsyncClient::connect(&path, SHORT).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { .. }));
    assert!(asked.elapsed() < SOON);
}

#[test]
fn a_daemon_whose_backlog_is_full_costs_no_more_than_the_deadline() {
    let (_folder, path) = place();
    let listener = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&listener, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _first = UnixStream::connect(&path).unwrap();
    let asked = Instant::now();
    let error = Client::connect(&path, SHORT).unwrap_err();
    assert!(matches!(error, ClientError::Timeout { .. }), "{error:?}");
    assert!(asked.elapsed() < SOON);
}

#[test]
fn a_daemon_that_hangs_up_is_told_from_one_that_is_slow() {
    let (_folder, path) = place();
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || drop(listener.accept().unwrap()));
    assert!(matches!(Client::connect(&path, SOON).unwrap_err(), ClientError::Closed));
    server.join().unwrap();
}

#[tokio::test]
async fn nobody_there_is_its_own_error() {
    let (_folder, path) = place();
    assert!(matches!(Client::connect(&path, SOON), Err(ClientError::NotRunning { .. })));
    assert!(matches!(AsyncClient::connect(&path, SOON).await, Err(ClientError::NotRunning { .. })));
    drop(UnixListener::bind(&path).unwrap());
    assert!(
        matches!(Client::connect(&path, SOON), Err(ClientError::NotRunning { .. })),
        "left behind"
    );
}

#[test]
fn no_permission_is_its_own_error() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: root may open everything");
        return;
    }
    let (_folder, path) = place();
    let _listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    assert!(matches!(Client::connect(&path, SOON), Err(ClientError::PermissionDenied { .. })));
}
