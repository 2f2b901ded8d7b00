//! A recorded request as bytes for one backend. Pure.
//!
//! Fields keep their order and spelling. Left out are those that belong to the recorded connection, and
//! credentials of which the corpus only has a token: a backend could do nothing but refuse them, so they are
//! left out and counted unless the caller sets a value in their place. Bodies are framed anew by length.

use crate::config::{HeaderSetting, HostHeader};
use crate::guard::Origin;
use bytes::Bytes;
use corpus::message::{Protocol, Request};
use wire::http1::{Headers, Persistence, SentBody, Version, WriteError, write_request};

/// A header field that cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The name is no field name, or the value holds a line end. The value is not shown.
    #[error("the field {name:?} or its value cannot be written")]
    Unwritable {
        /// The name.
        name: String,
    },
    /// The field is the replayer's own.
    #[error("the field {name:?} is set by the replayer itself")]
    Reserved {
        /// The name.
        name: String,
    },
}

/// How requests for one backend are written.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    host: Vec<u8>,
    recorded_host: RecordedHost,
    set: Vec<HeaderSetting>,
    close: RecordedClose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordedHost {
    Kept,
    Replaced,
}

/// What becomes of a recorded `Connection: close`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordedClose {
    /// Sent, since recorded connections are the carriers.
    Kept,
    /// Left out, since connections are pooled.
    Dropped,
}

/// Names that a caller may not set.
const RESERVED: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "expect", "upgrade"];

/// Fields of one connection (RFC 9110 section 7.6.1), and `Expect`, since bodies are sent at once.
const OF_THE_CONNECTION: [&[u8]; 9] = [
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"proxy-authorization",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"expect",
];

impl Rules {
    /// Rules for the backend at `origin`.
    pub(crate) fn new(
        origin: &Origin,
        host: &HostHeader,
        set: &[HeaderSetting],
        close: RecordedClose,
    ) -> Result<Rules, HeaderError> {
        set.iter().try_for_each(check_setting)?;
        let (host, recorded_host) = match host {
            HostHeader::Target => (origin.authority(), RecordedHost::Replaced),
            HostHeader::Recorded => (origin.authority(), RecordedHost::Kept),
            HostHeader::Name(name) => (name.clone(), RecordedHost::Replaced),
        };
        let name = HeaderSetting { name: "Host".to_owned(), value: crate::config::Secret::new(host.clone()) };
        check_writable(&name)?;
        Ok(Rules { host: host.into_bytes(), recorded_host, set: set.to_vec(), close })
    }

    /// Names of the fields that are set.
    pub(crate) fn names_set(&self) -> Vec<String> {
        self.set.iter().map(|setting| setting.name.clone()).collect()
    }

