//! The switch beside a box on a stick: it carries each side in its own VLAN.
//!
//! Kernels may lack VLAN filtering in bridges, so a thread moves the frames: macvtap devices give
//! them with their tags in place. It is made for the rates of tests, not for speed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::topology::{SWITCH_CUSTOMERS, SWITCH_INTERNET, SWITCH_TRUNK};
use crate::{Namespace, process};

/// A macvtap puts this many bytes of offload information before each frame.
const OFFLOAD_HEADER: usize = 10;
/// The largest frame, with room for a tag.
const FRAME: usize = 65_536;
/// Bytes of the two MAC addresses.
const ADDRESSES: usize = 12;
/// Ethernet type of a VLAN tag.
const TPID: [u8; 2] = [0x81, 0x00];
/// How long the thread may take to notice that it is to stop, in nanoseconds.
const STOP_LATENCY_NS: i64 = 50_000_000;

/// A running switch.
#[derive(Debug)]
pub(crate) struct Switch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Switch {
    /// Starts moving frames between the switch's three ports.
    pub(crate) fn start(
        namespace: &Namespace,
        folder: &Path,
        customers_vlan: u16,
        internet_vlan: u16,
    ) -> Result<Self> {
        let ports = Ports {
            trunk: open_port(namespace, folder, SWITCH_TRUNK)?,
            access: [
                (customers_vlan, open_port(namespace, folder, SWITCH_CUSTOMERS)?),
                (internet_vlan, open_port(namespace, folder, SWITCH_INTERNET)?),
            ],
        };
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("switch".to_owned())
            .spawn(move || {
                if let Err(error) = ports.carry(&seen) {
                    eprintln!("the switch stopped: {error}");
                }
            })
            .context("could not start the switch")?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed; the lab goes either way.
            let _ = thread.join();
        }
    }
}

/// A tagged trunk and untagged ports with their VLAN.
struct Ports {
    trunk: File,
    access: [(u16, File); 2],
}

impl Ports {
    fn carry(&self, stop: &AtomicBool) -> io::Result<()> {
        let mut buffer = vec![0; OFFLOAD_HEADER + FRAME];
        while !stop.load(Ordering::Relaxed) {
            for port in self.readable()? {
                let length = match (&mut self.port(port)).read(&mut buffer) {
                    Ok(length) => length,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(error) => return Err(error),
                };
                if let Some(frame) = buffer.get(OFFLOAD_HEADER..length) {
                    self.forward(port, frame);
                }
            }
        }
        Ok(())
    }

    /// Which ports have a frame: 0 is the trunk, the others are access ports.
    fn readable(&self) -> io::Result<Vec<usize>> {
        let mut polled = [
            PollFd::from_borrowed_fd(self.trunk.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.access[0].1.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.access[1].1.as_fd(), PollFlags::IN),
        ];
        poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: STOP_LATENCY_NS }))?;
        Ok((0..polled.len()).filter(|port| !polled[*port].revents().is_empty()).collect())
    }

    fn port(&self, port: usize) -> &File {
        if port == 0 { &self.trunk } else { &self.access[port - 1].1 }
    }

    /// Tags what goes to the trunk, untags what comes from it. A full port loses the frame, as a
    /// switch does.
    fn forward(&self, port: usize, frame: &[u8]) {
        if port > 0 {
            if let Some(tagged) = tag(frame, self.access[port - 1].0) {
                let _ = (&self.trunk).write(&tagged);
            }
        } else if let Some((vlan, untagged)) = untag(frame)
            && let Some((_, access)) = self.access.iter().find(|(of, _)| *of == vlan)
        {
            let _ = (&*access).write(&untagged);
        }
    }
}

/// The frame with a tag, after an empty offload header.
fn tag(frame: &[u8], vlan: u16) -> Option<Vec<u8>> {
    let (addresses, rest) = frame.split_at_checked(ADDRESSES)?;
    Some([&[0; OFFLOAD_HEADER], addresses, &TPID, &vlan.to_be_bytes(), rest].concat())
}

/// The VLAN and the frame without its tag, after an empty offload header.
fn untag(frame: &[u8]) -> Option<(u16, Vec<u8>)> {
    let (addresses, rest) = frame.split_at_checked(ADDRESSES)?;
    let [tpid0, tpid1, tci0, tci1, rest @ ..] = rest else { return None };
    if [*tpid0, *tpid1] != TPID {
        return None;
    }
    let vlan = u16::from_be_bytes([*tci0, *tci1]) & 0x0fff;
    Some((vlan, [&[0; OFFLOAD_HEADER], addresses, rest].concat()))
}

/// Puts a macvtap on one of the switch's NICs and opens it.
fn open_port(namespace: &Namespace, folder: &Path, nic: &str) -> Result<File> {
    let tap = format!("{nic}-tap");
    namespace.ip_batch(
        folder,
        &[
            format!("link add link {nic} name {tap} type macvtap mode passthru"),
            // else it takes no multicast, and IPv6 finds no neighbours
            format!("link set {tap} allmulticast on up"),
        ],
    )?;
    let mut command = namespace.command("sh");
    command.args(["-c", &format!("cat /sys/class/net/{tap}/macvtap/tap*/dev")]);
    let numbers = process::run(&mut command, Duration::from_secs(10))?.checked()?.stdout;
    let (major, minor) = numbers.trim().split_once(':').context("no device number")?;
    let node = folder.join(&tap);
    let device = makedev(major.parse()?, minor.parse()?);
    mknodat(CWD, &node, FileType::CharacterDevice, Mode::RUSR | Mode::WUSR, device)
        .with_context(|| format!("could not make {}", node.display()))?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&node)
        .with_context(|| format!("could not open {}", node.display()))?;
    rustix::io::ioctl_fionbio(&file, true).context("could not make a port non-blocking")?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_goes_on_and_off() {
        let frame: Vec<u8> = (0..60).collect();
        let tagged = tag(&frame, 100).unwrap();
        assert_eq!(tagged.len(), OFFLOAD_HEADER + frame.len() + 4);
        let (vlan, untagged) = untag(&tagged[OFFLOAD_HEADER..]).unwrap();
        assert_eq!(vlan, 100);
        assert_eq!(&untagged[OFFLOAD_HEADER..], frame);
        assert!(untag(&frame).is_none());
    }
}
