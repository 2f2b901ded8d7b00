//! Credentials in heads become keyed tokens before anything reaches the disk.
//!
//! Equal values become equal tokens, so that sessions and comparisons stay honest; nobody gets a value back
//! without the key. Invariant: what cannot be redacted with certainty is not kept.

mod names;
mod query;

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
        if let Some(redacted) = query::redact(self, target) {
            *target = redacted;
        }
    }

    /// The new value of a field, where it changes.
    fn field(&self, name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        match names::rule(name)? {
            _ if value.trim_ascii().is_empty() => None,
            Rule::Value => Some(self.token(value.trim_ascii()).into_bytes()),
            Rule::Credentials => Some(self.credentials(value)),
            Rule::Cookies => Some(self.cookies(value)),
            Rule::SetCookie => Some(self.set_cookie(value)),
            Rule::Url => query::redact(self, value),
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
    /// The first line goes through the rules of targets, lines `name: value` through those of fields, and
    /// whatever follows a blank line (it may be a body, or half of one) is left out. So is everything where a
    /// line could be a continuation of a secret.
    pub fn raw(&self, raw: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(raw.len());
        let mut secret_goes_on = false;
        for (count, line) in raw.split_inclusive(|b| matches!(b, b'\n' | b'\r')).enumerate() {
            let content = line.trim_ascii_end();
            let ending = &line[content.len()..];
            if count > 0 && content.is_empty() && ending.first() == Some(&b'\n') && out.ends_with(b"\n") {
                out.extend_from_slice(ending);
                break;
            }
            let folded = content.first().is_some_and(u8::is_ascii_whitespace);
            if folded && secret_goes_on {
                out.extend_from_slice(b" ");
                out.extend_from_slice(self.token(content.trim_ascii()).as_bytes());
            } else {
                secret_goes_on = self.raw_line(content, &mut out);
            }
            out.extend_from_slice(ending);
        }
        out
    }

    /// Appends one line, redacted; says whether it held a secret that may go on in the next.
    fn raw_line(&self, line: &[u8], out: &mut Vec<u8>) -> bool {
        let named = line.iter().position(|b| *b == b':').map(|at| (line[..at].trim_ascii(), &line[at + 1..]));
        if let Some((name, value)) = named
            && names::rule(name).is_some()
        {
            out.extend_from_slice(name);
            out.extend_from_slice(b": ");
            let redacted = self.field(name, value);
            out.extend_from_slice(redacted.as_deref().unwrap_or(value.trim_ascii()));
            return true;
        }
        let mut words = line.split(|b| *b == b' ').peekable();
        while let Some(word) = words.next() {
            match query::redact(self, word) {
                Some(redacted) => out.extend_from_slice(&redacted),
                None => out.extend_from_slice(word),
            }
            if words.peek().is_some() {
                out.push(b' ');
            }
        }
        false
    }
}
