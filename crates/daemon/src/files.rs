//! The configuration's files on disk: whether they were changed, and writing them.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::io::Errno;
use tracing::{info, warn};

/// By which a file that was written is told from the one before: inode, size, time. None where there is
/// no file.
type Stamp = Option<(u64, u64, SystemTime)>;

fn stamp(found: &Metadata) -> Stamp {
    Some((found.ino(), found.len(), found.modified().ok()?))
}

/// What files were like at some moment, in an order of whoever looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamps(Vec<Stamp>);

impl Stamps {
    /// Looks at the files.
    pub fn of(files: &[&Path]) -> Self {
        Self(files.iter().map(|file| stamp(&fs::metadata(file).ok()?)).collect())
    }

    /// What they are once what is staged is in the place of those of `files` that it replaces.
    pub fn with(&self, files: &[&Path], staged: &Staged) -> Self {
        let replaced = |(file, old): (&&Path, &Stamp)| {
            staged.files.iter().find(|new| new.named == **file).map_or(*old, |new| new.stamp)
        };
        Self(files.iter().zip(&self.0).map(replaced).collect())
    }
}

/// New contents of files, beside them under other names. Dropped without [`Staged::commit`], they are gone.
#[derive(Debug, Default)]
pub struct Staged {
    files: Vec<NewFile>,
}

/// The new content of one file.
#[derive(Debug)]
struct NewFile {
    /// The file as whoever wants it changed names it.
    named: PathBuf,
    /// The same behind all links.
    path: PathBuf,
    stamp: Stamp,
}

impl NewFile {
    fn write(named: &Path, bytes: &[u8]) -> io::Result<Self> {
        // a link is followed, not replaced
        let path = fs::canonicalize(named)?;
        let old = fs::metadata(&path)?;
        let mut new = Self { named: named.to_owned(), path, stamp: None };
        // what an interrupted change has left may be anything
        new.remove();
        let mut file = File::create_new(new.beside(NEW))?;
        make_alike(&file, &old)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        new.stamp = stamp(&file.metadata()?);
        Ok(new)
    }

    fn beside(&self, what: &str) -> PathBuf {
        beside(&self.path, what)
    }

    /// Keeps the old file by another name, to go back to.
    fn keep_old(&self) -> io::Result<()> {
        let old = self.beside(OLD);
        match fs::hard_link(&self.path, &old) {
            Err(error) if has_no_links(&error) => self.copy_old(&old),
            linked => linked,
        }
    }

    /// Likewise, where a file cannot have another name. What somebody has put there meanwhile is not written to.
    fn copy_old(&self, to: &Path) -> io::Result<()> {
        let mut old = File::open(&self.path)?;
        let mut copy = File::create_new(to)?;
        make_alike(&copy, &old.metadata()?)?;
        io::copy(&mut old, &mut copy).map(drop)
    }

    /// Removes what is beside the file.
    fn remove(&self) {
        for what in [NEW, OLD, MARK] {
            let _ = fs::remove_file(self.beside(what));
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Gives a file the rights and the owner of another.
fn make_alike(file: &File, other: &Metadata) -> io::Result<()> {
    file.set_permissions(other.permissions())?;
    fchown(file, Some(other.uid()), Some(other.gid()))
}

/// Whether this is what a file system says that has no links, or no more of them for this file.
fn has_no_links(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::PERM | Errno::OPNOTSUPP | Errno::MLINK))
}

const NEW: &str = "new";
const OLD: &str = "old";
/// What says that several files are being put in place.
const MARK: &str = "commit";

impl Staged {
    /// Writes the contents, with the owner and the rights of the files that they are to replace.
    ///
    /// # Errors
    /// The first file that cannot be written, as where the disk is full.
    pub fn write(contents: &[(&Path, &[u8])]) -> io::Result<Self> {
        let write = |(path, bytes): &(&Path, &[u8])| NewFile::write(path, bytes);
        Ok(Self { files: contents.iter().map(write).collect::<io::Result<_>>()? })
    }

