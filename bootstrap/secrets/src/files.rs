//! Files: read whole and bounded, put in place whole or not at all, changed by one process at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use age_format::{HEADER_BYTES_MAX, PIECE_BYTES, TAG_BYTES};
use fail::fail_point;
use zeroize::Zeroizing;

use crate::document::{NAME_CHARS_MAX, SECRETS_MAX, VALUE_BYTES_MAX};
use crate::error::SecretsError;

/// Of one secret as JSON: each character of its value may need two.
const SECRET_BYTES_MAX: usize = NAME_CHARS_MAX + 2 * VALUE_BYTES_MAX + 64;
/// The most that can be in the file, decrypted.
const PLAIN_BYTES_MAX: usize = SECRETS_MAX * SECRET_BYTES_MAX + 64;
/// The largest file that can be legal; a larger one is not read.
pub const FILE_BYTES_MAX: u64 =
    HEADER_BYTES_MAX + (PLAIN_BYTES_MAX + 16 + (PLAIN_BYTES_MAX / PIECE_BYTES + 1) * TAG_BYTES) as u64;

/// Looks at a lock that somebody else has, and the time between them: ten seconds.
const LOOKS_MAX: u32 = 200;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The bytes of a file; `None`: it is not there. One that is larger than `bytes_max` gives `too_large` and is not read.
pub(crate) fn read(
    path: &Path,
    bytes_max: u64,
    too_large: impl Fn() -> SecretsError,
) -> Result<Option<Zeroizing<Vec<u8>>>, SecretsError> {
    let failed = || SecretsError::io(path, "read");
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed()(error)),
    };
    let found = file.metadata().map_err(failed())?;
    if !found.is_file() {
        return Err(failed()(io::Error::other("it is not a file")));
    }
    if found.len() > bytes_max {
        return Err(too_large());
    }
    // With room for what may come meanwhile, so that it never grows and leaves no copy behind.
    let room = usize::try_from(found.len()).unwrap_or(0).saturating_add(64);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed())?;
    if bytes.len() as u64 > bytes_max { Err(too_large()) } else { Ok(Some(bytes)) }
}

/// Writes a file (mode 0600) that has its name only when all of it is on disk.
pub(crate) fn put(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), SecretsError> {
    let failed = || SecretsError::io(path, "written");
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    // Left behind by one who was killed; whoever is here has the lock.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed()(error)),
        _ => {}
    }
    let written = File::options().write(true).create_new(true).mode(0o600).open(&new).and_then(|mut file| {
        fill(&mut file)?;
        file.sync_all()?;
        fail_point!("secrets.before_rename");
        fs::rename(&new, path)
    });
    if let Err(error) = written {
        fs::remove_file(&new).ok();
        return Err(failed()(error));
    }
    fail_point!("secrets.after_rename");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed())
}

/// The same of a text.
pub(crate) fn put_text(path: &Path, text: &str) -> Result<(), SecretsError> {
    put(path, |file| file.write_all(text.as_bytes()))
}

/// A folder is there, this account's alone.
pub(crate) fn make_folder(folder: &Path) -> Result<(), SecretsError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(SecretsError::io(folder, "made"))
}

/// What is made in the folder is of its owner.
pub(crate) fn is_ours(folder: &Path) -> Result<(), SecretsError> {
    let uid = fs::metadata(folder).map_err(SecretsError::io(folder, "read"))?.uid();
    if uid == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(SecretsError::Foreign { folder: folder.to_owned(), uid })
}

/// Held until it is dropped, or the process ends.
pub(crate) struct Lock {
    _file: File,
}

/// Waits for its turn.
pub(crate) fn lock(path: &Path) -> Result<Lock, SecretsError> {
    let failed = || SecretsError::io(path, "locked");
    let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed())?;
    for _ in 0..LOOKS_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_LOOKS),
            Err(TryLockError::Error(error)) => return Err(failed()(error)),
        }
    }
    Err(SecretsError::Busy { folder: path.parent().map(PathBuf::from).unwrap_or_default() })
}
