//! Bytes to message heads, in one pass and without allocation per field.
//!
//! Invariant: every decision depends only on bytes already seen, so `parse(prefix)` is either
//! [`Progress::NeedMore`] or the same verdict as `parse(whole)`.

use super::error::{HeadError, HeadErrorKind as Kind};
use super::head::{RequestHead, RequestHeadRef, ResponseHead, ResponseHeadRef, Version};
use super::headers::{Field, Headers, HeadersRef};
use super::oddity::{Oddities, Oddity};
use super::{Limits, MessageKind, Parsed, Progress, Strictness, scan};

/// A head parser with reusable scratch memory: one serves any number of connections.
#[derive(Debug)]
pub struct HeadParser {
    strictness: Strictness,
    limits: Limits,
    fields: Vec<Field>,
    unfolded: Vec<u8>,
}

/// `Ok(None)`: the bytes end too early.
type Step<T> = Result<Option<T>, HeadError>;
/// Method, target, version.
type RequestLine<'a> = (&'a [u8], &'a [u8], Version);
/// Version, status, reason.
type StatusLine<'a> = (Version, u16, &'a [u8]);

fn fail<T>(kind: Kind, offset: usize) -> Result<T, HeadError> {
    Err(HeadError { kind, offset })
}

impl HeadParser {
    /// A parser. A `max_head` beyond 4 GiB counts as 4 GiB.
    pub fn new(strictness: Strictness, limits: Limits) -> Self {
        Self { strictness, limits, fields: Vec::new(), unfolded: Vec::new() }
    }

    /// Parses a request head at the start of `input`; empty lines before it are skipped.
    ///
    /// # Errors
    ///
    /// [`HeadError`] with kind and offset; more bytes will not mend it.
    pub fn request<'a>(
        &'a mut self,
        input: &'a [u8],
    ) -> Result<Progress<Parsed<RequestHeadRef<'a>>>, HeadError> {
        let line = Line::new(self.strictness, MessageKind::Request);
        let Some(run) = self.run(input, line, Line::request)? else { return Ok(Progress::NeedMore) };
        let headers = self.headers(input, &run);
        let (method, target, version) = run.start;
        let head = RequestHeadRef { method, target, version, headers };
        Ok(Progress::Done(Parsed { head, consumed: run.end, oddities: run.oddities }))
    }

    /// Parses a response head at the start of `input`.
    ///
    /// # Errors
    ///
    /// [`HeadError`] with kind and offset; more bytes will not mend it.
    pub fn response<'a>(
        &'a mut self,
        input: &'a [u8],
    ) -> Result<Progress<Parsed<ResponseHeadRef<'a>>>, HeadError> {
        let line = Line::new(self.strictness, MessageKind::Response);
        let Some(run) = self.run(input, line, Line::response)? else { return Ok(Progress::NeedMore) };
        let headers = self.headers(input, &run);
        let (version, status, reason) = run.start;
        let head = ResponseHeadRef { version, status, reason, headers };
        Ok(Progress::Done(Parsed { head, consumed: run.end, oddities: run.oddities }))
    }

    fn run<'a, S>(
        &mut self,
        input: &'a [u8],
        mut line: Line,
        start_line: impl Fn(&mut Line, &'a [u8]) -> Step<(S, usize)>,
    ) -> Step<Run<S>> {
        let max_head = self.limits.max_head.min(u32::MAX as usize);
        let head = &input[..input.len().min(max_head)];
        let max_line = self.limits.max_start_line.min(max_head);
        let Some((start, fields_at)) = start_line(&mut line, &head[..head.len().min(max_line)])? else {
            return if input.len() < max_line { Ok(None) } else { fail(Kind::StartLineTooLong, max_line) };
        };
        let mut section = FieldSection { line, max_fields: self.limits.max_fields, fields: &mut self.fields };
        let Some(end) = section.parse(head, fields_at)? else {
            return if input.len() < max_head { Ok(None) } else { fail(Kind::HeadTooLarge, max_head) };
        };
        let oddities = section.line.oddities;
        if oddities.contains(Oddity::ObsFold) {
            unfold(&head[..end], &mut self.fields, &mut self.unfolded);
        }
        Ok(Some(Run { start, end, oddities }))
    }

    fn headers<'a, S>(&'a self, input: &'a [u8], run: &Run<S>) -> HeadersRef<'a> {
        let folded = run.oddities.contains(Oddity::ObsFold);
        HeadersRef { bytes: if folded { &self.unfolded } else { &input[..run.end] }, fields: &self.fields }
    }
}

