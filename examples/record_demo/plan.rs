//! Who asks for what and when: the traffic of the demo's recording, a pure function of a seed.
//!
//! Three kinds of clients: browsers with a session cookie and apps with a bearer token, each on a
//! connection of its own, and clients behind a proxy that carries all of them over a few connections. All
//! credentials are invented.

use crate::draw::Draw;
use std::fmt::Write as _;
use std::time::Duration;

/// The seed of the shipped recording.
pub(crate) const SEED: u64 = 20_240_229;
/// How long traffic runs.
pub(crate) const WINDOW: Duration = Duration::from_secs(28);
/// Connections of the proxy.
pub(crate) const PROXY_CONNECTIONS: usize = 8;

const VISITS: u64 = 1_000;
const MEAN_PAUSE: f64 = 1.1;
const LONGEST_VISIT: f64 = 14.0;
const BOTS: u64 = 6;

/// One client's session.
#[derive(Debug)]
pub(crate) struct Visit {
    /// Which connection carries it.
    pub(crate) carrier: Carrier,
    /// Its requests in order.
    pub(crate) requests: Vec<Wanted>,
}

/// Which connection carries a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// One of its own.
    Own,
    /// This one of the proxy's.
    Proxy(usize),
}

/// One request and when it is due.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Since the start of the recording.
    pub(crate) at: Duration,
    /// The request's bytes.
    pub(crate) bytes: Vec<u8>,
    /// Product whose entity tag, once seen, is sent along.
    pub(crate) revalidates: Option<u64>,
}

/// Every session of the recording.
pub(crate) fn visits(seed: u64) -> Vec<Visit> {
    let clients = (0..VISITS).map(|n| visit(n, &mut Draw::of(seed, n)));
    let bots = (0..BOTS).map(|n| bot(n, &mut Draw::of(seed + 1, n)));
    clients.chain(bots).filter(|visit| !visit.requests.is_empty()).collect()
}

fn visit(n: u64, draw: &mut Draw) -> Visit {
    let window = WINDOW.as_secs_f64();
    let client = Client::draw(n, draw);
    // Visits that began before the window are joined in their middle: the rate is even from the start.
    let begin = draw.unit() * (window + LONGEST_VISIT) - LONGEST_VISIT;
    let end = begin + LONGEST_VISIT * (0.4 + 0.6 * draw.unit());
    let mut requests = Vec::new();
    let mut at = begin;
    while at < end.min(window) {
        let wanted = client.next(draw);
        if at >= 0.0 {
            requests.push(Wanted { at: Duration::from_secs_f64(at), ..wanted });
        }
        at += 0.05 - MEAN_PAUSE * (1.0 - draw.unit()).ln();
    }
    Visit { carrier: client.carrier, requests }
}

struct Client {
    carrier: Carrier,
    customer: u64,
    /// Header lines of each of its requests.
    headers: String,
    writes: f64,
}

impl Client {
    fn draw(n: u64, draw: &mut Draw) -> Client {
        let customer = 1 + draw.below(800);
        let secret = draw.bits();
        let (carrier, headers) = match n % 10 {
            0..4 => (
                Carrier::Own,
                format!(
                    "User-Agent: Mozilla/5.0 (demo)\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\n\
                     Cookie: lang=en; session={secret:016x}\r\n"
                ),
            ),
            4..6 => (
                Carrier::Own,
                format!(
                    "User-Agent: shop-app/4.2\r\nAccept: application/json\r\nAuthorization: Bearer demo-{secret:016x}\r\n"
                ),
            ),
            _ => (
                Carrier::Proxy(
                    usize::try_from(draw.below(PROXY_CONNECTIONS as u64)).expect("a small number fits"),
                ),
                // One client per address of the documentation ranges (RFC 5737).
                format!(
                    "Accept: application/json\r\nX-Forwarded-For: {}.{}\r\nVia: 1.1 edge\r\n",
                    ["192.0.2", "198.51.100", "203.0.113"]
                        [usize::try_from(n % 3).expect("a small number fits")],
                    1 + (n / 3) % 254
                ),
            ),
        };
        Client { carrier, customer, headers, writes: 0.10 }
    }

    /// An order of this client, or rarely one that never was.
    fn order(&self, draw: &mut Draw) -> u64 {
        if draw.happens(0.08) { 9_001 + draw.below(500) } else { self.customer + 800 * draw.below(11) }
    }

    fn next(&self, draw: &mut Draw) -> Wanted {
        if draw.happens(self.writes) {
            return self.write(draw);
        }
        let product = 1 + draw.below(1_200);
        match draw.below(100) {
            0..30 => self.read("GET", &format!("/orders/{}", self.order(draw)), None),
            30..48 => self.read("GET", &format!("/customers/{}/orders", self.customer), None),
            48..68 => self.read("GET", &format!("/products?page={}", 1 + draw.below(60)), None),
            68..90 => {
                // A few favourites come again and are revalidated.
                let product = if draw.happens(0.3) { 1 + self.customer % 40 } else { product };
                self.read("GET", &format!("/products/{product}"), Some(product))
            }
            90..95 => self.read("GET", "/exchange-rates", None),
            95..97 => self.read("HEAD", &format!("/products/{product}"), None),
            97..98 => self.read("OPTIONS", "/orders", None),
            _ => self.read("GET", "/favicon.ico", None),
        }
    }

    fn read(&self, method: &str, target: &str, revalidates: Option<u64>) -> Wanted {
        let bytes = format!("{method} {target} HTTP/1.1\r\nHost: api.shop.example\r\n{}\r\n", self.headers);
        Wanted { at: Duration::ZERO, bytes: bytes.into_bytes(), revalidates }
    }

    fn write(&self, draw: &mut Draw) -> Wanted {
        let (method, target) = match draw.below(2) {
            0 => ("POST", "/orders".to_owned()),
            _ => ("PUT", format!("/carts/{}", self.customer)),
        };
        let mut lines = String::new();
        for n in 0..=draw.below(3) {
            let comma = if n == 0 { "" } else { "," };
            write!(
                lines,
                "{comma}{{\"product\":{},\"quantity\":{}}}",
                1 + draw.below(1_200),
                1 + draw.below(4)
            )
            .expect("writing to a string succeeds");
        }
        let body = format!("{{\"customer\":{},\"lines\":[{lines}]}}", self.customer);
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: api.shop.example\r\n{}Content-Type: application/json\r\n",
            self.headers
        );
        let framed = if draw.happens(0.2) {
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
        } else {
            format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
        };
        Wanted { at: Duration::ZERO, bytes: framed.into_bytes(), revalidates: None }
    }
}

/// A scanner that sends what is no HTTP.
fn bot(n: u64, draw: &mut Draw) -> Visit {
    const MALFORMED: [&[u8]; 6] = [
        b"GET  /orders/1 HTTP/1.1\r\nHost: api.shop.example\r\n\r\n",
        b"GET /orders/1 HTTP/1.1\r\nHost api.shop.example\r\n\r\n",
        b"GET /products/<script>alert(1)</script> HTTP/1.1\r\nHost: api.shop.example\r\nbad header: x\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nHost: api.shop.example\r\nContent-Length: nine\r\n\r\n{}",
        b"GET /orders/1 HTTP/9.9\r\nHost: api.shop.example\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
    ];
    let at = Duration::from_secs_f64(2.0 + 24.0 * draw.unit());
    let bytes = MALFORMED[usize::try_from(n).expect("a small number fits") % MALFORMED.len()].to_vec();
    Visit { carrier: Carrier::Own, requests: vec![Wanted { at, bytes, revalidates: None }] }
}
