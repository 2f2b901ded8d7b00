//! HTTP/1.1 to a backend: connections, TLS, responses as they arrive.

pub(crate) mod connect;
mod memo;
pub(crate) mod response;
