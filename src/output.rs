//! What goes to stdout and stderr: results, errors with their hint, text made safe for a terminal.
//!
//! Results go to stdout through [`Stdout`], which ends quietly when the reader closes the pipe.

use crate::exit::Hint;
use std::io::{self, Write};

/// A result stream on stdout.
pub(crate) struct Stdout(io::BufWriter<io::StdoutLock<'static>>);

/// Whether anybody still reads stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The text was taken.
    Reading,
    /// The pipe is closed: nothing more needs to be printed.
    Gone,
}

impl Stdout {
    /// Locks stdout until dropped.
    pub(crate) fn lock() -> Stdout {
        Stdout(io::BufWriter::new(io::stdout().lock()))
    }

    /// Prints `text` and a line end.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<Reader> {
        let written = self.0.write_all(text.as_bytes()).and_then(|()| self.0.write_all(b"\n"));
        reader_of(written)
    }

    /// Hands everything to the reader.
    pub(crate) fn finish(mut self) -> io::Result<Reader> {
        reader_of(self.0.flush())
    }
}

fn reader_of(written: io::Result<()>) -> io::Result<Reader> {
    match written {
        Ok(()) => Ok(Reader::Reading),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error),
    }
}

/// Prints one document and a line end to stdout.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = Stdout::lock();
    out.line(text.strip_suffix('\n').unwrap_or(text))?;
    out.finish().map(|_| ())
}

/// Prints one JSON document to stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    Ok(print(&serde_json::to_string_pretty(value)?)?)
}

/// Prints the chain of an error on one line, then its hint, made safe for a terminal.
pub(crate) fn print_error(error: &anyhow::Error) {
    // Nothing is left to be told to anybody when stderr is closed.
    let _ = io::stderr().write_all(told(error).as_bytes());
}

/// What is said of an error. A hint stands in the chain as a context, which only its text tells apart there.
fn told(error: &anyhow::Error) -> String {
    let hint = error.downcast_ref::<Hint>().map(|hint| printable(&hint.0));
    let chain: Vec<String> = error.chain().map(|cause| printable(&cause.to_string())).collect();
    let causes: Vec<String> = chain.into_iter().filter(|cause| Some(cause) != hint.as_ref()).collect();
    let mut told = format!("error: {}\n", without_repeats(&causes).join(": "));
    if let Some(hint) = hint {
        told.push_str(&format!("hint: {hint}\n"));
    }
    told
}

/// A cause whose text already stands at the end of the one before it is not said twice.
fn without_repeats(chain: &[String]) -> Vec<&str> {
    let mut said: Vec<&str> = Vec::new();
    for text in chain {
        if !said.last().is_some_and(|last| last.ends_with(text.as_str())) {
            said.push(text);
        }
    }
    said
}

/// `text` with every control character escaped, so that captured text can do nothing to a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        let direction_override = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c == '\n' || !(c.is_control() || direction_override) {
            safe.push(c);
        } else {
            safe.extend(c.escape_default());
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_as_text() {
        assert_eq!(printable("a\u{1b}[31mb\r\u{202e}"), "a\\u{1b}[31mb\\r\\u{202e}");
        assert_eq!(printable("é ✓ \n"), "é ✓ \n");
    }

    #[test]
    fn a_hint_stands_on_a_line_of_its_own() {
        let error =
            anyhow::anyhow!("the file exists").context("create x").context(Hint("use --force".to_owned()));
        assert_eq!(told(&error), "error: create x: the file exists\nhint: use --force\n");
        assert_eq!(told(&anyhow::anyhow!("no hint")), "error: no hint\n");
    }

    #[test]
    fn a_cause_is_said_once() {
        let chain = ["open x: not found".to_owned(), "not found".to_owned(), "deeper".to_owned()];
        assert_eq!(without_repeats(&chain), ["open x: not found", "deeper"]);
    }
}
