//! Reading statistics: every second, of everything, so nothing is kept here but a buffer.

use units::{IfIndex, TcHandle};

use super::controller::{Controller, Failed, dump_request};
use super::dump::TC_MESSAGE;
use super::leaf::LeafStats;
use super::stats::Stats;
use crate::netlink::{attributes, u32_at};

/// The statistics of an HTB class, as one answer of a dump tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassStats {
    /// Its handle.
    pub handle: TcHandle,
    /// What it did so far.
    pub stats: Stats,
}

impl ClassStats {
    /// Decodes an `RTM_NEWTCLASS`; nothing for a truncated one and for classes that are not HTB's.
    fn decode(body: &[u8]) -> Option<Self> {
        let (head, rest) = body.split_at_checked(TC_MESSAGE)?;
        let mut is_htb = false;
        for (attribute, payload) in attributes(rest) {
            match attribute {
                libc::TCA_KIND => is_htb = payload == b"htb\0",
                // all that matters is in front of it or in it
                libc::TCA_STATS2 if is_htb => {
                    let handle = TcHandle::from_raw(u32_at(head, 8));
                    return Some(Self { handle, stats: Stats::decode(payload).0 });
                }
                _ => {}
            }
        }
        None
    }
}

impl Controller {
    /// Hands over the statistics of each HTB class on `nic`, in no order, along with what `start`
    /// made. Both begin anew when a dump does not succeed at once.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn class_stats<T>(
        &mut self,
        nic: IfIndex,
        start: impl FnMut() -> T,
        mut each: impl FnMut(&mut T, &ClassStats),
    ) -> Result<T, Failed> {
        let mut request = dump_request(libc::RTM_GETTCLASS, nic);
        self.socket
            .dump(&mut request, start, |all, kind, body| {
                if kind == libc::RTM_NEWTCLASS
                    && let Some(class) = ClassStats::decode(body)
                {
                    each(all, &class);
                }
            })
            .map_err(|source| Failed::Unread { what: "statistics of the classes", source })
    }

    /// Likewise those of each qdisc that is under a class on one of `nics`, but for the invisible
    /// ones that HTB makes for its own leaves. It takes one dump, as the kernel dumps the qdiscs of
    /// every NIC whatever it is asked for.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn leaf_stats<T>(
        &mut self,
        nics: &[IfIndex],
        start: impl FnMut() -> T,
        mut each: impl FnMut(&mut T, &LeafStats<'_>),
    ) -> Result<T, Failed> {
        let mut request = dump_request(libc::RTM_GETQDISC, IfIndex::default());
        self.socket
            .dump(&mut request, start, |all, kind, body| {
                if kind == libc::RTM_NEWQDISC
                    && let Some(leaf) = LeafStats::decode(body, |nic| nics.contains(&nic))
                {
                    each(all, &leaf);
                }
            })
            .map_err(|source| Failed::Unread { what: "statistics of the qdiscs", source })
    }

    /// Has the kernel dump all that those two read, without a look at it: the least that reading
    /// can cost. Tells the bytes that came.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn dump_unread(&mut self, nics: &[IfIndex]) -> Result<usize, Failed> {
        let mut requests: Vec<_> =
            nics.iter().map(|nic| dump_request(libc::RTM_GETTCLASS, *nic)).collect();
        requests.push(dump_request(libc::RTM_GETQDISC, IfIndex::default()));
        let mut bytes = 0;
        for request in &mut requests {
            bytes += self
                .socket
                .dump_unread(request)
                .map_err(|source| Failed::Unread { what: "statistics", source })?;
        }
        Ok(bytes)
    }
}
