//! The address of an operator's own: `/healthz`, `/readyz`, `/metrics`. Address `http`.
//!
//! | what | for |
//! |---|---|
//! | [`bind`] | takes the port, once for the life of the process, before anything else runs |
//! | [`HttpService`] | the actor: takes connections and answers them, each with a time and a size |
//!
//! Invariants: only GET and HEAD; one request a connection; nothing here names an actor, a person, a context or a path;
//! the port stays taken while the actor is opened again. Deliberately absent: TLS and passwords (listen on loopback, or
//! put a proxy before it), keep-alive, request bodies.

mod connection;
mod pages;
mod service;

pub use connection::{CONNECTION_MAX, CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_MAX, HEADERS_MAX};
pub use service::{Door, Http, HttpService, bind};
