//! HTTP/1.1 framing, content decoding with limits, a JSON tree and paths over it.
//!
//! Capture, replay, redaction and comparison all stand on this crate. It does no I/O and knows no
//! async: every parser takes bytes and answers "need more", a value with the bytes consumed, or a
//! typed error with an offset. Invariant: no input makes it panic, read out of range or take memory
//! beyond a named limit.
//!
//! ```
//! use wire::http1::{BodyDecoder, Framing, HeadParser, Limits, Progress, Strictness};
//!
//! let bytes = b"POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\n{\"\"}";
//! let mut parser = HeadParser::new(Strictness::Lenient, Limits::default());
//! let Progress::Done(parsed) = parser.request(bytes)? else { panic!("the head is complete") };
//! assert_eq!(parsed.head.method, b"POST");
//! assert_eq!(parsed.head.headers.get(b"host"), Some(&b"shop"[..]));
//!
//! let framing = Framing::of_request(&parsed.head, Strictness::Lenient)?;
//! let mut body = BodyDecoder::new(framing.body, Strictness::Lenient);
//! let rest = &bytes[parsed.consumed..];
//! let step = body.decode(rest)?;
//! assert_eq!(&rest[step.data], b"{\"\"}");
//! assert!(body.is_done());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod content;
pub mod fuzz;
pub mod http1;
pub mod json;
pub mod path;
