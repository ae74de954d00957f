//! The configuration's files on disk: whether they were changed, and writing them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tracing::{info, warn};

/// By which a file that was written is told from the one before: inode, size, time. None where there is
/// no file.
type Stamp = Option<(u64, u64, SystemTime)>;

/// What files were like at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamps(Vec<Stamp>);

impl Stamps {
    /// Looks at the files.
    pub fn of(files: &[&Path]) -> Self {
        let stamp = |file: &&Path| {
            let found = fs::metadata(file).ok()?;
            Some((found.ino(), found.len(), found.modified().ok()?))
        };
        Self(files.iter().map(stamp).collect())
    }
}

/// New contents of files, beside them under other names. Dropped without [`Staged::commit`], they are gone.
#[derive(Debug, Default)]
pub struct Staged {
    /// Each with its new content's.
    files: Vec<(PathBuf, PathBuf)>,
    /// What says that they are being put in place.
    mark: Option<PathBuf>,
}

impl Staged {
    /// Writes the contents, with the owner and the rights of the files that they are to replace.
    ///
    /// # Errors
    /// The first file that cannot be written, as where the disk is full.
    pub fn write(contents: &[(&Path, &[u8])]) -> io::Result<Self> {
        let mut staged = Self::default();
        for (path, bytes) in contents {
            // a link is followed, not replaced
            let path = fs::canonicalize(path)?;
            let new = beside(&path, "new");
            staged.files.push((path.clone(), new.clone()));
            let old = fs::metadata(&path)?;
            // what an interrupted change has left may be anything
            let _ = fs::remove_file(&new);
            let mut file = File::create_new(&new)?;
            file.set_permissions(old.permissions())?;
            fchown(&file, Some(old.uid()), Some(old.gid()))?;
            file.write_all(bytes)?;
        }
        Ok(staged)
    }

    /// Puts them in the place of the old ones: all, whatever happens meanwhile, or none. Where there are
    /// several, a mark says that this has begun, and [`finish`] completes it.
    ///
    /// # Errors
    /// When the disk does not take them. Then the old files are there, unless the error came between two:
    /// then the first is new.
    pub fn commit(mut self) -> io::Result<()> {
        for (_, new) in &self.files {
            File::open(new)?.sync_all()?;
        }
        self.mark = self.files.get(1).map(|(path, _)| beside(path, "commit"));
        if let Some(mark) = &self.mark {
            let _ = fs::remove_file(mark);
            File::create_new(mark)?.sync_all()?;
            sync_folder(mark)?;
        }
        for (path, new) in &self.files {
            fs::rename(new, path)?;
            sync_folder(path)?;
        }
        self.files.clear();
        self.mark.take().map_or(Ok(()), fs::remove_file)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for file in self.files.iter().map(|(_, new)| new).chain(&self.mark) {
            let _ = fs::remove_file(file);
        }
    }
}

/// Ends what a daemon that was killed while it wrote these files has left: completes what it had begun to
/// put in place, removes what it had not.
pub fn finish(files: &[&Path]) {
    let files: Vec<_> = files.iter().filter_map(|file| fs::canonicalize(file).ok()).collect();
    let mark = files.iter().map(|file| beside(file, "commit")).find(|mark| mark.exists());
    for file in &files {
        let new = beside(file, "new");
        if !new.exists() {
            continue;
        }
        let path = file.display();
        let ended = if mark.is_some() { fs::rename(&new, file) } else { fs::remove_file(&new) };
        match ended {
            Ok(()) => info!(%path, completed = mark.is_some(), "ended an interrupted change"),
            Err(error) => warn!(%path, %error, "could not end an interrupted change"),
        }
    }
    if let Some(mark) = mark {
        let _ = fs::remove_file(mark);
    }
}

/// A hidden file in the same folder.
fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tidegate-{what}"))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            fs::write(folder.path("a"), "old a").unwrap();
            fs::write(folder.path("b"), "old b").unwrap();
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn texts(&self) -> [String; 2] {
            ["a", "b"].map(|name| fs::read_to_string(self.path(name)).unwrap())
        }

        fn names(&self) -> usize {
            fs::read_dir(self.0.path()).unwrap().count()
        }

        fn stage(&self) -> Staged {
            let (a, b) = (self.path("a"), self.path("b"));
            Staged::write(&[(&a, b"new a"), (&b, b"new b")]).unwrap()
        }

        fn finish(&self) {
            finish(&[&self.path("a"), &self.path("b")]);
        }
    }

    #[test]
    fn all_files_are_replaced_or_none() {
        let folder = Folder::new();
        fs::set_permissions(folder.path("a"), fs::Permissions::from_mode(0o640)).unwrap();
        drop(folder.stage());
        assert_eq!((folder.texts(), folder.names()), (["old a", "old b"].map(String::from), 2));
        folder.stage().commit().unwrap();
        assert_eq!((folder.texts(), folder.names()), (["new a", "new b"].map(String::from), 2));
        let mode = fs::metadata(folder.path("a")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_file_that_cannot_be_written_changes_no_other() {
        let folder = Folder::new();
        let (a, missing) = (folder.path("a"), folder.path("missing"));
        Staged::write(&[(&a, b"new a"), (&missing, b"new")]).unwrap_err();
        assert_eq!((folder.texts()[0].as_str(), folder.names()), ("old a", 2));
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = Folder::new();
        symlink(folder.path("a"), folder.path("link")).unwrap();
        let link = folder.path("link");
        Staged::write(&[(&link, b"new a")]).unwrap().commit().unwrap();
        assert!(link.is_symlink());
        assert_eq!(folder.texts()[0], "new a");
    }

    /// A daemon that dies between two of its steps leaves one of these behind.
    #[test]
    fn what_was_interrupted_is_ended() {
        let interrupted = |renamed: usize, marked: bool| {
            let folder = Folder::new();
            std::mem::forget(folder.stage());
            let files = ["a", "b"].map(|name| folder.path(name));
            if marked {
                File::create(beside(&files[1], "commit")).unwrap();
            }
            for file in &files[..renamed] {
                fs::rename(beside(file, "new"), file).unwrap();
            }
            folder.finish();
            assert_eq!(folder.names(), 2);
            folder.texts()
        };
        assert_eq!(interrupted(0, false), ["old a", "old b"]);
        for renamed in 0..=2 {
            assert_eq!(interrupted(renamed, true), ["new a", "new b"], "{renamed}");
        }
    }

    #[test]
    fn another_file_has_another_stamp() {
        let folder = Folder::new();
        let a = folder.path("a");
        let before = Stamps::of(&[&a]);
        assert_eq!(Stamps::of(&[&a]), before);
        Staged::write(&[(&a, b"old a")]).unwrap().commit().unwrap();
        assert_ne!(Stamps::of(&[&a]), before);
        fs::remove_file(&a).unwrap();
        assert_ne!(Stamps::of(&[&a]), before);
    }
}