    fn sets(&self, name: &[u8]) -> bool {
        self.set.iter().any(|setting| setting.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Writes `request` for this backend.
    ///
    /// # Errors
    /// Where the recorded method, target or fields cannot be written without changing their meaning.
    pub(crate) fn rewrite(&self, request: &Request) -> Result<Rewritten, WriteError> {
        let version = if request.protocol == Protocol::Http10 { Version::Http10 } else { Version::Http11 };
        let listed: Vec<&[u8]> = request.headers.as_ref().list(b"connection").collect();
        let mut headers = request.headers.clone();
        headers.retain(|name, _| {
            let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
            let listed = listed.iter().any(|member| is(member) && !is(b"host"));
            !listed && !OF_THE_CONNECTION.iter().any(|other| is(other))
        });
        let dropped_credentials = self.drop_tokens(&mut headers);
        self.set_fields(request, version, &mut headers);
        let framed =
            request.headers.contains(b"content-length") || request.headers.contains(b"transfer-encoding");
        let body = &request.body.bytes;
        let announced = if framed || !body.is_empty() {
            SentBody::Length(u64::try_from(body.len()).unwrap_or(u64::MAX))
        } else {
            SentBody::AsGiven
        };
        let mut bytes = Vec::new();
        let target = origin_form(&request.target);
        write_request(&mut bytes, &request.method, &target, version, headers.as_ref(), announced)?;
        bytes.extend_from_slice(body);
        Ok(Rewritten { bytes: Bytes::from(bytes), dropped_credentials })
    }

    /// Leaves out what is only a token of a credential; says how many fields were concerned.
    fn drop_tokens(&self, headers: &mut Headers) -> u64 {
        let mut dropped = 0;
        headers.retain(|name, value| {
            let token = !self.sets(name) && is_token_of_credential(value);
            dropped += u64::from(token);
            !token
        });
        dropped
    }

    fn set_fields(&self, request: &Request, version: Version, headers: &mut Headers) {
        let recorded = request.host();
        let host = match self.recorded_host {
            RecordedHost::Kept if !recorded.is_empty() => recorded.to_vec(),
            _ => self.host.clone(),
        };
        headers.set(b"Host", &host);
        let persistence = Persistence::of(version, request.headers.as_ref());
        match (version, persistence, self.close) {
            (Version::Http11, Persistence::Close, RecordedClose::Kept) => {
                headers.set(b"Connection", b"close")
            }
            (Version::Http10, Persistence::KeepAlive, _) | (Version::Http10, _, RecordedClose::Dropped) => {
                headers.set(b"Connection", b"keep-alive");
            }
            _ => {}
        }
        self.set.iter().for_each(|setting| headers.set(setting.name.as_bytes(), setting.value.expose()));
    }
}

/// A request as it will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) bytes: Bytes,
    pub(crate) dropped_credentials: u64,
}

/// Whether a field's value is nothing but a token that redaction left: alone, behind a scheme, or in every cookie.
/// A token inside a longer value, such as the query of a Referer, is sent as it is.
fn is_token_of_credential(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let last_word = value.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let cookie =
        |pair: &[u8]| is_token(pair.splitn(2, |b| *b == b'=').last().unwrap_or_default().trim_ascii());
    let single = value.split(u8::is_ascii_whitespace).count() <= 2 && !value.contains(&b';');
    (single && is_token(last_word)) || value.split(|b| *b == b';').all(cookie)
}

fn is_token(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"redacted-").unwrap_or_default();
    digits.len() == 24 && digits.iter().all(u8::is_ascii_hexdigit)
}

fn check_setting(setting: &HeaderSetting) -> Result<(), HeaderError> {
    if RESERVED.iter().any(|name| setting.name.eq_ignore_ascii_case(name)) {
        return Err(HeaderError::Reserved { name: setting.name.clone() });
    }
    check_writable(setting)
}

fn check_writable(setting: &HeaderSetting) -> Result<(), HeaderError> {
    let headers: Headers = [(setting.name.as_bytes(), setting.value.expose())].into_iter().collect();
    let written =
        write_request(&mut Vec::new(), b"GET", b"/", Version::Http11, headers.as_ref(), SentBody::AsGiven);
    written.map_err(|_| HeaderError::Unwritable { name: setting.name.clone() })
}