    /// Puts them in the place of the old ones: all, whatever happens meanwhile, or none. Where there are
    /// several, a mark says that this has begun, and [`finish`] completes it.
    ///
    /// # Errors
    /// When the disk does not take them; the old files are there then.
    pub fn commit(self) -> io::Result<()> {
        if let [first, _, ..] = self.files.as_slice() {
            self.files.iter().try_for_each(NewFile::keep_old)?;
            // a mark that outlives a loss of power is of no use without the files that it speaks of; those
            // beside it are synced along with it
            let elsewhere = |file: &&NewFile| file.path.parent() != first.path.parent();
            self.files.iter().filter(elsewhere).try_for_each(|file| sync_folder(&file.path))?;
            File::create_new(first.beside(MARK))?.sync_all()?;
            sync_folder(&first.path)?;
        }
        for (done, file) in self.files.iter().enumerate() {
            if let Err(error) = fs::rename(file.beside(NEW), &file.path) {
                self.files[..done].iter().for_each(go_back);
                return Err(error);
            }
        }
        for file in &self.files {
            // it is there, if perhaps not after a loss of power
            if let Err(error) = sync_folder(&file.path) {
                warn!(path = %file.path.display(), %error, "could not sync the folder");
            }
        }
        Ok(())
    }
}

fn go_back(file: &NewFile) {
    if let Err(error) = fs::rename(file.beside(OLD), &file.path) {
        warn!(path = %file.path.display(), %error, "the file is new and should be old");
    }
}

/// Ends what a daemon that was killed while it wrote these files has left: completes what it had begun to
/// put in place, removes what it had not.
pub fn finish(files: &[&Path]) {
    let files: Vec<_> = files.iter().filter_map(|file| fs::canonicalize(file).ok()).collect();
    let mark = files.iter().map(|file| beside(file, MARK)).find(|mark| mark.exists());
    for file in &files {
        let _ = fs::remove_file(beside(file, OLD));
        let new = beside(file, NEW);
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
    fn the_first_file_goes_back_when_the_second_cannot_be_replaced() {
        let folder = Folder::new();
        let staged = folder.stage();
        fs::remove_file(beside(&folder.path("b"), NEW)).unwrap();
        staged.commit().unwrap_err();
        assert_eq!((folder.texts(), folder.names()), (["old a", "old b"].map(String::from), 2));
    }

    #[test]
    fn stamps_of_what_is_staged_are_known_before() {
        let folder = Folder::new();
        let (a, b) = (folder.path("a"), folder.path("b"));
        let files = [a.as_path(), b.as_path()];
        let staged = Staged::write(&[(&b, b"new b")]).unwrap();
        let expected = Stamps::of(&files).with(&files, &staged);
        assert_ne!(Stamps::of(&files), expected);
        staged.commit().unwrap();
        assert_eq!(Stamps::of(&files), expected);
        fs::write(&a, "by somebody else").unwrap();
        assert_ne!(Stamps::of(&files), expected);
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

    #[test]
    fn what_somebody_puts_in_the_way_is_not_written_to() {
        let folder = Folder::new();
        let (elsewhere, old) = (folder.path("elsewhere"), beside(&folder.path("a"), OLD));
        fs::write(&elsewhere, "somebody's").unwrap();
        let staged = folder.stage();
        symlink(&elsewhere, &old).unwrap();
        staged.files[0].copy_old(&old).unwrap_err();
        staged.commit().unwrap_err();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "somebody's");
        assert_eq!(folder.texts(), ["old a", "old b"]);
    }

    #[test]
    fn a_file_that_can_have_no_other_name_is_copied_with_its_rights() {
        let folder = Folder::new();
        fs::set_permissions(folder.path("a"), fs::Permissions::from_mode(0o640)).unwrap();
        let (staged, old) = (folder.stage(), beside(&folder.path("a"), OLD));
        staged.files[0].copy_old(&old).unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "old a");
        assert_eq!(fs::metadata(&old).unwrap().permissions().mode() & 0o777, 0o640);
        assert!([1, 95, 31].map(io::Error::from_raw_os_error).iter().all(has_no_links));
        assert!(!has_no_links(&io::ErrorKind::AlreadyExists.into()));
    }

    /// A daemon that dies between two of its steps leaves one of these behind.
    #[test]
    fn what_was_interrupted_is_ended() {
        let interrupted = |renamed: usize, marked: bool| {
            let folder = Folder::new();
            std::mem::forget(folder.stage());
            let files = ["a", "b"].map(|name| folder.path(name));
            if marked {
                File::create(beside(&files[0], MARK)).unwrap();
                File::create(beside(&files[0], OLD)).unwrap();
            }
            for file in &files[..renamed] {
                fs::rename(beside(file, NEW), file).unwrap();
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
