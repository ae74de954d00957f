//! A stream of numbered UDP packets at a constant rate: what is lost, doubled, late.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use units::{BitsPerSec, Direction};

use crate::{Lab, Place};

/// Bytes of the number and the time of sending at the start of every packet.
const STAMP: usize = 16;
/// Bytes of the IP and UDP headers, counted as IPv4's.
const HEADERS: u64 = 28;
/// Packets that go out at once after a late wake-up.
const MISSED_MAX: u32 = 32;
/// How long the receiver listens after the last packet was sent.
const TAIL: Duration = Duration::from_millis(500);
/// How long a single receive call rests.
const SLICE: Duration = Duration::from_millis(20);

/// What to send.
#[derive(Clone, Debug)]
pub struct UdpStream {
    /// The customer's address.
    pub customer: IpAddr,
    /// Which way it goes.
    pub direction: Direction,
    /// The receiver's port.
    pub port: u16,
    /// Payload bytes of a packet, at least 16.
    pub payload: u16,
    /// IP bits a second.
    pub rate: BitsPerSec,
    /// For how long.
    pub duration: Duration,
}

/// What arrived.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UdpReport {
    /// Packets sent.
    pub sent: u64,
    /// Different packets received.
    pub received: u64,
    /// Packets received more than once.
    pub duplicated: u64,
    /// Packets that arrived after one sent later.
    pub reordered: u64,
    /// The longest time between two arrivals.
    pub longest_gap: Duration,
    /// Times on the way, ascending.
    pub delays: Vec<Duration>,
}

impl UdpReport {
    /// Packets that never arrived.
    pub fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received)
    }
}

impl UdpStream {
    /// A stream of 1,000-byte packets.
    pub fn new(customer: IpAddr, direction: Direction, port: u16, rate: BitsPerSec) -> Self {
        Self { customer, direction, port, payload: 1000, rate, duration: Duration::from_secs(2) }
    }

    /// Sends the whole stream and waits for what arrives.
    ///
    /// # Errors
    /// When the addresses cannot be used.
    pub fn run(&self, lab: &Lab) -> Result<UdpReport> {
        self.run_until(lab, &AtomicBool::new(false))
    }

    /// The same, but ends early when `over` is set.
    ///
    /// # Errors
    /// Likewise.
    pub fn run_until(&self, lab: &Lab, over: &AtomicBool) -> Result<UdpReport> {
        let server = lab.server_for(self.customer);
        let (from, from_place, to, to_place) = match self.direction {
            Direction::Download => (server, Place::Internet, self.customer, Place::Customers),
            Direction::Upload => (self.customer, Place::Customers, server, Place::Internet),
        };
        let bind = |place: Place, address: SocketAddr| {
            lab.namespace(place).inside(|| {
                UdpSocket::bind(address).with_context(|| format!("could not bind to {address}"))
            })
        };
        let receiver = bind(to_place, SocketAddr::new(to, self.port))?;
        let sender = bind(from_place, SocketAddr::new(from, 0))?;
        sender.connect(SocketAddr::new(to, self.port)).context("could not connect")?;
        receiver.set_read_timeout(Some(SLICE)).context("could not set a receive deadline")?;
        let start = Instant::now();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let arrivals = scope.spawn(|| receive(&receiver, start, &done));
            let sent = self.send(&sender, start, over);
            done.store(true, Ordering::Relaxed);
            let mut report = arrivals.join().unwrap_or_default();
            report.sent = sent;
            Ok(report)
        })
    }

    /// Sends by the clock: what a late wake-up missed goes out at once, as far as queues on the way hold it.
    /// The rest goes out later.
    fn send(&self, socket: &UdpSocket, start: Instant, over: &AtomicBool) -> u64 {
        let mut packet = vec![0; usize::from(self.payload).max(STAMP)];
        let bits = (packet.len() as u64 + HEADERS) * 8;
        let interval = Duration::from_secs_f64(bits as f64 / self.rate.get().max(1) as f64);
        let mut number = 0_u64;
        let mut sent = 0;
        let mut shift = Duration::ZERO;
        loop {
            let due = shift + interval.mul_f64(number as f64);
            let late = start.elapsed().saturating_sub(due);
            shift += late.saturating_sub(interval * MISSED_MAX);
            if due >= self.duration || over.load(Ordering::Relaxed) {
                return sent;
            }
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            packet[..8].copy_from_slice(&number.to_be_bytes());
            packet[8..STAMP].copy_from_slice(&nanoseconds(start.elapsed()).to_be_bytes());
            // A full queue of the sender's own is no loss on the way.
            sent += u64::from(socket.send(&packet).is_ok());
            number += 1;
        }
    }
}

fn receive(socket: &UdpSocket, start: Instant, done: &AtomicBool) -> UdpReport {
    let mut report = UdpReport::default();
    let mut seen = Vec::new();
    let mut highest = None;
    let mut last = None;
    let mut end = None;
    let mut packet = [0; 65_536];
    loop {
        if end.is_none() && done.load(Ordering::Relaxed) {
            end = Some(Instant::now() + TAIL);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            report.delays.sort();
            return report;
        }
        let length = match socket.recv(&mut packet) {
            Ok(length) => length,
            Err(error) if is_pause(&error) => continue,
            Err(_) => return report,
        };
        let now = start.elapsed();
        let Some((number, at)) = stamp(&packet[..length]) else { continue };
        if let Some(last) = last.replace(now) {
            report.longest_gap = report.longest_gap.max(now.saturating_sub(last));
        }
        if first_time(&mut seen, number) {
            report.received += 1;
            report.reordered += u64::from(highest.is_some_and(|highest| number < highest));
            report.delays.push(now.saturating_sub(at));
        } else {
            report.duplicated += 1;
        }
        highest = highest.max(Some(number));
    }
}

/// The number and the time of sending.
fn stamp(packet: &[u8]) -> Option<(u64, Duration)> {
    let number = packet.first_chunk::<8>()?;
    let at = packet.get(8..)?.first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), Duration::from_nanos(u64::from_be_bytes(*at))))
}

fn first_time(seen: &mut Vec<bool>, number: u64) -> bool {
    let Ok(index) = usize::try_from(number) else { return false };
    if index >= seen.len() {
        seen.resize(index + 1, false);
    }
    !std::mem::replace(&mut seen[index], true)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn is_pause(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_only_once() {
        let mut seen = Vec::new();
        assert!(first_time(&mut seen, 3));
        assert!(first_time(&mut seen, 0));
        assert!(!first_time(&mut seen, 3));
    }
}