/// The origin form of an absolute target (RFC 9112 section 3.2.1); other forms as they are.
fn origin_form(target: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let scheme = target.iter().position(|b| *b == b':').filter(|_| !target.starts_with(b"/"));
    let Some(rest) = scheme.and_then(|colon| target[colon..].strip_prefix(b"://")) else {
        return target.into();
    };
    match rest.iter().position(|b| b"/?#".contains(b)) {
        Some(at) if rest[at] == b'/' => rest[at..].into(),
        Some(at) => [b"/", &rest[at..]].concat().into(),
        None => b"/"[..].into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use corpus::message::Body;

    fn request(target: &str, fields: &[(&str, &str)], body: &'static str) -> Request {
        Request {
            protocol: Protocol::Http11,
            method: b"GET".to_vec(),
            target: target.into(),
            headers: fields.iter().copied().collect(),
            body: Body { bytes: body.into(), wire_len: body.len() as u64, ..Body::default() },
            malformed: None,
        }
    }

    fn rules(host: HostHeader, set: &[(&str, &str)]) -> Rules {
        let set: Vec<HeaderSetting> = set
            .iter()
            .map(|(name, value)| HeaderSetting { name: (*name).to_owned(), value: Secret::new(*value) })
            .collect();
        Rules::new(&Origin::parse("http://10.0.0.1:81").unwrap(), &host, &set, RecordedClose::Kept).unwrap()
    }

    fn check(rules: &Rules, request: &Request, expected: &str) {
        let written = rules.rewrite(request).unwrap();
        assert_eq!(String::from_utf8_lossy(&written.bytes).replace("\r\n", "|"), expected);
    }

    #[test]
    fn the_host_is_the_targets_the_recorded_or_a_name() {
        let recorded = request("/a?b", &[("Accept", "*/*"), ("HOST", "shop"), ("X-A", "1")], "");
        check(
            &rules(HostHeader::Target, &[]),
            &recorded,
            "GET /a?b HTTP/1.1|Accept: */*|HOST: 10.0.0.1:81|X-A: 1||",
        );
        check(
            &rules(HostHeader::Recorded, &[]),
            &recorded,
            "GET /a?b HTTP/1.1|Accept: */*|HOST: shop|X-A: 1||",
        );
        let name = HostHeader::Name("api".to_owned());
        check(&rules(name, &[]), &recorded, "GET /a?b HTTP/1.1|Accept: */*|HOST: api|X-A: 1||");
        let absolute = request("http://shop?q", &[], "");
        check(&rules(HostHeader::Recorded, &[]), &absolute, "GET /?q HTTP/1.1|Host: shop||");
    }

    #[test]
    fn fields_of_the_connection_are_left_out_and_bodies_framed_anew() {
        let fields = [
            ("Host", "h"),
            ("Connection", "close, X-Hop"),
            ("X-Hop", "1"),
            ("TE", "trailers"),
            ("Transfer-Encoding", "chunked"),
            ("Expect", "100-continue"),
        ];
        let expected = "GET / HTTP/1.1|Host: 10.0.0.1:81|Connection: close|Content-Length: 2||hi";
        check(&rules(HostHeader::Target, &[]), &request("/", &fields, "hi"), expected);
        let empty = request("/", &[("Host", "h"), ("Content-Length", "0")], "");
        check(
            &rules(HostHeader::Target, &[]),
            &empty,
            "GET / HTTP/1.1|Host: 10.0.0.1:81|Content-Length: 0||",
        );
    }

    #[test]
    fn set_fields_replace_recorded_ones() {
        let recorded = request("/", &[("Host", "h"), ("authorization", "old"), ("X", "1")], "");
        let rules = rules(HostHeader::Target, &[("Authorization", "Bearer s")]);
        check(&rules, &recorded, "GET / HTTP/1.1|Host: 10.0.0.1:81|authorization: Bearer s|X: 1||");
        assert!(!format!("{rules:?}").contains("Bearer"));
    }

    #[test]
    fn tokens_of_credentials_are_not_sent() {
        let redactor = corpus::redact::Redactor::new(&corpus::digest::DigestKey::from_bytes([1; 32]));
        let mut recorded =
            request("/", &[("Host", "h"), ("Authorization", "Bearer s"), ("Cookie", "a=1")], "");
        redactor.headers(&mut recorded.headers);
        let written = rules(HostHeader::Target, &[]).rewrite(&recorded).unwrap();
        assert_eq!(written.bytes, "GET / HTTP/1.1\r\nHost: 10.0.0.1:81\r\n\r\n");
        assert_eq!(written.dropped_credentials, 2);
        let set = rules(HostHeader::Target, &[("Cookie", "a=2")]).rewrite(&recorded).unwrap();
        assert_eq!(set.bytes, "GET / HTTP/1.1\r\nHost: 10.0.0.1:81\r\nCookie: a=2\r\n\r\n");
    }

    #[test]
    fn reserved_and_unwritable_fields_are_refused() {
        for (name, value) in [("Host", "h"), ("content-length", "1"), ("a b", "1"), ("x", "a\r\nb: c")] {
            let setting = HeaderSetting { name: name.to_owned(), value: Secret::new(value) };
            let origin = Origin::parse("http://10.0.0.1").unwrap();
            let made = Rules::new(&origin, &HostHeader::Target, &[setting], RecordedClose::Kept);
            assert!(made.is_err(), "{name}");
        }
    }
}
