//! Whole links over loopback: real TLS, real sockets, ractor's real transport.

mod attacks;
mod ca;
mod links;
mod network;
mod node;
mod replay;
