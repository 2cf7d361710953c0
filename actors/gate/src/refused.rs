//! Why a file or folder is left out.

use rustix::io::Errno;

use crate::core::FILE_BYTES_MAX;

/// Why a file or folder is left out. `Display` is for people.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nothing has this path.
    #[error("it is not there")]
    NotThere,
    /// A link, or something behind one.
    #[error("it is a symbolic link, or reached by one; links are not followed")]
    Link,
    /// A folder, a pipe, a socket, a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// Its size in bytes.
    #[error("it has {0} bytes; {FILE_BYTES_MAX} are allowed")]
    TooLarge(u64),
    /// It holds NUL bytes.
    #[error("it is not text (it holds NUL bytes)")]
    Binary,
    /// It is in another encoding.
    #[error("it is not UTF-8 text; save it as UTF-8")]
    NotUtf8,
    /// Records of a workspace, reached through a mount.
    #[error("it holds this workspace's own records")]
    Records,
    /// The system says no.
    #[error("it may not be read (permission denied)")]
    Denied,
    /// The disk says no.
    #[error("it can't be read: {0}")]
    Io(std::io::Error),
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => Self::NotThere,
            Errno::LOOP | Errno::XDEV => Self::Link,
            // A socket, or a device without a driver.
            Errno::NXIO | Errno::NODEV => Self::NotRegular,
            Errno::ACCESS | Errno::PERM => Self::Denied,
            other => Self::Io(other.into()),
        }
    }
}
