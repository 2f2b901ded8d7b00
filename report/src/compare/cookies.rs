//! Set-Cookie fields: by the cookies' names and attributes (RFC 6265); values are tokens and never compared.

use super::sink::{Field, Sink};
use super::{Change, Kind, Place, Weight};
use std::collections::{BTreeMap, BTreeSet};
use wire::http1::Headers;

const NAME: &[u8] = b"set-cookie";
/// Bytes of one cookie's name or attribute that are shown.
const MAX_SHOWN: usize = 128;

/// Attributes by lower-case name; of times only that they are there.
type Attributes = BTreeSet<String>;

/// Emits cookies that are missing, added, or have other attributes.
pub(super) fn compare(sink: &mut Sink<'_>, place: Place, a: &Headers, b: &Headers) {
    let (from, to) = (cookies(a), cookies(b));
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    for name in names {
        let (kind, change) = match (from.get(name), to.get(name)) {
            (Some(_), None) => (Kind::Missing, Change::named("cookie left out")),
            (None, Some(_)) => (Kind::Extra, Change::named("cookie added")),
            (Some(x), Some(y)) if x != y => (Kind::Header, attribute_change(x, y)),
            _ => continue,
        };
        let field = Field { place, weight: Weight::Counts, name: "set-cookie", member: Some(name) };
        let shown = |cookies: &BTreeMap<String, Attributes>| cookies.get(name).map(|found| show(name, found));
        sink.field(field, kind, change, [shown(&from), shown(&to)]);
    }
}

fn cookies(list: &Headers) -> BTreeMap<String, Attributes> {
    list.get_all(NAME).map(cookie).collect()
}

fn cookie(value: &[u8]) -> (String, Attributes) {
    let text = String::from_utf8_lossy(value);
    let mut parts = text.split(';').map(str::trim);
    let pair = parts.next().unwrap_or("");
    let name = pair.split_once('=').map_or("", |(name, _)| name.trim());
    let attributes = parts.filter(|part| !part.is_empty()).map(attribute).collect();
    (cut(name), attributes)
}

fn attribute(part: &str) -> String {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let name = name.trim().to_ascii_lowercase();
    match name.as_str() {
        "expires" => name,
        _ if value.is_empty() => cut(&name),
        _ => cut(&format!("{name}={}", value.trim().to_ascii_lowercase())),
    }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_SHOWN)].to_owned()
}

fn attribute_change(from: &Attributes, to: &Attributes) -> Change {
    let list = |names: Vec<&String>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let lost = list(from.difference(to).collect());
    let gained = list(to.difference(from).collect());
    Change::told(match (lost.is_empty(), gained.is_empty()) {
        (false, true) => format!("attribute left out: {}", cut(&lost)),
        (true, _) => format!("attribute added: {}", cut(&gained)),
        _ => format!("attribute {} -> {}", cut(&lost), cut(&gained)),
    })
}

fn show(name: &str, attributes: &Attributes) -> String {
    attributes.iter().fold(format!("{name}=..."), |text, attribute| text + "; " + attribute)
}
