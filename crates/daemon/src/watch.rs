//! Noticing that the configuration's files have changed (inotify(7)).
//!
//! Folders are watched, not files, as editors and scripts replace files by renaming. A file that is
//! written in place counts when it is closed. Whoever writes several files has [`QUIET`] between them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, warn};

/// So long nothing may have changed any more.
const QUIET: Duration = Duration::from_millis(50);

/// Where something changes all the time, what is there is read after this time nevertheless.
const QUIET_AWAITED_MAX: Duration = Duration::from_secs(2);

/// Notices changes until it is dropped.
#[derive(Debug)]
pub struct Watch {
    watcher: Option<RecommendedWatcher>,
    shared: Arc<Shared>,
    folders: BTreeSet<PathBuf>,
}

#[derive(Debug, Default)]
struct Shared {
    changed: Notify,
    /// Folder and name of each file.
    files: Mutex<BTreeSet<(PathBuf, OsString)>>,
}

impl Watch {
    /// Notices changes of these files. Where that is not possible, a warning says so and no change is
    /// noticed.
    pub fn new(files: &[PathBuf]) -> Self {
        let shared = Arc::new(Shared::default());
        let noticing = Arc::clone(&shared);
        let watcher = notify::recommended_watcher(move |event| noticing.take(event));
        let watcher = watcher
            .inspect_err(|error| warn!(%error, "files cannot be watched; reload by hand"))
            .ok();
        let mut watch = Self { watcher, shared, folders: BTreeSet::new() };
        watch.follow(files);
        watch
    }

    /// Notices changes of these files from now on, and of no others.
    pub fn follow(&mut self, files: &[PathBuf]) {
        let files: BTreeSet<_> = files.iter().filter_map(|file| resolved(file)).collect();
        let folders: BTreeSet<_> = files.iter().map(|(folder, _)| folder.clone()).collect();
        *self.shared.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        let Some(watcher) = &mut self.watcher else { return };
        for folder in self.folders.difference(&folders) {
            // it may have gone
            let _ = watcher.unwatch(folder);
        }
        for folder in folders.difference(&self.folders) {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                warn!(%error, folder = %folder.display(), "cannot be watched; reload by hand");
            }
        }
        self.folders = folders;
    }

    /// Waits until something has changed, and then for a while in which nothing does.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
        let end = Instant::now() + QUIET_AWAITED_MAX;
        let settle =
            async { while timeout(QUIET, self.shared.changed.notified()).await.is_ok() {} };
        // whatever goes on changing is noticed again
        let _ = timeout_at(end, settle).await;
    }
}

impl Shared {
    fn take(&self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) => event,
            // events were lost: any may have been ours
            Err(error) => {
                debug!(%error, "a watched folder");
                return self.changed.notify_one();
            }
        };
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = |path: &PathBuf| parts(path).is_some_and(|parts| files.contains(&parts));
        if event.need_rescan() || (counts(event.kind) && event.paths.iter().any(is_ours)) {
            self.changed.notify_one();
        }
    }
}

/// Whether a file is whole after such an event, or gone.
const fn counts(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::From))
        | EventKind::Remove(_) => true,
        // a link is whole at once; what is being written is closed later
        EventKind::Create(_) => true,
        _ => false,
    }
}

/// Likewise with the folder behind all links, as one that is watched by two names is no longer watched by
/// either when one of them is given up.
fn resolved(file: &Path) -> Option<(PathBuf, OsString)> {
    let (folder, name) = parts(file)?;
    Some((fs::canonicalize(&folder).unwrap_or(folder), name))
}

/// Folder and name.
fn parts(file: &Path) -> Option<(PathBuf, OsString)> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    Some((folder.unwrap_or(Path::new(".")).to_owned(), file.file_name()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);
    const LATER: Duration = Duration::from_millis(400);

    async fn is_noticed(watch: &Watch) -> bool {
        timeout(SOON, watch.changed()).await.is_ok()
    }

    async fn is_quiet(watch: &Watch) -> bool {
        timeout(LATER, watch.changed()).await.is_err()
    }

    #[tokio::test]
    async fn a_folder_by_two_names_is_watched_while_one_of_them_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let (named, behind) = (link.join("a"), real.join("a"));
        fs::write(&named, "1").unwrap();
        let mut watch = Watch::new(&[named.clone(), behind]);
        fs::remove_file(&named).unwrap();
        assert!(is_noticed(&watch).await, "removed");
        // what is not there is behind no link
        watch.follow(std::slice::from_ref(&named));
        fs::write(&named, "2").unwrap();
        assert!(is_noticed(&watch).await, "back");
    }

    #[tokio::test]
    async fn each_way_to_change_a_file_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("a"), "1").unwrap();
        let mut watch = Watch::new(&[file("a"), file("b")]);

        fs::write(file("a"), "2").unwrap();
        assert!(is_noticed(&watch).await, "written in place");
        assert!(is_quiet(&watch).await, "once is once");

        fs::write(file("a.new"), "3").unwrap();
        assert!(is_quiet(&watch).await, "another file");
        fs::rename(file("a.new"), file("a")).unwrap();
        assert!(is_noticed(&watch).await, "replaced");

        fs::remove_file(file("a")).unwrap();
        assert!(is_noticed(&watch).await, "removed");
        fs::write(file("a"), "4").unwrap();
        fs::write(file("b"), "4").unwrap();
        assert!(is_noticed(&watch).await, "back, and one that was not there before");
        assert!(is_quiet(&watch).await, "both are one change");

        let mut half = File::options().append(true).open(file("a")).unwrap();
        half.write_all(b"5").unwrap();
        half.sync_all().unwrap();
        assert!(is_quiet(&watch).await, "half-written");
        drop(half);
        assert!(is_noticed(&watch).await, "whole");

        watch.follow(&[file("c")]);
        fs::write(file("a"), "6").unwrap();
        assert!(is_quiet(&watch).await, "no longer of interest");
        fs::write(file("c"), "6").unwrap();
        assert!(is_noticed(&watch).await);
    }
}
