//! Credentials in heads become keyed tokens before anything reaches the disk.
//!
//! Equal values become equal tokens, so that sessions and comparisons stay honest; nobody gets a value back
//! without the key. Invariant: what cannot be redacted with certainty is not kept.

mod decode;
mod names;
mod url;
mod values;

use crate::digest::DigestKey;
use crate::manifest::RedactionInfo;
use names::Rule;
use wire::http1::Headers;

/// Applies the default rules with one key.
#[derive(Debug, Clone)]
pub struct Redactor {
    key: DigestKey,
}

impl Redactor {
    /// The default rules: the header fields of [`Redactor::info`], query parameters that are credentials by
    /// name, and user information in targets.
    pub fn new(key: &DigestKey) -> Redactor {
        Redactor { key: key.clone() }
    }

    /// What stands in the manifest.
    pub fn info(&self) -> RedactionInfo {
        RedactionInfo { headers: names::all(), key_check: self.key.check_value() }
    }

    /// The token of a value: the same for the same value under the same key.
    pub fn token(&self, value: &[u8]) -> String {
        let digest = self.key.digest(value);
        let mut token = String::from("redacted-");
        for byte in &digest.0[..12] {
            token.push_str(&format!("{byte:02x}"));
        }
        token
    }

    /// Redacts a field list in place. Trailers go through this too.
    pub fn headers(&self, headers: &mut Headers) {
        let touched = headers.iter().any(|(name, value)| self.field(name, value).is_some());
        if !touched {
            return;
        }
        let mut redacted = Headers::with_capacity(headers.len(), headers.as_ref().byte_len());
        for (name, value) in headers.iter() {
            match self.field(name, value) {
                Some(new) => redacted.push(name, &new),
                None => redacted.push(name, value),
            }
        }
        *headers = redacted;
    }

    /// Redacts a target of a request in place: user information and credentials in its query.
    pub fn target(&self, target: &mut Vec<u8>) {
        if let Some(redacted) = url::redact(self, target) {
            *target = redacted;
        }
    }

    /// The new value of a field, where it changes.
    fn field(&self, name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let Some(rule) = names::rule(name) else {
            return values::is_secret(value).then(|| self.token(value.trim_ascii()).into_bytes());
        };
        match rule {
            _ if value.trim_ascii().is_empty() => None,
            Rule::Value => Some(self.token(value.trim_ascii()).into_bytes()),
            Rule::Credentials => Some(self.credentials(value)),
            Rule::Cookies => Some(self.cookies(value)),
            Rule::SetCookie => Some(self.set_cookie(value)),
            Rule::Url => url::redact(self, value),
        }
    }

    /// `Bearer x`: the scheme stays where it is a known one.
    fn credentials(&self, value: &[u8]) -> Vec<u8> {
        let value = value.trim_ascii();
        let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
        let (scheme, rest) = value.split_at(end);
        if rest.is_empty() || !names::is_scheme(scheme) {
            return self.token(value).into_bytes();
        }
        [scheme, b" ", self.token(rest.trim_ascii()).as_bytes()].concat()
    }

    /// `a=1; b=2`: names stay.
    fn cookies(&self, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(value.len());
        for (count, pair) in value.split(|b| *b == b';').enumerate() {
            if count > 0 {
                out.extend_from_slice(b"; ");
            }
            self.pair(pair.trim_ascii(), &mut out);
        }
        out
    }

    /// `a=1; Path=/; HttpOnly`: name and attributes stay.
    fn set_cookie(&self, value: &[u8]) -> Vec<u8> {
        let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
        let mut out = Vec::with_capacity(value.len());
        self.pair(value[..end].trim_ascii(), &mut out);
        for attribute in value[end..].split(|b| *b == b';').skip(1) {
            let attribute = attribute.trim_ascii();
            let named = attribute.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii_end();
            if names::is_cookie_attribute(named) {
                out.extend_from_slice(b"; ");
                out.extend_from_slice(attribute);
            } else if !attribute.is_empty() {
                out.extend_from_slice(b"; ");
                self.pair(attribute, &mut out);
            }
        }
        out
    }

