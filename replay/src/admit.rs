//! Which recorded requests may be replayed, and why the others are left out.
//!
//! Invariant: nothing that may change a backend's state is admitted.

use corpus::exchange::{Exchange, Incomplete};
use corpus::message::Protocol;

/// Why an exchange is not replayed. A closed list; the names stand in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LeftOut {
    /// Its method may change something.
    UnsafeMethod,
    /// It is no HTTP.
    Malformed,
    /// Its bytes are not all there.
    IncompleteRequest,
    /// It came over another protocol.
    NotHttp1,
    /// It asks to leave HTTP.
    Upgrade,
    /// It cannot be written without changing its meaning.
    Unwritable,
    /// The recording was to stand for the baseline, and has no whole response.
    NoRecordedResponse,
}

impl LeftOut {
    /// The name in a run.
    pub(crate) fn name(self) -> &'static str {
        match self {
            LeftOut::UnsafeMethod => "unsafe_method",
            LeftOut::Malformed => "malformed",
            LeftOut::IncompleteRequest => "incomplete_request",
            LeftOut::NotHttp1 => "not_http1",
            LeftOut::Upgrade => "upgrade",
            LeftOut::Unwritable => "unwritable",
            LeftOut::NoRecordedResponse => "no_recorded_response",
        }
    }
}

/// Whether `method` is safe to send twice to servers that count (RFC 9110 section 9.2.1; TRACE echoes
/// credentials and is none of ours).
pub(crate) fn is_safe(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"OPTIONS")
}

/// Whether an exchange may be replayed.
pub(crate) fn admit(exchange: &Exchange) -> Result<(), LeftOut> {
    use Incomplete::{MalformedRequest, RequestCutShort, RequestGap, RequestLimited, RequestTruncated};
    let request = &exchange.request;
    let lacking = [RequestGap, RequestTruncated, RequestCutShort, RequestLimited];
    if request.malformed.is_some() || exchange.incomplete.contains(&MalformedRequest) {
        Err(LeftOut::Malformed)
    } else if request.protocol == Protocol::Http2 {
        Err(LeftOut::NotHttp1)
    } else if !is_safe(&request.method) {
        Err(LeftOut::UnsafeMethod)
    } else if exchange.incomplete.iter().any(|reason| lacking.contains(reason)) {
        Err(LeftOut::IncompleteRequest)
    } else if request.headers.contains(b"upgrade") {
        Err(LeftOut::Upgrade)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, expected: bool) {
        assert_eq!(is_safe(method.as_bytes()), expected, "{method}");
    }

    #[test]
    fn only_methods_that_change_nothing() {
        ["GET", "HEAD", "OPTIONS"].into_iter().for_each(|method| check(method, true));
        ["POST", "PUT", "DELETE", "TRACE", "CONNECT", "get", "", "QUERY"]
            .into_iter()
            .for_each(|method| check(method, false));
    }
}
