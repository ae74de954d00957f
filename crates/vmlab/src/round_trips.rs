//! The daemon's round-trip times of a TCP connection, against the delays that netem gives either side
//! and against what the application itself sees.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bus::{RttGroup, RttPercentiles, RttQuery, RttRow};
use testkit::{Circuit, Place, Provider, wait_until};
use units::{PerSegment, Segment};

use crate::findings::Findings;
use crate::stage::{ANSWER_MAX, Programs, Stage};

const HOST: &str = "100.64.1.1";
const PORT: u16 = 7_000;
/// What a packet takes longer that leaves the customer, or the server.
const DELAY: PerSegment<Duration> =
    PerSegment { customer: Duration::from_millis(8), internet: Duration::from_millis(40) };
const QUESTIONS: u32 = 150;
/// Bytes of a question and of its answer.
const MESSAGE: usize = 200;
/// How far off a percentile may be: half of it for the bins of the histogram, half for a slow machine.
const OFF_MAX: f64 = 0.12;
/// How much slower than netem an emulated machine may be besides.
const LATE_MAX_MS: f64 = 2.0;

/// Questions and answers over one connection, and what the daemon makes of them.
pub(crate) fn run(programs: &Programs, findings: &mut Findings) -> Result<()> {
    let provider = Provider::flat(vec![Circuit::new("one", HOST, "", (20.0, 20.0))]);
    let stage = Stage::new(programs, &provider, &[HOST])?;
    stage.delay(Place::Customers, DELAY.customer)?;
    stage.delay(Place::Internet, DELAY.internet)?;
    let (seen, rtt) = converse(&stage)?;
    let mut sum = 0.0;
    for segment in Segment::ALL {
        let rtt = rtt[segment].with_context(|| format!("no samples of the {segment} side"))?;
        let truth = milliseconds(DELAY[segment]);
        let [median, p90] = [rtt.p50_us, rtt.p90_us].map(|us| us as f64 / 1e3);
        findings.measured(format!("{segment} side, netem {truth} ms: median"), median, "ms");
        findings.measured("p90", p90, "ms");
        findings.measured("samples", rtt.samples as f64, "");
        let right = truth * (1.0 - OFF_MAX)..=truth * (1.0 + OFF_MAX) + LATE_MAX_MS;
        findings.expect(right.contains(&median), || {
            format!("{segment} side: {median} ms instead of {truth}")
        });
        findings.expect(rtt.samples >= u64::from(QUESTIONS) / 2, || {
            format!("{segment} side: only {} samples", rtt.samples)
        });
        sum += median;
    }
    findings.measured("medians of both sides", sum, "ms");
    findings.measured("median that the application saw", seen, "ms");
    findings.expect((sum / seen - 1.0).abs() <= OFF_MAX, || {
        format!("both sides together are {sum:.1} ms, the application saw {seen:.1}")
    });
    Ok(())
}

/// Asks and answers; the application's median round trip in milliseconds, and the daemon's of the circuit.
fn converse(stage: &Stage) -> Result<(f64, PerSegment<Option<RttPercentiles>>)> {
    let host: IpAddr = HOST.parse()?;
    let server = SocketAddr::new(stage.lab.server_for(host), PORT);
    let [customers, internet] =
        [Place::Customers, Place::Internet].map(|place| stage.lab.namespace(place));
    let listener = internet.inside(|| TcpListener::bind(server).context("could not listen"))?;
    let seen = thread::scope(|scope| {
        let answering = scope.spawn(move || answer(&listener));
        let connection =
            customers.inside(|| TcpStream::connect(server).context("could not connect"))?;
        let seen = ask(connection)?;
        answering.join().ok().context("the server panicked")??;
        anyhow::Ok(seen)
    })?;
    let query = RttQuery { group: RttGroup::Circuits, ..RttQuery::default() };
    let rtt = wait_until("the daemon's next look", ANSWER_MAX, || {
        let page = stage.client()?.rtt(query.clone())?;
        let samples = |row: &RttRow| row.rtt.internet.map_or(0, |rtt| rtt.samples);
        let rows = page.rows.into_iter();
        Ok(rows.filter(|row| samples(row) >= u64::from(QUESTIONS) / 2).map(|row| row.rtt).next())
    })?;
    Ok((seen, rtt))
}

/// Each question follows the answer at once, and so acknowledges it at once, as does the end the last one: a
/// host that had nothing to say would wait with that.
fn ask(mut connection: TcpStream) -> Result<f64> {
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(ANSWER_MAX))?;
    let mut message = [0; MESSAGE];
    let mut times = Vec::new();
    for _ in 0..QUESTIONS {
        let asked = Instant::now();
        connection.write_all(&message).context("could not ask")?;
        connection.read_exact(&mut message).context("no answer came")?;
        times.push(milliseconds(asked.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    ensure!(!times.is_empty(), "nothing was asked");
    Ok(times[times.len() / 2])
}

/// Gives back what comes, until nothing comes any more.
fn answer(listener: &TcpListener) -> Result<()> {
    let (mut connection, _) = listener.accept().context("nobody came")?;
    connection.set_nodelay(true)?;
    let mut message = [0; MESSAGE];
    while connection.read_exact(&mut message).is_ok() {
        connection.write_all(&message).context("could not answer")?;
    }
    Ok(())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
