//! Text to tree, in one pass and without recursion.

use super::{
    Ambiguity, Entry, JsonError, JsonErrorKind as Fault, JsonLimits, Kind, NONE, NodeId, Text, Tree,
};

/// Members up to which duplicates are looked for pair by pair; longer objects are sorted.
const PAIRWISE: usize = 16;

pub(super) fn parse<'a>(source: &'a [u8], limits: &JsonLimits) -> Result<Tree<'a>, JsonError> {
    if source.len() > limits.max_bytes.min(i32::MAX as usize) {
        return Err(JsonError { kind: Fault::TooLarge, offset: limits.max_bytes });
    }
    let tree = Tree {
        source,
        entries: Vec::with_capacity(source.len() / 16 + 1),
        keys: Vec::with_capacity(source.len() / 32),
        decoded: Vec::new(),
        ambiguities: Vec::new(),
        ambiguity_count: 0,
    };
    let mut parser = Parser { tree, at: 0, key: NONE, open: Vec::new(), limits, scratch: Vec::new() };
    parser.document()?;
    Ok(parser.tree)
}

struct Parser<'a, 'l> {
    tree: Tree<'a>,
    at: usize,
    /// The member name of the value that comes next.
    key: u32,
    /// Arrays and objects that are not closed.
    open: Vec<u32>,
    limits: &'l JsonLimits,
    scratch: Vec<u32>,
}

impl Parser<'_, '_> {
    fn document(&mut self) -> Result<(), JsonError> {
        if self.tree.source.starts_with(b"\xef\xbb\xbf") {
            self.at = 3;
            self.tree.note(Ambiguity::ByteOrderMark);
        }
        loop {
            if self.value()? && self.close_finished()? {
                break;
            }
        }
        if self.at < self.tree.source.len() { self.fail(Fault::TrailingText) } else { Ok(()) }
    }

    fn fail<T>(&self, kind: Fault) -> Result<T, JsonError> {
        let kind = if self.at >= self.tree.source.len() { Fault::UnexpectedEnd } else { kind };
        Err(JsonError { kind, offset: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.tree.source.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Reads a value, or the opening of one; says whether it is whole.
    fn value(&mut self) -> Result<bool, JsonError> {
        self.skip_space();
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => Kind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'{') => return self.open(Kind::Object { count: 0, duplicates: false }, b'}'),
            Some(b'[') => return self.open(Kind::Array { count: 0 }, b']'),
            Some(b't') => self.literal(b"true", Kind::True)?,
            Some(b'f') => self.literal(b"false", Kind::False)?,
            Some(b'n') => self.literal(b"null", Kind::Null)?,
            _ => return self.fail(Fault::ExpectedValue),
        };
        self.push(kind, start)?;
        Ok(true)
    }

    fn push(&mut self, kind: Kind, start: usize) -> Result<(), JsonError> {
        let next = self.tree.entries.len() + 1;
        if next > self.limits.max_nodes {
            return Err(JsonError { kind: Fault::TooManyNodes, offset: start });
        }
        let parent = self.open.last().copied().unwrap_or(NONE);
        let (start, end, next) = (start as u32, self.at as u32, next as u32);
        self.tree.entries.push(Entry { kind, start, end, next, parent, key: self.key });
        self.key = NONE;
        Ok(())
    }

    fn open(&mut self, kind: Kind, close: u8) -> Result<bool, JsonError> {
        if self.open.len() >= self.limits.max_depth {
            return self.fail(Fault::TooDeep);
        }
        let start = self.at;
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(close) {
            self.at += 1;
            self.push(kind, start)?;
            return Ok(true);
        }
        self.push(kind, start)?;
        self.open.push(self.tree.entries.len() as u32 - 1);
        if close == b'}' {
            self.name()?;
        }
        Ok(false)
    }

    /// Behind a whole value: counts it in, and closes what ends here. Says whether the document is whole.
    fn close_finished(&mut self) -> Result<bool, JsonError> {
        loop {
            self.skip_space();
            let Some(top) = self.open.last().copied() else { return Ok(true) };
            let entry = &mut self.tree.entries[top as usize];
            let is_object = match &mut entry.kind {
                Kind::Object { count, .. } => {
                    *count += 1;
                    true
                }
                Kind::Array { count } => {
                    *count += 1;
                    false
                }
                _ => false,
            };
            match (self.peek(), is_object) {
                (Some(b','), true) => {
                    self.at += 1;
                    self.skip_space();
                    self.name()?;
                    return Ok(false);
                }
                (Some(b','), false) => {
                    self.at += 1;
                    return Ok(false);
                }
                (Some(b'}'), true) | (Some(b']'), false) => self.close(top),
                _ => return self.fail(Fault::ExpectedCommaOrEnd),
            }
        }
    }

    fn close(&mut self, top: u32) {
        self.at += 1;
        self.open.pop();
        let next = self.tree.entries.len() as u32;
        let entry = &mut self.tree.entries[top as usize];
        (entry.end, entry.next) = (self.at as u32, next);
        if matches!(entry.kind, Kind::Object { .. }) {
            self.find_duplicates(top);
        }
    }

    fn find_duplicates(&mut self, object: u32) {
        let mut children = std::mem::take(&mut self.scratch);
        children.clear();
        let tree = &self.tree;
        let node = |id: u32| super::Node { tree, id: NodeId(id) };
        children.extend(node(object).children().map(|child| child.id.0));
        let key = |id: &u32| node(*id).key().unwrap_or_default();
        let mut found = Vec::new();
        if children.len() <= PAIRWISE {
            for (index, child) in children.iter().enumerate() {
                if children[..index].iter().any(|earlier| key(earlier) == key(child)) {
                    found.push(*child);
                }
            }
        } else {
            children.sort_by(|a, b| key(a).cmp(key(b)));
            found.extend(
                children.windows(2).filter(|pair| key(&pair[0]) == key(&pair[1])).map(|pair| pair[1]),
            );
            found.sort_unstable();
        }
        self.scratch = children;
        if let (false, Kind::Object { duplicates, .. }) =
            (found.is_empty(), &mut self.tree.entries[object as usize].kind)
        {
            *duplicates = true;
        }
        for id in found {
            self.tree.note(Ambiguity::DuplicateKey(NodeId(id)));
        }
    }

    fn name(&mut self) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return self.fail(Fault::ExpectedName);
        }
        let text = self.string()?;
        self.key = self.tree.keys.len() as u32;
        self.tree.keys.push(text);
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.fail(Fault::ExpectedColon);
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<Kind, JsonError> {
        let rest = &self.tree.source[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(kind);
        }
        self.at += rest.iter().zip(word).take_while(|(a, b)| a == b).count();
        self.fail(Fault::ExpectedValue)
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { self.fail(Fault::InvalidNumber) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Kind, JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Kind::Number)
    }