    /// `name=value` with the value as a token; without a name, all of it.
    fn pair(&self, pair: &[u8], out: &mut Vec<u8>) {
        let named =
            pair.iter().position(|b| *b == b'=').filter(|at| names::is_token(pair[..*at].trim_ascii()));
        let value = match named {
            Some(at) => {
                out.extend_from_slice(pair[..at].trim_ascii());
                out.push(b'=');
                pair[at + 1..].trim_ascii()
            }
            None => pair,
        };
        if !value.is_empty() {
            out.extend_from_slice(self.token(value).as_bytes());
        }
    }

    /// Redacts bytes of a message that could not be read as one, line by line.
    ///
    /// The first line goes through the rules of targets, lines `name: value` through those of fields. A line
    /// that is neither becomes a token, since it may be part of a secret, and what follows a blank line (it
    /// may be a body, or half of one) is left out.
    pub fn raw(&self, raw: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(raw.len());
        let mut last = Line::Start;
        let mut rest = raw;
        while !rest.is_empty() {
            let (content, ending);
            (content, ending, rest) = split_line(rest);
            if content.is_empty() && last != Line::Start {
                break;
            }
            if !content.is_empty() {
                last = self.raw_line(content, last, &mut out);
            }
            out.extend_from_slice(ending);
        }
        out
    }

    /// Appends one line, redacted, and says what it was.
    fn raw_line(&self, line: &[u8], last: Line, out: &mut Vec<u8>) -> Line {
        let folded = line.first().is_some_and(u8::is_ascii_whitespace);
        let named = line.iter().position(|b| *b == b':').map(|at| (line[..at].trim_ascii(), &line[at + 1..]));
        let named = named.filter(|(name, _)| !folded && names::is_token(name));
        if let Some((name, value)) = named {
            out.extend_from_slice(name);
            out.extend_from_slice(b": ");
            let redacted = self.field(name, value);
            out.extend_from_slice(redacted.as_deref().unwrap_or(value.trim_ascii()));
            return if names::rule(name).is_some() { Line::Secret } else { Line::Plain };
        }
        match last {
            Line::Start => self.raw_start(line, out),
            Line::Plain if folded && !values::is_secret(line) && names::in_text(line).is_none() => {
                out.extend_from_slice(line);
            }
            Line::Plain | Line::Secret => out.extend_from_slice(self.token(line.trim_ascii()).as_bytes()),
        }
        if last == Line::Start { Line::Plain } else { last }
    }

    /// Appends a start line, word by word; from the name of a secret field on, nothing of it stays.
    fn raw_start(&self, line: &[u8], out: &mut Vec<u8>) {
        let end = names::in_text(line).unwrap_or(line.len());
        for (count, word) in line[..end].split(|b| *b == b' ').enumerate() {
            if count > 0 {
                out.push(b' ');
            }
            let redacted = url::redact(self, word);
            out.extend_from_slice(redacted.as_deref().unwrap_or(word));
        }
        if end < line.len() {
            out.extend_from_slice(self.token(&line[end..]).as_bytes());
        }
    }
}

/// The first line, what ends it (`\r\n`, `\n` or `\r`), and the rest.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(bytes.len());
    let (content, rest) = bytes.split_at(end);
    let ending = usize::from(!rest.is_empty()) + usize::from(rest.starts_with(b"\r\n"));
    let (ending, rest) = rest.split_at(ending);
    (content, ending, rest)
}

