//! The unix socket by which clients of the same user find the node that serves a data folder.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

/// The longest path that fits a socket address on Linux, in bytes (unix(7): 108 with the closing zero).
pub(crate) const SOCKET_PATH_BYTES_MAX: usize = 107;
const CONNECT_TRIES_MAX: u32 = 50;
const CONNECT_PAUSE_MS: u64 = 20;

/// Where the node that serves a data folder listens.
#[must_use]
pub fn socket_path(data: &Path) -> PathBuf {
    data.join("agent-runtime").join("console.sock")
}

/// The process that has locked a data folder last is there. Whether its lock still holds is not asked: who asks would hold it for
/// a moment.
pub(crate) fn is_served(data: &Path) -> bool {
    let locked_by = fs::read_to_string(data.join("agent-runtime").join("lock")).unwrap_or_default();
    locked_by.trim().parse::<u32>().is_ok_and(|pid| Path::new("/proc").join(pid.to_string()).exists())
}

/// Listens at `path`; a socket that a dead node left there is replaced. Only the same user can ever connect: the socket
/// is made in a folder of mode 0700, gets mode 0600, and is moved to its place then.
///
/// The caller holds the node's lock, so that no living node listens there.
///
/// # Errors
/// What the file system or the socket says.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    let (folder, name) = split(path)?;
    let mut making = folder.join(name).into_os_string();
    making.push(".new");
    let making = PathBuf::from(making);
    match DirBuilder::new().mode(0o700).create(&making) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => fs::set_permissions(&making, Permissions::from_mode(0o700))?,
    }
    let fresh = making.join("s");
    remove(&fresh)?;
    let listener = reached(&fresh, |path| UnixListener::bind(path))?;
    fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
    fs::rename(&fresh, path)?;
    fs::remove_dir(&making)?;
    Ok(listener)
}

/// Takes the socket away; one that is gone already is no error.
///
/// # Errors
/// What the file system says.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Connects to who listens at `path`; `None`: nobody does.
///
/// # Errors
/// What the socket says, such as that it is another user's.
pub(crate) async fn connect(path: &Path) -> io::Result<Option<UnixStream>> {
    let mut tries = 0;
    loop {
        let connected = match short(path) {
            Ok((path, folder)) => {
                let connected = UnixStream::connect(&path).await;
                drop(folder);
                connected
            }
            Err(error) => Err(error),
        };
        tries += 1;
        match connected {
            Ok(stream) => return Ok(Some(stream)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            // The queue of those who wait to be accepted is full; or the door was closed on them, as it is when an account of
            // the console comes or goes, and another is opened in its place.
            Err(error) if is_passing(&error) && tries < CONNECT_TRIES_MAX => {
                tokio::time::sleep(Duration::from_millis(CONNECT_PAUSE_MS)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionReset)
}

fn reached<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (path, _folder) = short(path)?;
    act(&path)
}

/// A path that fits a socket address and leads to `path` while the file beside it is open.
fn short(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    if path.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX {
        return Ok((path.to_owned(), None));
    }
    let (folder, name) = split(path)?;
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::PATH;
    let flags = i32::try_from(flags.bits()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let folder = OpenOptions::new().read(true).custom_flags(flags).open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok((short, Some(folder)))
}

fn split(path: &Path) -> io::Result<(&Path, &std::ffi::OsStr)> {
    let parts = path.parent().zip(path.file_name());
    parts.ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no path of a socket", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn speak(listener: &UnixListener, path: &Path) {
        let (near, far) = tokio::join!(connect(path), listener.accept());
        let (mut near, mut far) = (near.unwrap().unwrap(), far.unwrap().0);
        near.write_all(b"x").await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn only_the_same_user_can_connect_and_a_dead_nodes_socket_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console.sock");
        assert!(connect(&path).await.unwrap().is_none(), "nobody ever listened");
        drop(bind(&path).unwrap());
        assert!(connect(&path).await.unwrap().is_none(), "who listened is dead");
        let listener = bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        speak(&listener, &path).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_door_that_closes_while_somebody_knocks_is_as_one_that_was_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console.sock");
        let is_over = Arc::new(AtomicBool::new(false));
        let doors = {
            let (path, is_over) = (path.clone(), is_over.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let listener = bind(&path).unwrap();
                    // Until somebody knocks, who is not let in.
                    let since = std::time::Instant::now();
                    while since.elapsed() < Duration::from_micros(50) {
                        std::hint::spin_loop();
                    }
                    drop(listener);
                }
            })
        };
        for _ in 0..20_000 {
            drop(connect(&path).await.unwrap());
        }
        is_over.store(true, Ordering::Relaxed);
        doors.await.unwrap();
    }

    #[tokio::test]
    async fn a_path_longer_than_a_socket_address_works_on_both_sides() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        let path = deep.join("console.sock");
        assert!(path.as_os_str().as_bytes().len() > SOCKET_PATH_BYTES_MAX);
        assert!(connect(&path).await.unwrap().is_none());
        let listener = bind(&path).unwrap();
        speak(&listener, &path).await;
    }

    #[tokio::test]
    async fn a_start_that_was_cut_off_does_not_hinder_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console.sock");
        let making = folder.path().join("console.sock.new");
        fs::create_dir(&making).unwrap();
        fs::write(making.join("s"), b"").unwrap();
        let listener = bind(&path).unwrap();
        speak(&listener, &path).await;
    }
}
