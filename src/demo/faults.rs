//! What `--bad` plants: five faults that migrations really break on, one per kind of evidence.
//!
//! The table is the one source for what the candidate does wrong and for what the demo then looks for in
//! the reports. Each fault is drawn by id or by load, never by wall clock.

use super::draw::Draw;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// One planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A field is missing in some responses.
    MissingField,
    /// A number became a string.
    NumberAsString,
    /// Money lost its cents.
    RoundedMoney,
    /// One endpoint is slow in its tail only.
    SlowTail,
    /// 503s once the load passes a capacity.
    Overload,
}

impl Fault {
    /// Every planted fault.
    pub(crate) const ALL: [Fault; 5] =
        [Fault::MissingField, Fault::NumberAsString, Fault::RoundedMoney, Fault::SlowTail, Fault::Overload];

    /// The fault in words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Fault::MissingField => "GET /orders/{id} lacks delivery.window in one order of four",
            Fault::NumberAsString => "GET /products/{id} gives stock as a string",
            Fault::RoundedMoney => "GET /customers/{id}/orders rounds totals to whole units",
            Fault::SlowTail => "GET /products is slow by 400 ms in one request of ten",
            Fault::Overload => "503 for some requests above 180 requests a second",
        }
    }
}

/// Share of orders without a delivery window.
const MISSING_SHARE: f64 = 0.25;
/// Share of product listings that are slow.
const SLOW_SHARE: f64 = 0.10;
/// How slow those are.
const SLOW_BY: Duration = Duration::from_millis(400);
/// Requests within [`CAPACITY_WINDOW`] that the bad candidate bears.
const CAPACITY: usize = 180;
/// The window of the capacity.
const CAPACITY_WINDOW: Duration = Duration::from_secs(1);
/// Above its capacity every so many requests are refused: 5 %, well past the margin of the
/// demo's policy.
const REFUSED_ONE_IN: u64 = 20;

/// Takes the delivery window out of some orders.
pub(crate) fn spoil_order(id: u64, order: &mut Value) {
    if Draw::of(11, id).happens(MISSING_SHARE)
        && let Some(delivery) = order.get_mut("delivery").and_then(Value::as_object_mut)
    {
        delivery.shift_remove("window");
    }
}

/// Turns a product's stock into a string.
pub(crate) fn spoil_product(product: &mut Value) {
    if let Some(stock) = product.get_mut("stock") {
        *stock = Value::String(stock.to_string());
    }
}

/// Rounds the totals of a list of orders.
pub(crate) fn spoil_totals(list: &mut Value) {
    for order in list.get_mut("orders").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(total) = order.get_mut("total") {
            *total = Value::from(total.as_f64().unwrap_or_default().round());
        }
    }
}

/// How much longer this product listing takes.
pub(crate) fn slow_tail(draw: &mut Draw) -> Duration {
    if draw.happens(SLOW_SHARE) { SLOW_BY } else { Duration::ZERO }
}

/// The bad candidate's capacity.
#[derive(Debug, Default)]
pub(crate) struct Capacity {
    arrivals: VecDeque<Instant>,
    over: u64,
}

impl Capacity {
    /// Counts an arrival, and says whether it is refused.
    pub(crate) fn refuses(&mut self, now: Instant) -> bool {
        self.arrivals.push_back(now);
        while self.arrivals.front().is_some_and(|first| now.duration_since(*first) > CAPACITY_WINDOW) {
            self.arrivals.pop_front();
        }
        if self.arrivals.len() <= CAPACITY {
            return false;
        }
        self.over += 1;
        self.over.is_multiple_of(REFUSED_ONE_IN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bodies_break_as_planted() {
        let mut product = json!({"id": 1, "stock": 12});
        spoil_product(&mut product);
        assert_eq!(product, json!({"id": 1, "stock": "12"}));

        let mut list = json!({"orders": [{"total": 19.99}, {"total": 5.2}]});
        spoil_totals(&mut list);
        assert_eq!(list, json!({"orders": [{"total": 20.0}, {"total": 5.0}]}));

        let spoiled = (0..1000).filter(|id| {
            let mut order = json!({"delivery": {"window": "09-12", "carrier": "post"}});
            spoil_order(*id, &mut order);
            order == json!({"delivery": {"carrier": "post"}})
        });
        assert!((200..300).contains(&spoiled.count()));
    }

    #[test]
    fn capacity_refuses_only_above_its_rate() {
        let start = Instant::now();
        let refused = |per_second: u32| {
            let mut capacity = Capacity::default();
            let at = |request: u32| start + Duration::from_secs(1) * request / per_second;
            (0..per_second * 4).filter(|request| capacity.refuses(at(*request))).count()
        };
        assert_eq!(refused(170), 0);
        assert!(refused(250) >= 30, "{}", refused(250));
    }
}
