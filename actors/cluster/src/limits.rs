//! Every limit of a link, and why it is what it is.

use std::time::Duration;

/// To connect; a host that does not answer is tried again.
pub const CONNECT_MAX: Duration = Duration::from_secs(2);
/// For the TLS handshake, for the hellos, and until ractor's own handshake is over: three seconds each. A slow peer on a
/// bad line needs well below one.
pub const STEP_MAX: Duration = Duration::from_secs(3);
/// Each side asks the other so often whether it lives.
pub const PING_EVERY: Duration = Duration::from_secs(1);
/// Without a byte for so long, a link is closed. Five pings: a busy host may be late with one or two.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);
/// A peer that takes nothing for so long is cut off; what waits for it would grow.
pub const STALL_MAX: Duration = Duration::from_secs(5);
/// The first wait before a peer is dialled again, and the longest. Half of a wait is by chance, so that many nodes do not
/// come at once to a hub that has just started.
pub const REDIAL_MIN: Duration = Duration::from_millis(50);
/// See [`REDIAL_MIN`].
pub const REDIAL_MAX: Duration = Duration::from_millis(400);

/// Connections that have not yet proved who they are. They are counted apart, so that a thousand silent ones can't keep
/// a node from coming back.
pub const UNPROVEN_MAX: usize = 64;
/// Links at once. A hub of more nodes than this is none that anybody runs.
pub const LINKS_MAX: usize = 256;
/// A hello, with names and roles.
pub const HELLO_BYTES_MAX: usize = 4_096;
/// The reason of a verdict.
pub const VERDICT_BYTES_MAX: usize = 1_024;
/// A frame: an envelope of one mebibyte, and what ractor and the envelope put around it.
pub const FRAME_BYTES_MAX: usize = 1_048_576 + 65_536;
/// Frames of ractor's handshake: it needs four each way.
pub const HANDSHAKE_FRAMES_MAX: u32 = 8;
/// One of them, and one of control.
pub const SMALL_FRAME_BYTES_MAX: usize = 4_096;
/// The largest message between nodes. Above an envelope's mebibyte it goes in parts.
pub const WHOLE_BYTES_MAX: usize = 16 * 1_048_576;
/// Bytes of such that are kept for one link in one direction, and for how long: two of the largest, with what is counted
/// for each of them and for each of their parts beside its bytes.
pub const KEPT_BYTES_MAX: usize = 2 * (WHOLE_BYTES_MAX + KEPT_WHOLE_BYTES + 32 * KEPT_PART_BYTES);
/// See [`KEPT_BYTES_MAX`]: what a message costs that has only begun to come.
pub const KEPT_WHOLE_BYTES: usize = 1_024;
/// See [`KEPT_BYTES_MAX`]: what a part costs that is one byte long.
pub const KEPT_PART_BYTES: usize = 64;
/// See [`KEPT_BYTES_MAX`].
pub const KEPT_FOR: Duration = Duration::from_secs(30);
/// Calls of one peer that are worked on at once; one more hears that it is busy.
pub const CALLS_MAX: usize = 256;
/// Bytes of calls to one peer that have not been answered. What comes on top is refused as busy: a peer that does not
/// answer must not cost memory.
pub const BYTES_UNANSWERED_MAX: usize = 16 * 1_048_576;
