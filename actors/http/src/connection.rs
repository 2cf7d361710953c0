//! One connection: one request, read and answered within a time.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;

/// The most connections at once; one more is answered with 503 and closed.
pub const CONNECTIONS_MAX: usize = 64;
/// How long the head of a request may take to arrive.
pub const HEAD_MAX: Duration = Duration::from_secs(5);
/// How long a connection may take in all.
pub const CONNECTION_MAX: Duration = Duration::from_secs(15);
/// The most headers of a request; with one more it is answered with 431.
pub const HEADERS_MAX: usize = 64;
/// The most bytes of the head of a request; a longer one is answered with 431.
pub const HEAD_BYTES_MAX: usize = 16_384;

/// What one who finds no place is told.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n";

/// Answers one request. What goes wrong with it is the client's to notice.
pub(crate) async fn serve(stream: TcpStream, pages: Router) {
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    match tokio::time::timeout(CONNECTION_MAX, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a request was not answered"),
        Err(_) => tracing::debug!("a connection took too long"),
    }
}

/// Says that there is no place. A fresh socket takes so few bytes at once.
pub(crate) fn turn_away(stream: &TcpStream) {
    drop(stream.try_write(NO_PLACE));
    // A socket that is closed with words unread takes the answer back from the client.
    drop(stream.try_read(&mut [0; 4_096]));
}
