//! What the demo's orders and payments API answers: a pure function of the request, and of draws for the
//! noise that every real API has (timestamps, request ids, a list in no fixed order).
//!
//! Content depends on ids alone, so that every instance of every build agrees wherever none is spoiled.

use super::draw::Draw;
use super::faults;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Which build of the API answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// The one in production.
    Legacy,
    /// A faithful rewrite.
    Good,
    /// A rewrite with the faults of [`faults`].
    Bad,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Call<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// The path without its query.
    pub(crate) path: &'a str,
    /// The query, without `?`.
    pub(crate) query: &'a str,
    /// `If-None-Match`.
    pub(crate) if_none_match: &'a str,
    /// `Authorization`.
    pub(crate) authorization: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
}

/// Noise of one answer.
#[derive(Debug)]
pub(crate) struct Noise {
    /// The clock as RFC 3339.
    pub(crate) now: String,
    /// Draws.
    pub(crate) draw: Draw,
}

/// Which cost and which faults a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// `GET /orders/{id}`
    Order,
    /// `GET /customers/{id}/orders`
    CustomerOrders,
    /// `GET /products`
    Products,
    /// `GET /products/{id}`
    Product,
    /// Everything else.
    Other,
}

/// An answer before its encoding.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// Header fields beyond those of every answer.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The JSON body; nothing where the status has none.
    pub(crate) body: Option<Value>,
    /// Its route.
    pub(crate) route: Route,
}

const ORDERS: u64 = 9_000;
const CUSTOMERS: u64 = 800;
const PRODUCTS: u64 = 1_200;
const PAGES: u64 = 60;
const PAGE_SIZE: u64 = 6;
const METHODS: &str = "GET, HEAD, OPTIONS, POST, PUT";

/// Answers one request.
pub(crate) fn answer(build: Build, call: &Call<'_>, noise: &mut Noise) -> Answer {
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    let reads = matches!(call.method, "GET" | "HEAD");
    match segments.as_slice() {
        _ if call.method == "OPTIONS" => Answer {
            status: 204,
            headers: vec![("allow", METHODS.to_owned())],
            body: None,
            route: Route::Other,
        },
        ["orders", id] if reads => order(build, id, noise),
        ["customers", id, "orders"] if reads => customer_orders(build, id, noise),
        ["products"] if reads => products(call.query, noise),
        ["products", id] if reads => product(build, id, call.if_none_match),
        ["exchange-rates"] if reads => exchange_rates(noise),
        ["orders"] if call.method == "POST" => post_order(call, noise),
        ["carts", id] if call.method == "PUT" => put_cart(id, call),
        ["orders" | "products" | "exchange-rates" | "carts" | "customers", ..] if !reads => {
            Answer { headers: vec![("allow", METHODS.to_owned())], ..error(405, "method not allowed") }
        }
        _ => error(404, "no such resource"),
    }
}

fn ok(route: Route, body: Value) -> Answer {
    Answer { status: 200, headers: Vec::new(), body: Some(body), route }
}

fn error(status: u16, text: &str) -> Answer {
    let body = Some(json!({ "error": { "status": status, "message": text } }));
    Answer { status, headers: Vec::new(), body, route: Route::Other }
}

/// A number in `1..=last`, as text.
fn id_up_to(text: &str, last: u64) -> Option<u64> {
    text.parse().ok().filter(|id| (1..=last).contains(id))
}

/// Cents as a JSON number with at most two decimals.
#[expect(clippy::cast_precision_loss, reason = "cents of an order are far below 2^53")]
fn money(cents: u64) -> Value {
    Value::from(cents as f64 / 100.0)
}

fn meta(noise: &mut Noise) -> Value {
    let mut id = String::with_capacity(16);
    write!(id, "{:016x}", noise.draw.bits()).expect("writing to a string succeeds");
    json!({ "request_id": id, "generated_at": noise.now })
}