struct Run<S> {
    start: S,
    end: usize,
    oddities: Oddities,
}

/// Parses an owned request head: [`HeadParser::request`] for callers that parse few.
///
/// # Errors
///
/// As [`HeadParser::request`].
pub fn parse_request_head(
    input: &[u8],
    strictness: Strictness,
    limits: &Limits,
) -> Result<Progress<Parsed<RequestHead>>, HeadError> {
    Ok(match HeadParser::new(strictness, *limits).request(input)? {
        Progress::NeedMore => Progress::NeedMore,
        Progress::Done(Parsed { head, consumed, oddities }) => {
            Progress::Done(Parsed { head: head.to_owned(), consumed, oddities })
        }
    })
}

/// Parses an owned response head: [`HeadParser::response`] for callers that parse few.
///
/// # Errors
///
/// As [`HeadParser::response`].
pub fn parse_response_head(
    input: &[u8],
    strictness: Strictness,
    limits: &Limits,
) -> Result<Progress<Parsed<ResponseHead>>, HeadError> {
    Ok(match HeadParser::new(strictness, *limits).response(input)? {
        Progress::NeedMore => Progress::NeedMore,
        Progress::Done(Parsed { head, consumed, oddities }) => {
            Progress::Done(Parsed { head: head.to_owned(), consumed, oddities })
        }
    })
}

/// Parses a trailer section, blank line included.
pub(super) fn parse_trailers(
    input: &[u8],
    strictness: Strictness,
    limits: &Limits,
) -> Step<(Headers, Oddities)> {
    let mut fields = Vec::new();
    let line = Line::new(strictness, MessageKind::Response);
    let mut section = FieldSection { line, max_fields: limits.max_fields, fields: &mut fields };
    let Some(end) = section.parse(input, 0)? else { return Ok(None) };
    let oddities = section.line.oddities;
    let mut unfolded = Vec::new();
    let bytes = if oddities.contains(Oddity::ObsFold) {
        unfold(&input[..end], &mut fields, &mut unfolded);
        &unfolded[..]
    } else {
        input
    };
    Ok(Some((HeadersRef { bytes, fields: &fields }.to_owned(), oddities)))
}

/// Looks for the end of a head that arrives in pieces, reading every byte once.
///
/// After a first [`Progress::NeedMore`], ask this before parsing again: otherwise a head that
/// trickles in costs quadratic time.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadScan {
    scanned: usize,
}

impl HeadScan {
    /// Whether `input` (the same as last time, with bytes appended) may hold a whole head, or has
    /// reached `limits.max_head`.
    pub fn ready(&mut self, input: &[u8], limits: &Limits) -> bool {
        let mut from = self.scanned.min(input.len());
        while let Some(at) = memchr::memchr(b'\n', &input[from..]).map(|at| at + from) {
            let blank = match input.get(at + 1..).unwrap_or_default() {
                [b'\n', ..] | [b'\r', b'\n', ..] => true,
                [] | [b'\r'] => {
                    self.scanned = at;
                    return input.len() >= limits.max_head;
                }
                _ => false,
            };
            // Line ends before anything else are the blank lines in front of a start line.
            if blank && !input[..at].iter().all(|b| matches!(b, b'\r' | b'\n')) {
                return true;
            }
            from = at + 1;
        }
        self.scanned = input.len();
        input.len() >= limits.max_head
    }
}

