//! Detaching what a daemon that has ended left attached.

use units::IfIndex;

use super::DatapathError;
use super::filter::{self, Clsact};
use super::pins::Pins;

impl Pins {
    /// The NICs on which a daemon before has left programs, as far as pins and marks tell.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn nics(&self) -> Result<Vec<IfIndex>, DatapathError> {
        let linked = self.links()?.into_iter().filter_map(|(_, link)| Some(link.state().ok()?.nic));
        let mut nics: Vec<_> = linked.chain(filter::marked(self)?).collect();
        nics.sort();
        nics.dedup();
        // that of a NIC that has gone
        nics.retain(|nic| *nic != IfIndex::default());
        Ok(nics)
    }

    /// Detaches what a daemon before has left on these NICs: first nothing comes in by its programs, then
    /// nothing goes out.
    ///
    /// # Errors
    /// When a pin cannot be removed.
    pub fn take_out(&self, nics: &[IfIndex]) -> Result<(), DatapathError> {
        let mut links = self.links()?;
        links.sort_by_key(|(name, _)| !name.starts_with("xdp"));
        for (name, link) in links {
            self.remove(&name)?;
            drop(link);
        }
        nics.iter().copied().for_each(filter::remove_ours);
        for clsact in Clsact::stale(&[], self)? {
            clsact.remove(self);
        }
        self.remove_passing()
    }
}