fn order(build: Build, id: &str, noise: &mut Noise) -> Answer {
    let Some(id) = id_up_to(id, ORDERS) else { return error(404, "no such order") };
    let mut draw = Draw::of(1, id);
    let lines: Vec<Value> = (0..=draw.below(3))
        .map(|_| {
            let product = 1 + draw.below(PRODUCTS);
            json!({ "product": product, "quantity": 1 + draw.below(4), "price": price_of(product) })
        })
        .collect();
    let mut body = json!({
        "id": id,
        "customer": 1 + id % CUSTOMERS,
        "state": draw.pick(&["open", "paid", "packed", "sent", "returned"]),
        "currency": draw.pick(&["EUR", "USD", "GBP"]),
        "total": order_total(id),
        "lines": lines,
        "delivery": {
            "carrier": draw.pick(&["post", "courier", "pickup"]),
            "window": draw.pick(&["08-12", "12-16", "16-20"]),
        },
        "meta": meta(noise),
    });
    if build == Build::Bad {
        faults::spoil_order(id, &mut body);
    }
    ok(Route::Order, body)
}

fn order_total(id: u64) -> Value {
    // Never a whole unit, so that rounding always shows.
    money(500 + Draw::of(2, id).below(300) * 100 + 1 + Draw::of(3, id).below(98))
}

fn price_of(product: u64) -> Value {
    money(199 + Draw::of(4, product).below(20_000))
}

fn customer_orders(build: Build, id: &str, noise: &mut Noise) -> Answer {
    let Some(id) = id_up_to(id, CUSTOMERS) else { return error(404, "no such customer") };
    let orders: Vec<Value> = (0..1 + Draw::of(5, id).below(5))
        .map(|n| id + n * CUSTOMERS)
        .map(|order| json!({ "id": order, "total": order_total(order), "placed": 1_700_000_000 + order * 977 }))
        .collect();
    let mut body = json!({ "customer": id, "orders": orders, "meta": meta(noise) });
    if build == Build::Bad {
        faults::spoil_totals(&mut body);
    }
    ok(Route::CustomerOrders, body)
}

fn products(query: &str, noise: &mut Noise) -> Answer {
    let page = query.split('&').find_map(|pair| pair.strip_prefix("page=")).unwrap_or("1");
    let Some(page) = id_up_to(page, PAGES) else { return error(400, "page out of range") };
    let first = (page - 1) * PAGE_SIZE;
    let items: Vec<Value> = (1..=PAGE_SIZE)
        .map(|n| first + n)
        .map(|id| json!({ "id": id, "name": name_of(id), "price": price_of(id) }))
        .collect();
    // Built from a hash map in the original: no order is promised, and none is kept.
    let mut facets = vec!["brand", "colour", "delivery", "material", "price", "size"];
    noise.draw.shuffle(&mut facets);
    ok(Route::Products, json!({ "page": page, "pages": PAGES, "items": items, "facets": facets }))
}

fn name_of(id: u64) -> String {
    let mut draw = Draw::of(6, id);
    let colour = *draw.pick(&["amber", "blue", "coral", "green", "ivory", "slate"]);
    let thing = *draw.pick(&["bottle", "chair", "jacket", "lamp", "notebook", "teapot", "wallet"]);
    format!("{colour} {thing} {}", draw.below(90) + 10)
}

fn product(build: Build, id: &str, if_none_match: &str) -> Answer {
    let Some(id) = id_up_to(id, PRODUCTS) else { return error(404, "no such product") };
    let tag = format!("\"p{id}-{:08x}\"", Draw::of(7, id).bits() >> 32);
    let headers = vec![("etag", tag.clone()), ("cache-control", "max-age=60".to_owned())];
    if if_none_match == tag {
        return Answer { status: 304, headers, body: None, route: Route::Product };
    }
    let mut draw = Draw::of(8, id);
    let mut body = json!({
        "id": id,
        "name": name_of(id),
        "price": price_of(id),
        "stock": draw.below(500),
        "weight_grams": 50 + draw.below(3_000),
        "active": draw.below(10) > 0,
        "description": format!("A {} that lasts. Washed, packed and sent from the {} warehouse.", name_of(id),
            draw.pick(&["northern", "southern", "harbour"])),
    });
    if build == Build::Bad {
        faults::spoil_product(&mut body);
    }
    Answer { headers, ..ok(Route::Product, body) }
}