/// Start lines, and what both kinds of line share.
struct Line {
    strictness: Strictness,
    kind: MessageKind,
    oddities: Oddities,
}

impl Line {
    fn new(strictness: Strictness, kind: MessageKind) -> Self {
        Self { strictness, kind, oddities: Oddities::NONE }
    }

    /// In lenient mode records `oddity`, in strict mode refuses with `kind`.
    fn tolerate(&mut self, oddity: Oddity, kind: Kind, offset: usize) -> Result<(), HeadError> {
        match self.strictness {
            Strictness::Strict => fail(kind, offset),
            Strictness::Lenient => {
                self.oddities.insert(oddity);
                Ok(())
            }
        }
    }

    /// The position behind a line end at `at`, if one is there.
    fn line_end(&mut self, input: &[u8], at: usize) -> Step<usize> {
        match (input.get(at), input.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) => Ok(Some(at + 2)),
            (Some(b'\r'), Some(_)) => fail(Kind::BareCr, at),
            (Some(b'\n'), _) => {
                self.tolerate(Oddity::BareLf, Kind::BareLf, at)?;
                Ok(Some(at + 1))
            }
            _ => Ok(None),
        }
    }

    fn skip_blank_lines(&mut self, input: &[u8]) -> Step<usize> {
        let mut at = 0;
        while let Some(b'\r' | b'\n') = input.get(at) {
            let Some(next) = self.line_end(input, at)? else { return Ok(None) };
            at = next;
            self.oddities.insert(Oddity::LeadingBlankLine);
        }
        Ok(Some(at))
    }

    /// One space; in lenient mode any run of spaces and tabs.
    fn space(&mut self, input: &[u8], at: usize) -> Step<usize> {
        let end = scan::blank_end(input, at);
        if end == input.len() {
            return Ok(None);
        }
        if end - at != 1 || input[at] != b' ' {
            self.tolerate(Oddity::StartLineSpace, Kind::StartLineSpace, at)?;
        }
        Ok(Some(end))
    }

    fn request<'a>(&mut self, input: &'a [u8]) -> Step<(RequestLine<'a>, usize)> {
        let Some(at) = self.skip_blank_lines(input)? else { return Ok(None) };
        let method_end = scan::token_end(input, at);
        let Some(next) = input.get(method_end) else { return Ok(None) };
        if method_end == at || !scan::is_blank(*next) {
            return fail(Kind::InvalidMethod, method_end);
        }
        let Some(target_at) = self.space(input, method_end)? else { return Ok(None) };
        let target_end = scan::control_from::<0x21>(input, target_at);
        let plain = (|| {
            let version = Version::parse(input.get(target_end + 1..target_end + 9)?)?;
            let behind = input.get(target_end + 9..target_end + 11)? == b"\r\n";
            (behind && input[target_end] == b' ' && target_end > target_at).then_some(version)
        })();
        let method = &input[at..method_end];
        if let Some(version) = plain {
            return Ok(Some(((method, &input[target_at..target_end], version), target_end + 11)));
        }
        let Some((target, version, end)) = self.odd_target(input, target_at)? else { return Ok(None) };
        Ok(Some(((method, target, version), end)))
    }

    /// Target and version of a line that is not plain: the last word is the version, all before it
    /// the target.
    fn odd_target<'a>(&mut self, input: &'a [u8], from: usize) -> Step<(&'a [u8], Version, usize)> {
        let Some(lf) = memchr::memchr(b'\n', &input[from..]).map(|at| at + from) else { return Ok(None) };
        let line_end = if lf > from && input[lf - 1] == b'\r' { lf - 1 } else { lf };
        let line = &input[from..line_end];
        if let Some(cr) = memchr::memchr(b'\r', line) {
            return fail(Kind::BareCr, from + cr);
        }
        let text = scan::trim(line);
        let version_at = text.iter().rposition(|b| scan::is_blank(*b)).map_or(0, |at| at + 1);
        let Some(version) = Version::parse(&text[version_at..]) else {
            return fail(Kind::InvalidVersion, from + version_at);
        };
        let target = scan::trim(&text[..version_at]);
        if target.is_empty() {
            return fail(Kind::InvalidTarget, from);
        }
        if line.len() != target.len() + 9 || line[target.len()] != b' ' {
            self.tolerate(Oddity::StartLineSpace, Kind::StartLineSpace, from + target.len())?;
        }
        if let Some(at) = target.iter().position(|b| scan::is_blank(*b)) {
            self.tolerate(Oddity::SpaceInTarget, Kind::InvalidTarget, from + at)?;
        }
        if let Some(at) = target.iter().position(|b| *b != b'\t' && b.is_ascii_control()) {
            self.tolerate(Oddity::ControlCharacter, Kind::InvalidTarget, from + at)?;
        }
        let end = self.line_end(input, line_end)?;
        Ok(end.map(|end| (target, version, end)))
    }

    fn response<'a>(&mut self, input: &'a [u8]) -> Step<(StatusLine<'a>, usize)> {
        let at = match self.strictness {
            Strictness::Strict => 0,
            Strictness::Lenient => match self.skip_blank_lines(input)? {
                Some(at) => at,
                None => return Ok(None),
            },
        };
        let version_end = at + 8;
        let Some(version) = input.get(at..version_end) else { return Ok(None) };
        let Some(version) = Version::parse(version) else { return fail(Kind::InvalidVersion, at) };
        match input.get(version_end) {
            None => return Ok(None),
            Some(next) if scan::is_blank(*next) => {}
            Some(_) => return fail(Kind::InvalidVersion, version_end),
        }
        let Some(status_at) = self.space(input, version_end)? else { return Ok(None) };
        let Some(status) = self.status(input, status_at)? else { return Ok(None) };
        let reason_at = status_at + 3;
        match input.get(reason_at) {
            None => return Ok(None),
            Some(b' ' | b'\t' | b'\r' | b'\n') => {}
            Some(_) => return fail(Kind::InvalidStatus, reason_at),
        }
        let Some(line_end) = self.text_end(input, reason_at, Kind::InvalidReason)? else { return Ok(None) };
        let Some(end) = self.line_end(input, line_end)? else { return Ok(None) };
        let reason = &input[reason_at..line_end];
        let reason = reason.strip_prefix(b" ").unwrap_or(reason);
        Ok(Some(((version, status, reason), end)))
    }

    fn status(&mut self, input: &[u8], at: usize) -> Step<u16> {
        let mut status = 0;
        for index in at..at + 3 {
            match input.get(index) {
                None => return Ok(None),
                Some(digit @ b'0'..=b'9') => status = status * 10 + u16::from(digit - b'0'),
                Some(_) => return fail(Kind::InvalidStatus, index),
            }
        }
        if status < 100 {
            self.tolerate(Oddity::UnusualStatus, Kind::InvalidStatus, at)?;
        }
        Ok(Some(status))
    }

    /// The position of the CR or LF that ends the text at `from`.
    fn text_end(&mut self, input: &[u8], from: usize, kind: Kind) -> Step<usize> {
        let mut at = from;
        loop {
            at = scan::control_from::<0x20>(input, at);
            match input.get(at) {
                None => return Ok(None),
                Some(b'\r' | b'\n') => return Ok(Some(at)),
                Some(b'\t') => {}
                Some(_) => self.tolerate(Oddity::ControlCharacter, kind, at)?,
            }
            at += 1;
        }
    }
}

