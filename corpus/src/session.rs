//! Which session an exchange belongs to: what names the client, before redaction takes it away.
//!
//! Session ids are keyed digests, so that a corpus does not give away by which token somebody came.

use crate::digest::DigestKey;
use crate::ids::{ConnectionId, SessionId};
use crate::manifest::SessionBy;
use wire::http1::Headers;

/// Cookies that carry a session, by name; lower case.
const SESSION_COOKIES: [&str; 18] = [
    "session",
    "sessionid",
    "session_id",
    "session-id",
    "sid",
    "connect.sid",
    "jsessionid",
    "phpsessid",
    "asp.net_sessionid",
    "asp.net_session_id",
    "laravel_session",
    "_session_id",
    "rack.session",
    "ci_session",
    "__host-session",
    "__secure-session",
    "auth_token",
    "token",
];

/// What a session is told by. The first byte of what is digested, so that equal values of different kinds differ.
#[derive(Clone, Copy)]
enum Told {
    Connection = 0,
    Authorization = 1,
    Cookie = 2,
    Client = 3,
    Header = 4,
    Query = 5,
}

/// The session of a request. `headers` are those before redaction.
///
/// A request that lacks what `rule` names belongs to the session of its connection.
pub fn session_of(
    rule: &SessionBy,
    headers: &Headers,
    target: &[u8],
    connection: ConnectionId,
    key: &DigestKey,
) -> SessionId {
    let told = match rule {
        SessionBy::Default => by_default(headers),
        SessionBy::Connection => None,
        SessionBy::Header(name) => value(headers, name.as_bytes()).map(|value| (Told::Header, value)),
        SessionBy::Cookie(name) => {
            cookie(headers, |known| known == name.as_bytes()).map(|v| (Told::Cookie, v))
        }
        SessionBy::Query(name) => query(target, name.as_bytes()).map(|value| (Told::Query, value)),
    };
    match told {
        Some((kind, value)) => session(key, kind, value),
        None => session(key, Told::Connection, &connection.0.to_le_bytes()),
    }
}

fn by_default(headers: &Headers) -> Option<(Told, &[u8])> {
    let authorization = || value(headers, b"authorization").map(|value| (Told::Authorization, value));
    let session_cookie = || cookie(headers, is_session_cookie).map(|value| (Told::Cookie, value));
    let client = || {
        let forwarded = value(headers, b"x-forwarded-for")?;
        let client = forwarded.split(|b| *b == b',').next()?.trim_ascii();
        (!client.is_empty()).then_some((Told::Client, client))
    };
    authorization().or_else(session_cookie).or_else(client)
}

fn value<'a>(headers: &'a Headers, name: &[u8]) -> Option<&'a [u8]> {
    headers.get(name).map(<[u8]>::trim_ascii).filter(|value| !value.is_empty())
}

fn is_session_cookie(name: &[u8]) -> bool {
    SESSION_COOKIES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// The value of the first cookie whose name is wanted (RFC 6265, section 4.2.1).
fn cookie(headers: &Headers, wanted: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
    let pairs = headers.get_all(b"cookie").flat_map(|value| value.split(|b| *b == b';'));
    let mut named = pairs.filter_map(|pair| {
        let at = pair.iter().position(|b| *b == b'=')?;
        wanted(pair[..at].trim_ascii()).then(|| pair[at + 1..].trim_ascii())
    });
    named.find(|value| !value.is_empty())
}

/// The value of the first query parameter of this name, as sent.
fn query<'a>(target: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = target.iter().position(|b| *b == b'?')? + 1;
    let query = target[start..].split(|b| *b == b'#').next()?;
    let mut named = query.split(|b| *b == b'&').filter_map(|pair| {
        let at = pair.iter().position(|b| *b == b'=')?;
        (&pair[..at] == name).then(|| &pair[at + 1..])
    });
    named.find(|value| !value.is_empty())
}

fn session(key: &DigestKey, kind: Told, value: &[u8]) -> SessionId {
    let mut hasher = key.hasher();
    hasher.update(b"session");
    hasher.update(&[kind as u8]);
    hasher.update(value);
    let mut word = [0; 8];
    word.copy_from_slice(&hasher.finish().0[..8]);
    SessionId(u64::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rule: &SessionBy, headers: &[(&str, &str)], target: &str, connection: u64) -> SessionId {
        let headers: Headers = headers.iter().copied().collect();
        let key = DigestKey::from_bytes([1; 32]);
        session_of(rule, &headers, target.as_bytes(), ConnectionId(connection), &key)
    }

    /// Whether two requests on different connections belong together.
    fn check(rule: &SessionBy, one: (&[(&str, &str)], &str), other: (&[(&str, &str)], &str), expected: bool) {
        assert_eq!(of(rule, one.0, one.1, 1) == of(rule, other.0, other.1, 2), expected, "{one:?} {other:?}");
    }

    #[test]
    fn by_default_the_best_name_of_a_client_counts() {
        let rule = &SessionBy::Default;
        check(
            rule,
            (&[("Authorization", "Bearer a")], "/"),
            (&[("authorization", " Bearer a ")], "/x"),
            true,
        );
        check(rule, (&[("Authorization", "Bearer a")], "/"), (&[("Authorization", "Bearer b")], "/"), false);
        check(rule, (&[("Cookie", "x=1; SID=7")], "/"), (&[("Cookie", "sid=7; x=2")], "/"), true);
        check(rule, (&[("Cookie", "x=1")], "/"), (&[("Cookie", "x=1")], "/"), false);
        let forwarded = |list| [("X-Forwarded-For", list)];
        check(rule, (&forwarded("1.2.3.4, 9.9.9.9"), "/"), (&forwarded("1.2.3.4"), "/"), true);
        check(rule, (&[], "/"), (&[], "/"), false);
        check(rule, (&[("Authorization", "7")], "/"), (&[("Cookie", "sid=7")], "/"), false);
    }

    #[test]
    fn a_rule_names_what_counts() {
        let header = &SessionBy::Header("X-User".to_owned());
        check(header, (&[("x-user", "u")], "/"), (&[("X-User", "u"), ("Authorization", "z")], "/"), true);
        check(header, (&[], "/"), (&[], "/"), false);
        let cookie = &SessionBy::Cookie("id".to_owned());
        check(cookie, (&[("Cookie", "a=1"), ("Cookie", "id=5")], "/"), (&[("Cookie", "id=5")], "/"), true);
        let query = &SessionBy::Query("u".to_owned());
        check(query, (&[], "/a?x=1&u=5#u=6"), (&[], "/b?u=5"), true);
        check(query, (&[], "/a?u="), (&[], "/a?u="), false);
        assert_eq!(
            of(&SessionBy::Connection, &[], "/", 3),
            of(&SessionBy::Connection, &[("a", "b")], "/x", 3)
        );
    }
}
