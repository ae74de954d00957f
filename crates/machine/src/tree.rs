//! `/sys` and `/proc` below a root.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Files below a root, by paths like `sys/class/net/eth0/mtu`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree(PathBuf);

impl Tree {
    /// This machine's.
    pub fn this() -> Self {
        Self::at("/")
    }

    /// Those below `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// Where a file is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// What a file says, without white space around it.
    ///
    /// # Errors
    /// When it cannot be read as text.
    pub fn read(&self, path: &str) -> io::Result<String> {
        Ok(fs::read_to_string(self.path(path))?.trim().to_owned())
    }

    /// The number that a file says.
    ///
    /// # Errors
    /// When it cannot be read, or says something else.
    pub fn number(&self, path: &str) -> io::Result<u64> {
        let text = self.read(path)?;
        text.parse().map_err(|_| not_as_expected(&text))
    }

    /// Names in a folder, shorter ones first so that `tx-2` comes before `tx-10`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut names = fs::read_dir(self.path(path))?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort_by_cached_key(|name| (name.len(), name.clone()));
        Ok(names)
    }

    /// The last name of what a link points to.
    ///
    /// # Errors
    /// When there is no such link.
    pub fn link(&self, path: &str) -> io::Result<String> {
        let target = fs::read_link(self.path(path))?;
        Ok(target.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }

    /// Whether there is something at a path.
    pub fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Writes to a file that exists. The kernel takes a value in one write.
    ///
    /// # Errors
    /// When there is no such file, or the kernel refuses the value.
    pub fn write(&self, path: &str, value: &str) -> io::Result<()> {
        let path: &Path = &self.path(path);
        io::Write::write_all(
            &mut fs::File::options().write(true).truncate(true).open(path)?,
            value.as_bytes(),
        )
    }
}

/// Text that is not what the kernel writes there.
pub(crate) fn not_as_expected(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it says {text:?}"))
}