fn exchange_rates(noise: &Noise) -> Answer {
    let rates = json!({ "EUR": 1.0, "GBP": 0.8571, "JPY": 163.42, "USD": 1.0832, "CHF": 0.9467 });
    ok(Route::Other, json!({ "base": "EUR", "as_of": noise.now, "rates": rates }))
}

fn post_order(call: &Call<'_>, noise: &mut Noise) -> Answer {
    if !call.authorization.starts_with("Bearer ") {
        return Answer {
            headers: vec![("www-authenticate", "Bearer".to_owned())],
            ..error(401, "sign in first")
        };
    }
    let Ok(wanted) = serde_json::from_slice::<Value>(call.body) else {
        return error(400, "body is no JSON");
    };
    let id = ORDERS + 1 + noise.draw.below(1_000_000);
    let body = json!({ "id": id, "state": "open", "accepted": wanted, "meta": meta(noise) });
    Answer { status: 201, headers: vec![("location", format!("/orders/{id}"))], ..ok(Route::Other, body) }
}

fn put_cart(id: &str, call: &Call<'_>) -> Answer {
    match (id_up_to(id, u64::MAX), serde_json::from_slice::<Value>(call.body)) {
        (Some(id), Ok(items)) => ok(Route::Other, json!({ "cart": id, "items": items })),
        (None, _) => error(404, "no such cart"),
        (_, Err(_)) => error(400, "body is no JSON"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(build: Build, method: &str, path: &str, seed: u64) -> Answer {
        let mut noise = Noise { now: format!("clock {seed}"), draw: Draw::new(seed) };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        answer(build, &Call { method, path, query, ..Call::default() }, &mut noise)
    }

    fn check(request: &str, status: u16) {
        let (method, path) = request.split_once(' ').unwrap();
        assert_eq!(answer_to(Build::Legacy, method, path, 1).status, status, "{request}");
    }

    #[test]
    fn routes() {
        check("GET /orders/17", 200);
        check("HEAD /orders/17", 200);
        check("GET /orders/0", 404);
        check("GET /orders/9001", 404);
        check("GET /orders/x", 404);
        check("GET /customers/5/orders", 200);
        check("GET /products", 200);
        check("GET /products?page=60", 200);
        check("GET /products?page=61", 400);
        check("GET /products/1200", 200);
        check("GET /exchange-rates", 200);
        check("GET /", 404);
        check("OPTIONS /orders", 204);
        check("DELETE /orders/17", 405);
        check("POST /orders", 401);
        check("PUT /carts/4", 400);
    }

    #[test]
    fn writes_need_a_token_and_json() {
        let mut noise = Noise { now: String::new(), draw: Draw::new(1) };
        let call = Call { method: "POST", path: "/orders", authorization: "Bearer t", ..Call::default() };
        assert_eq!(answer(Build::Legacy, &call, &mut noise).status, 400);
        let call = Call { body: b"{\"product\":4}", ..call };
        assert_eq!(answer(Build::Legacy, &call, &mut noise).status, 201);
    }

    #[test]
    fn an_unchanged_product_is_not_sent_again() {
        let first = answer_to(Build::Legacy, "GET", "/products/7", 1);
        let tag = first.headers[0].1.clone();
        let mut noise = Noise { now: String::new(), draw: Draw::new(1) };
        let call = Call { method: "GET", path: "/products/7", if_none_match: &tag, ..Call::default() };
        let second = answer(Build::Legacy, &call, &mut noise);
        assert_eq!((second.status, second.body), (304, None));
    }

    #[test]
    fn good_agrees_with_legacy_where_nothing_is_noise() {
        for path in ["/products/7", "/products/8", "/orders/9001"] {
            let body = |build, seed| answer_to(build, "GET", path, seed).body;
            assert_eq!(body(Build::Legacy, 1), body(Build::Good, 2), "{path}");
        }
        let stable = |build, seed| {
            let mut order = answer_to(build, "GET", "/orders/17", seed).body.unwrap();
            let meta = order.as_object_mut().unwrap().shift_remove("meta").unwrap();
            (order, meta)
        };
        let (legacy, good) = (stable(Build::Legacy, 1), stable(Build::Good, 2));
        assert_eq!(legacy.0, good.0);
        assert_ne!(legacy.1, good.1);
    }
}
