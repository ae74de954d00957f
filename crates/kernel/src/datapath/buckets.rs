//! Single IPv4 addresses, in buckets of one cache line each.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use super::mapped::Mapped;

/// Places of a bucket.
const PLACES: usize = size_of::<abi::Bucket>() / size_of::<abi::Ipv4Host>();
/// The place that says whether there are more.
const LAST: usize = PLACES - 1;

/// The buckets. The programs read them while they are written: each place whole.
#[derive(Debug)]
pub(super) struct Buckets(pub(super) Mapped<abi::Bucket>);

/// How many buckets so many hosts are given: with all of them IPv4 a bucket is half full, and of a
/// thousand buckets some 20 have hosts elsewhere.
pub(super) const fn count(hosts: u32) -> u32 {
    let count = hosts.div_ceil(4);
    if count == 0 { 1 } else { count }
}

/// Whether an address can be in a bucket: two stand for something else there.
pub(super) fn fits(host: Ipv4Addr) -> bool {
    !host.is_unspecified() && host != Ipv4Addr::BROADCAST
}

impl Buckets {
    /// The bucket of an address: the same arithmetic as in `find_ipv4_host`.
    pub(super) fn bucket(&self, host: Ipv4Addr) -> usize {
        let hash = u32::from(host).wrapping_mul(abi::BUCKET_MULTIPLIER);
        ((u64::from(hash) * self.0.rows() as u64) >> 32) as usize
    }

    fn at(&self, bucket: usize, place: usize) -> abi::Ipv4Host {
        bytemuck::cast(self.0.word(bucket, place).load(Ordering::Acquire))
    }

    fn put_at(&self, bucket: usize, place: usize, entry: abi::Ipv4Host) {
        self.0.word(bucket, place).store(bytemuck::cast(entry), Ordering::Release);
    }

    fn place_of(&self, bucket: usize, address: u32) -> Option<usize> {
        (0..PLACES).find(|place| self.at(bucket, *place).address == address)
    }

    /// Writes a host into its bucket; false when there is no place.
    pub(super) fn put(&self, host: Ipv4Addr, target: u32) -> bool {
        let (bucket, address) = (self.bucket(host), raw(host));
        let place = self.place_of(bucket, address).or_else(|| self.place_of(bucket, 0));
        if let Some(place) = place {
            self.put_at(bucket, place, abi::Ipv4Host { address, target });
        }
        place.is_some()
    }

    /// Makes a full bucket say that there are more, once `elsewhere` has taken the host that sits
    /// where it says so.
    ///
    /// # Errors
    /// That of `elsewhere`.
    pub(super) fn spill<E>(
        &self,
        host: Ipv4Addr,
        elsewhere: impl FnOnce(Ipv4Addr, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let bucket = self.bucket(host);
        let last = self.at(bucket, LAST);
        if last.address == abi::BUCKET_MORE {
            return Ok(());
        }
        elsewhere(address(last.address), last.target)?;
        self.put_at(bucket, LAST, abi::Ipv4Host { address: abi::BUCKET_MORE, target: 0 });
        Ok(())
    }

    /// Takes a host out of its bucket; tells whether it may be elsewhere.
    pub(super) fn remove(&self, host: Ipv4Addr) -> bool {
        let bucket = self.bucket(host);
        if let Some(place) = self.place_of(bucket, raw(host)) {
            self.put_at(bucket, place, abi::Ipv4Host::default());
        }
        self.at(bucket, LAST).address == abi::BUCKET_MORE
    }

    /// All hosts with what they lead to.
    pub(super) fn read(&self) -> impl Iterator<Item = (Ipv4Addr, u32)> {
        (0..self.0.rows())
            .flat_map(|bucket| (0..PLACES).map(move |place| (bucket, place)))
            .map(|(bucket, place)| self.at(bucket, place))
            .filter(|host| host.address != 0 && host.address != abi::BUCKET_MORE)
            .map(|host| (address(host.address), host.target))
    }
}

/// As the programs compare it: network order.
fn raw(host: Ipv4Addr) -> u32 {
    u32::from_ne_bytes(host.octets())
}

fn address(raw: u32) -> Ipv4Addr {
    raw.to_ne_bytes().into()
}