    fn string(&mut self) -> Result<Text, JsonError> {
        let quote = self.at;
        self.at += 1;
        let start = self.at;
        let mut high = 0;
        self.at = plain_end(self.tree.source, start, &mut high);
        let text = match self.peek() {
            Some(b'"') => Text { start: start as u32, len: (self.at - start) as u32, decoded: false },
            Some(b'\\') => self.escaped(quote, start, &mut high)?,
            _ => return self.fail(Fault::ControlCharacter),
        };
        if high >= 0x80 && std::str::from_utf8(&self.tree.source[start..self.at]).is_err() {
            self.tree.note(Ambiguity::InvalidUtf8(quote));
        }
        self.at += 1;
        Ok(text)
    }

    /// Decodes a string with escapes; stops at its closing quote.
    fn escaped(&mut self, quote: usize, start: usize, high: &mut u8) -> Result<Text, JsonError> {
        let decoded_start = self.tree.decoded.len();
        let mut plain = start;
        let mut lone = false;
        loop {
            self.tree.decoded.extend_from_slice(&self.tree.source[plain..self.at]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => lone |= self.escape()?,
                _ => return self.fail(Fault::ControlCharacter),
            }
            plain = self.at;
            self.at = plain_end(self.tree.source, plain, high);
        }
        if lone {
            self.tree.note(Ambiguity::LoneSurrogate(quote));
        }
        let len = self.tree.decoded.len() - decoded_start;
        Ok(Text { start: decoded_start as u32, len: len as u32, decoded: true })
    }

    /// Decodes one escape; says whether it is a surrogate without its other half.
    fn escape(&mut self) -> Result<bool, JsonError> {
        self.at += 1;
        let byte = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return self.fail(Fault::InvalidEscape),
        };
        self.at += 1;
        self.tree.decoded.push(byte);
        Ok(false)
    }

    fn unicode_escape(&mut self) -> Result<bool, JsonError> {
        self.at += 1;
        let mut code = self.hex4()?;
        let low_follows = (0xd800..0xdc00).contains(&code)
            && matches!(
                self.tree.source.get(self.at..),
                Some([b'\\', b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..])
            );
        if low_follows {
            self.at += 2;
            code = 0x1_0000 + ((code - 0xd800) << 10) + (self.hex4()? - 0xdc00);
        }
        match char::from_u32(code) {
            Some(character) => {
                self.tree.decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                Ok(false)
            }
            None => {
                // Kept apart from every valid string, in the three bytes that UTF-8 would give it.
                let bytes =
                    [0xe0 | (code >> 12) as u8, 0x80 | (code >> 6) as u8 & 0x3f, 0x80 | code as u8 & 0x3f];
                self.tree.decoded.extend_from_slice(&bytes);
                Ok(true)
            }
        }
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.fail(Fault::InvalidEscape);
            };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// The first quote, backslash or control character at or behind `from`; ORs the bytes before it, and
/// perhaps a few behind, into `high`.
fn plain_end(source: &[u8], from: usize, high: &mut u8) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut at = from;
    let mut seen = 0;
    while let Some(chunk) = source.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("the slice has eight bytes"));
        seen |= word;
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let hit = control | zero_byte(word ^ (ONES * 0x22)) | zero_byte(word ^ (ONES * 0x5c));
        if hit != 0 {
            *high |= if seen & HIGH == 0 { 0 } else { 0x80 };
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    *high |= if seen & HIGH == 0 { 0 } else { 0x80 };
    while let Some(byte) = source.get(at).filter(|b| **b >= 0x20 && !matches!(**b, b'"' | b'\\')) {
        *high |= byte;
        at += 1;
    }
    at
}
