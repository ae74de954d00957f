//! Figures over HTTP, for Prometheus and its kin.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::metrics::{CIRCUITS_MAX, Format, Reading};
use bus::{CircuitRow, CircuitsQuery, QueuesView, StatusView, Topic, TreeQuery, TreeView, View};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use crate::serve::Moment;
use crate::shared::Shared;

/// Connections that are served at once; others wait.
const CONNECTIONS_MAX: usize = 16;

/// How long a client may take to send the head of a request,
const HEAD_MAX: Duration = Duration::from_secs(5);

/// and how long one connection may last: scrapers come again.
const CONNECTION_MAX: Duration = Duration::from_secs(10);

/// For how long a text is told to whoever else asks: a tick.
const TEXT_MAX: Duration = Duration::from_secs(1);

/// After what time an address is tried again that could not be had.
const BIND_AGAIN: Duration = Duration::from_secs(5);

/// The pause after the system gave no connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is told to those who look elsewhere.
const ELSEWHERE: &str = "Figures are at /metrics.\n";

/// Tells figures for as long as it is polled, where that is wanted.
pub async fn tell(wanted: config::Metrics, shared: &Arc<Shared>) {
    let Some(address) = wanted.listen else { return std::future::pending().await };
    let listener = bind(address, shared).await;
    info!(%address, "figures are told at /metrics");
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // one text at a time, however many ask: that of a large network takes its time, and memory
    let texts = Arc::new(Mutex::new(Texts::default()));
    loop {
        // it is never closed
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (shared, circuits) = (Arc::clone(shared), wanted.circuits);
                let texts = Arc::clone(&texts);
                tokio::spawn(async move {
                    let _place = place;
                    serve(stream, shared, circuits, texts).await;
                });
            }
            Err(error) => {
                warn!(%error, "could not accept a client of the figures");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Listens on the address, as soon as it can be had: traffic is shaped without figures too.
async fn bind(address: SocketAddr, shared: &Shared) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                shared.metrics_problem.store(None);
                return listener;
            }
            Err(error) => {
                let problem =
                    format!("could not tell figures at {address} ([metrics] listen): {error}");
                if shared.metrics_problem.load().is_none() {
                    warn!("{problem}");
                }
                shared.metrics_problem.store(Some(Arc::new(problem)));
                tokio::time::sleep(BIND_AGAIN).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, circuits: bool, texts: Arc<Mutex<Texts>>) {
    let service = service_fn(move |request| {
        let (shared, texts) = (Arc::clone(&shared), Arc::clone(&texts));
        async move {
            let mut texts = texts.lock().await;
            Ok::<_, Infallible>(answer(&request, &shared, circuits, &mut texts))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).keep_alive(true);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    match timeout(CONNECTION_MAX, connection).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => debug!(%error, "a client's request for figures ended"),
    }
}

/// The texts that were made last. Clones of one share its memory.
#[derive(Debug, Default)]
struct Texts(Vec<(Format, Instant, Bytes)>);

impl Texts {
    /// The text in this format, made now unless it was just made.
    fn newest(&mut self, format: Format, now: Instant, make: impl FnOnce() -> String) -> Bytes {
        self.0.retain(|(_, made, _)| now.duration_since(*made) < TEXT_MAX);
        if let Some((_, _, text)) = self.0.iter().find(|(of, _, _)| *of == format) {
            return text.clone();
        }
        let text = Bytes::from(make());
        self.0.push((format, now, text.clone()));
        text
    }
}

fn answer(
    request: &Request<Incoming>,
    shared: &Shared,
    circuits: bool,
    texts: &mut Texts,
) -> Response<Full<Bytes>> {
    let plain = "text/plain; charset=utf-8";
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = response(StatusCode::METHOD_NOT_ALLOWED, plain, ELSEWHERE.into());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    if request.uri().path() != "/metrics" {
        return response(StatusCode::NOT_FOUND, plain, ELSEWHERE.into());
    }
    let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accepts.unwrap_or_default());
    // thousands of lines: others are served meanwhile
    let make = || tokio::task::block_in_place(|| text(shared, circuits, format));
    let text = texts.newest(format, Instant::now(), make);
    response(StatusCode::OK, format.content_type(), text)
}

fn response(status: StatusCode, kind: &'static str, text: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn text(shared: &Shared, circuits: bool, format: Format) -> String {
    let moment = Moment::newest(shared);
    let (status, tree, queues) = views(&moment);
    let circuits = circuits.then(|| all_circuits(&moment));
    let reading =
        Reading { status: &status, tree: &tree, queues: &queues, circuits: circuits.as_deref() };
    ::metrics::text(&reading, format)
}

/// The views that are always shown.
fn views(moment: &Moment<'_>) -> (StatusView, TreeView, QueuesView) {
    let (mut status, mut tree, mut queues) = Default::default();
    for topic in [Topic::Status, Topic::Tree(TreeQuery::default()), Topic::Queues] {
        match moment.view(&topic) {
            Ok(View::Status(view)) => status = *view,
            Ok(View::Tree(view)) => tree = view,
            Ok(View::Queues(view)) => queues = view,
            // none of these queries names what may not exist
            Ok(_) | Err(_) => {}
        }
    }
    (status, tree, queues)
}

/// All circuits in the order of their ids, but not without end.
fn all_circuits(moment: &Moment<'_>) -> Vec<CircuitRow> {
    let mut rows = Vec::new();
    loop {
        let query = CircuitsQuery {
            offset: rows.len() as u32,
            limit: CircuitsQuery::MAX_LIMIT,
            ..CircuitsQuery::default()
        };
        let Ok(View::Circuits(page)) = moment.view(&Topic::Circuits(query)) else { return rows };
        let is_last = page.rows.len() < CircuitsQuery::MAX_LIMIT as usize;
        rows.extend(page.rows);
        if is_last || rows.len() > CIRCUITS_MAX {
            return rows;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_in_the_same_second_is_told_the_same_text() {
        let (now, mut texts, mut made) = (Instant::now(), Texts::default(), 0);
        let mut ask = |format, after_ms| {
            let make = || {
                made += 1;
                format!("text {made}")
            };
            texts.newest(format, now + Duration::from_millis(after_ms), make)
        };
        let first = ask(Format::Prometheus, 0);
        assert_eq!(ask(Format::OpenMetrics, 10), "text 2");
        assert_eq!(ask(Format::Prometheus, 999).as_ptr(), first.as_ptr(), "the same memory");
        assert_eq!(ask(Format::Prometheus, 1_000), "text 3");
    }
}