/// What the line before was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// There was none.
    Start,
    /// Nothing that goes on.
    Plain,
    /// A secret, which may go on.
    Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(&DigestKey::from_bytes([3; 32]))
    }

    fn check(name: &str, value: &str, kept: &[&str], gone: &[&str]) {
        let mut headers: Headers = [(name, value)].into_iter().collect();
        redactor().headers(&mut headers);
        let text = String::from_utf8_lossy(headers.get(name.as_bytes()).unwrap_or_default()).into_owned();
        kept.iter().for_each(|part| assert!(text.contains(part), "{part} in {text}"));
        gone.iter().for_each(|part| assert!(!text.contains(part), "{part} in {text}"));
    }

    #[test]
    fn fields_lose_their_secrets_only() {
        check("AUTHORIZATION", "Bearer s3cret", &["Bearer redacted-"], &["s3cret"]);
        check("authorization", "s3cret alone", &["redacted-"], &["s3cret", "alone"]);
        check(
            "Cookie",
            "a=s3cret; theme=s4cret",
            &["a=redacted-", "; theme=redacted-"],
            &["s3cret", "s4cret"],
        );
        let cookie = "sid=s3cret; Path=/; HttpOnly; Max-Age=5; s4cret";
        check(
            "Set-Cookie",
            cookie,
            &["sid=redacted-", "; Path=/; HttpOnly; Max-Age=5"],
            &["s3cret", "s4cret"],
        );
        check("X-Api-Key", "  s3cret  ", &["redacted-"], &["s3cret"]);
        check(
            "Referer",
            "https://u:s3cret@h/p?q=1&access_token=s4cret#x",
            &["@h/p?q=1&", "#x"],
            &["s3cret", "s4cret"],
        );
        check("Location", "/cb?toke%6E=s3cret", &["/cb?"], &["s3cret"]);
        check("User-Agent", "curl/8.0", &["curl/8.0"], &["redacted"]);
        check("X-Other", "AKIAIOSFODNN7EXAMPLE", &["redacted-"], &["AKIA"]);
    }

    #[test]
    fn equal_values_stay_equal() {
        let redactor = redactor();
        let mut headers: Headers =
            [("Cookie", "sid=one; x=two"), ("Set-Cookie", "sid=one"), ("X-Api-Key", "two")]
                .into_iter()
                .collect();
        redactor.headers(&mut headers);
        let (one, two) = (redactor.token(b"one"), redactor.token(b"two"));
        let expected = [
            ("Cookie", format!("sid={one}; x={two}")),
            ("Set-Cookie", format!("sid={one}")),
            ("X-Api-Key", two),
        ];
        assert_eq!(headers, expected.into_iter().collect());
        let other = Redactor::new(&DigestKey::from_bytes([4; 32]));
        assert_ne!(other.token(b"one"), one);
    }

    #[test]
    fn targets_lose_user_information_and_credentials() {
        let target = |text: &str| {
            let mut target = text.as_bytes().to_vec();
            redactor().target(&mut target);
            String::from_utf8(target).expect("text")
        };
        assert_eq!(target("/a?b=1&c=2#d"), "/a?b=1&c=2#d");
        assert!(!target("http://bob:pw@h/x").contains("pw"));
        assert!(target("/a?b=1&api_key=zzz&c=2").starts_with("/a?b=1&api_key=redacted-"));
        assert!(target("/a?b=1&api_key=zzz&c=2").ends_with("&c=2"));
        assert!(!target("/a?x-amz-signature=zzz").contains("zzz"));
        assert!(target("/pay/4111111111111111/x").starts_with("/pay/redacted-"));
    }

    fn check_raw(raw: &str, kept: &[&str], gone: &[&str]) {
        let text = String::from_utf8_lossy(&redactor().raw(raw.as_bytes())).into_owned();
        kept.iter().for_each(|part| assert!(text.contains(part), "{part:?} in {text:?}"));
        gone.iter().for_each(|part| assert!(!text.contains(part), "{part:?} in {text:?}"));
    }

    #[test]
    fn raw_bytes_pass_the_same_rules() {
        let head = "GET /a?token=s3cret HTTP/1.1\r\nHost: h\r\nAuthorization : Bearer s4cret\r\n more\r\nX: y\r\n\r\ns5cret";
        check_raw(
            head,
            &["GET /a?token=redacted-", " HTTP/1.1\r\nHost: h\r\n", "X: y"],
            &["s3cret", "s4cret", "more", "s5cret"],
        );
        check_raw("GET / HTTP/1.1 Cookie: a=s3cret", &["GET / HTTP/1.1 "], &["s3cret"]);
        check_raw("Cookie: -----BEGIN\nAAAA\nBBBB: x\nBB", &["Cookie: "], &["BEGIN", "AAAA"]);
        check_raw("GET / HTTP/1.1\nX-Api-Key: s3cret\nA: b\n\nbody", &["\nA: b\n"], &["s3cret", "body"]);
    }
}