/// The field lines up to and including the blank line.
struct FieldSection<'f> {
    line: Line,
    max_fields: usize,
    fields: &'f mut Vec<Field>,
}

impl FieldSection<'_> {
    fn parse(&mut self, input: &[u8], from: usize) -> Step<usize> {
        self.fields.clear();
        let mut at = from;
        loop {
            let next = match input.get(at) {
                None => return Ok(None),
                Some(b'\r' | b'\n') => return self.line.line_end(input, at),
                Some(b' ' | b'\t') => self.fold(input, at)?,
                Some(_) => self.field(input, at)?,
            };
            let Some(next) = next else { return Ok(None) };
            at = next;
        }
    }

    fn field(&mut self, input: &[u8], at: usize) -> Step<usize> {
        if self.fields.len() >= self.max_fields {
            return fail(Kind::TooManyFields, at);
        }
        let name_end = scan::token_end(input, at);
        let Some(colon) = self.colon(input, at, name_end)? else { return Ok(None) };
        let value_at = scan::blank_end(input, colon + 1);
        let Some(line_end) = self.line.text_end(input, value_at, Kind::InvalidFieldValue)? else {
            return Ok(None);
        };
        let Some(next) = self.line.line_end(input, line_end)? else { return Ok(None) };
        let mut value_end = line_end;
        while value_end > value_at && scan::is_blank(input[value_end - 1]) {
            value_end -= 1;
        }
        self.fields.push(Field {
            name: at as u32,
            name_len: (name_end - at) as u32,
            value: value_at as u32,
            value_len: (value_end - value_at) as u32,
        });
        Ok(Some(next))
    }

    fn colon(&mut self, input: &[u8], at: usize, name_end: usize) -> Step<usize> {
        match input.get(name_end) {
            None => Ok(None),
            Some(_) if name_end == at => fail(Kind::InvalidFieldName, at),
            Some(b':') => Ok(Some(name_end)),
            Some(b'\r' | b'\n') => fail(Kind::MissingColon, name_end),
            Some(b' ' | b'\t') => {
                let end = scan::blank_end(input, name_end);
                match input.get(end) {
                    None => Ok(None),
                    Some(b':') => {
                        self.line.tolerate(Oddity::SpaceBeforeColon, Kind::SpaceBeforeColon, name_end)?;
                        Ok(Some(end))
                    }
                    Some(_) => fail(Kind::InvalidFieldName, name_end),
                }
            }
            Some(_) => fail(Kind::InvalidFieldName, name_end),
        }
    }

    /// A continuation of the field before. A user agent must accept them (RFC 9112 section 5.2), so
    /// strict mode refuses them in requests only.
    fn fold(&mut self, input: &[u8], at: usize) -> Step<usize> {
        if self.fields.is_empty() {
            return fail(Kind::LeadingSpace, at);
        }
        match self.line.kind {
            MessageKind::Request => self.line.tolerate(Oddity::ObsFold, Kind::ObsFold, at)?,
            MessageKind::Response => self.line.oddities.insert(Oddity::ObsFold),
        }
        let Some(line_end) = self.line.text_end(input, at, Kind::InvalidFieldValue)? else { return Ok(None) };
        let Some(next) = self.line.line_end(input, line_end)? else { return Ok(None) };
        let field = self.fields.last_mut().expect("a field precedes its continuation");
        field.value_len = line_end as u32 - field.value;
        Ok(Some(next))
    }
}

/// Copies the head with the line breaks inside values as spaces, and trims the values again.
fn unfold(head: &[u8], fields: &mut [Field], copy: &mut Vec<u8>) {
    copy.clear();
    copy.extend_from_slice(head);
    for field in fields {
        let start = field.value as usize;
        let value = &mut copy[start..start + field.value_len as usize];
        for byte in value.iter_mut().filter(|b| matches!(b, b'\r' | b'\n')) {
            *byte = b' ';
        }
        let lead = scan::blank_end(value, 0);
        field.value_len = scan::trim(value).len() as u32;
        field.value += lead as u32;
    }
}

#[cfg(test)]
mod tests;
