//! Which request a response answers.
//!
//! While nothing was lost, responses answer requests in order (RFC 9112 section 9.3.2). After a loss,
//! positions decide: a client sends a request having received everything up to its ACK number, and a
//! server answers having received everything up to its own. So the response that begins at `s` with
//! ACK number `a` answers a request that begins before `a` and was sent with an ACK number of at most `s`.
//! Where several pipelined requests remain possible, responses are held until the client has visibly
//! taken them, and then aligned with the last of those requests. Invariant: one request, at most one response;
//! a lost response never moves the others.

use crate::tcp::Offset;
use std::collections::VecDeque;

/// A request that has no response yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outstanding<K> {
    /// What the caller knows it by.
    pub(crate) key: K,
    /// Its first byte in the client's stream.
    pub(crate) start: Offset,
    /// How far the client had received the server's stream when it sent it.
    pub(crate) ack: Offset,
    /// What its method means for the response.
    pub(crate) meaning: Meaning,
}

/// What a request's method means for the framing of its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing.
    Plain,
    /// HEAD: no body.
    Head,
    /// CONNECT: a tunnel, if it succeeds.
    Connect,
}

impl Meaning {
    /// Of a method.
    pub(crate) fn of(method: &[u8]) -> Self {
        match method {
            b"HEAD" => Self::Head,
            b"CONNECT" => Self::Connect,
            _ => Self::Plain,
        }
    }

    /// A method that stands for it.
    pub(crate) fn method(self) -> &'static [u8] {
        match self {
            Self::Plain => b"GET",
            Self::Head => b"HEAD",
            Self::Connect => b"CONNECT",
        }
    }
}

/// Where a response begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its first byte in the server's stream.
    pub(crate) start: Offset,
    /// How far the server had received the client's stream; the largest value where it did not say.
    pub(crate) ack: Offset,
}

impl Place {
    fn may_answer<K>(self, request: &Outstanding<K>) -> bool {
        request.start < self.ack && request.ack <= self.start
    }
}

/// What is known of a response when its head is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer<K> {
    /// It answers this request.
    To(Outstanding<K>),
    /// Its request was not seen.
    Orphan,
    /// One of several; hold it until [`Pairing::resolve`] tells.
    Hold {
        /// What the method of its request means, if all candidates agree.
        meaning: Meaning,
    },
}

/// The requests of one connection that wait for a response, and the responses that wait for a decision.
#[derive(Debug)]
pub(crate) struct Pairing<K, R> {
    outstanding: VecDeque<Outstanding<K>>,
    held: Vec<(Place, R)>,
    order: Order,
    pipelining: Pipelining,
    /// Ranges of the server's stream in which responses may have been missed.
    hidden: VecDeque<(Offset, Offset)>,
    /// Ranges of the client's stream in which requests may have been missed, and not been answered yet.
    hidden_requests: VecDeque<(Offset, Offset)>,
}

/// Whether order alone can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Certain,
    Doubtful,
}

/// Whether the client was seen to send a request before it had the answer to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pipelining {
    Unseen,
    Seen,
}

/// Most hidden ranges that are remembered; the oldest is forgotten first.
const MAX_HIDDEN: usize = 16;
/// Most responses that are held; beyond, they are resolved with what is known.
const MAX_HELD: usize = 64;

impl<K: Copy, R> Pairing<K, R> {
    pub(crate) fn new() -> Self {
        Self {
            outstanding: VecDeque::new(),
            held: Vec::new(),
            order: Order::Certain,
            pipelining: Pipelining::Unseen,
            hidden: VecDeque::new(),
            hidden_requests: VecDeque::new(),
        }
    }

    /// Something was lost in either direction, or the start was not seen.
    pub(crate) fn doubt(&mut self) {
        self.order = Order::Doubtful;
    }

    /// Responses may have been missed in this range of the server's stream.
    pub(crate) fn hide(&mut self, from: Offset, to: Offset) {
        self.doubt();
        remember(&mut self.hidden, (from, to));
    }

    /// Requests may have been missed in this range of the client's stream.
    pub(crate) fn hide_requests(&mut self, from: Offset, to: Offset) {
        self.doubt();
        remember(&mut self.hidden_requests, (from, to));
    }

    /// A request begins.
    pub(crate) fn ask(&mut self, request: Outstanding<K>) {
        if self.outstanding.back().is_some_and(|last| last.ack >= request.ack) {
            self.pipelining = Pipelining::Seen;
        }
        self.outstanding.push_back(request);
    }

    /// Whether the client, having received up to `ack`, has taken all responses that are held.
    pub(crate) fn can_resolve(&self, ack: Offset) -> bool {
        self.held.last().is_some_and(|(place, _)| place.start < ack)
    }

    /// The only request that waits, or the latest of them.
    pub(crate) fn latest(&self) -> Option<&Outstanding<K>> {
        self.outstanding.back()
    }

    /// A final response begins at `place`. Requests that cannot be answered any more go to `lost`.
    pub(crate) fn answer(&mut self, place: Place, mut lost: impl FnMut(Outstanding<K>)) -> Answer<K> {
        if self.order == Order::Certain {
            return self.outstanding.pop_front().map_or(Answer::Orphan, Answer::To);
        }
        if !self.held.is_empty() {
            return self.hold(place);
        }
        loop {
            let Some(first) = self.outstanding.front() else { return Answer::Orphan };
            let first_start = first.start;
            if !place.may_answer(first) {
                // What it answers was missed, and is answered by this.
                self.hidden_requests.retain(|(_, to)| *to > first_start);
                return Answer::Orphan;
            }
            if self.hidden_requests.iter().any(|(_, to)| *to <= first_start) {
                return self.hold(place);
            }
            let second = self.outstanding.get(1).filter(|second| place.may_answer(second));
            let missed_before =
                |end: Offset| self.hidden.iter().any(|(from, to)| *to > first.ack && *from < end);
            let alone = second.is_none() || !missed_before(place.start);
            if alone {
                let first = self.outstanding.pop_front().expect("the first was just seen");
                return Answer::To(first);
            }
            // The client sent the second having received more than when it sent the first. What it received was
            // the answer to the first, and part of that was missed.
            let second_ack = second.map_or(0, |second| second.ack);
            let answered = second_ack > first.ack && missed_before(second_ack);
            if !answered {
                return self.hold(place);
            }
            lost(self.outstanding.pop_front().expect("the first was just seen"));
        }
    }

    fn hold(&mut self, place: Place) -> Answer<K> {
        let mut meanings =
            self.outstanding.iter().filter(|request| place.may_answer(request)).map(|r| r.meaning);
        match meanings.next() {
            None => Answer::Orphan,
            Some(first) => {
                let agreed = meanings.all(|meaning| meaning == first);
                Answer::Hold { meaning: if agreed { first } else { Meaning::Plain } }
            }
        }
    }

    /// Keeps a whole response whose request is not decided. Says whether there are now too many.
    pub(crate) fn keep(&mut self, place: Place, response: R) -> Held {
        self.held.push((place, response));
        if self.held.len() < MAX_HELD { Held::Fits } else { Held::Full }
    }

    /// Aligns the responses held with the last of the requests that they may answer, back to front.
    /// A response for which none is left comes with `None`.
    pub(crate) fn resolve(&mut self) -> Vec<(Option<Outstanding<K>>, R)> {
        let mut resolved: Vec<(Option<Outstanding<K>>, R)> = Vec::with_capacity(self.held.len());
        let mut end = self.outstanding.len();
        while let Some((place, response)) = self.held.pop() {
            let candidates = self.outstanding.range(..end);
            let found = candidates.rev().position(|request| place.may_answer(request));
            let request = found.and_then(|from_back| {
                end -= from_back + 1;
                self.outstanding.remove(end)
            });
            resolved.push((request, response));
        }
        resolved.reverse();
        self.hidden_requests.clear();
        resolved
    }

    /// Decides at a connection's abrupt end. Some responses may not have come, so that those of a client that
    /// pipelines, or in another number than the requests, are given up: none is better than a wrong one.
    pub(crate) fn release(&mut self) -> Vec<(Option<Outstanding<K>>, R)> {
        if self.pipelining == Pipelining::Unseen && self.outstanding.len() == self.held.len() {
            return self.resolve();
        }
        self.held.drain(..).map(|(_, response)| (None, response)).collect()
    }

    /// All requests that still wait; they will get no response.
    pub(crate) fn give_up(&mut self) -> impl Iterator<Item = Outstanding<K>> {
        self.outstanding.drain(..)
    }
}

/// Keeps the latest of the ranges.
fn remember(ranges: &mut VecDeque<(Offset, Offset)>, range: (Offset, Offset)) {
    if ranges.len() == MAX_HIDDEN {
        ranges.pop_front();
    }
    ranges.push_back(range);
}

/// Whether another response can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Fits,
    Full,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps: `q<start>@<ack>` a request, `h<from>-<to>` a hidden range, `c<from>-<to>` one of requests,
    /// `d` a doubt, `r<start>@<ack>` a response,
    /// `.` resolves what is held. Result: per response the request it answers, by its start.
    fn check(steps: &str, expected: &str) {
        let mut pairing: Pairing<u64, u64> = Pairing::new();
        let mut found = Vec::new();
        let numbers = |step: &str| -> (u64, u64) {
            let (a, b) = step[1..].split_once(['@', '-']).expect("two numbers");
            (a.parse().expect("a number"), b.parse().expect("a number"))
        };
        for step in steps.split_whitespace() {
            match step.as_bytes()[0] {
                b'q' => {
                    let (start, ack) = numbers(step);
                    pairing.ask(Outstanding { key: start, start, ack, meaning: Meaning::Plain });
                }
                b'h' => pairing.hide(numbers(step).0, numbers(step).1),
                b'c' => pairing.hide_requests(numbers(step).0, numbers(step).1),
                b'd' => pairing.doubt(),
                b'r' => {
                    let (start, ack) = numbers(step);
                    let place = Place { start, ack };
                    let answer = pairing.answer(place, |lost| found.push(format!("{}:lost", lost.key)));
                    match answer {
                        Answer::To(request) => found.push(format!("{start}:{}", request.key)),
                        Answer::Orphan => found.push(format!("{start}:-")),
                        Answer::Hold { .. } => drop(pairing.keep(place, start)),
                    }
                }
                _ => {
                    for (request, start) in pairing.resolve() {
                        let request = request.map_or("-".to_owned(), |request| request.key.to_string());
                        found.push(format!("{start}:{request}"));
                    }
                }
            }
        }
        found.extend(pairing.give_up().map(|request| format!("{}:none", request.key)));
        assert_eq!(found.join(" "), expected, "{steps}");
    }

    #[test]
    fn in_order_while_nothing_is_lost() {
        check("q100@500 r500@110 q110@600 r600@120", "500:100 600:110");
        check("q100@500 q110@500 q120@500 r500@130 r600@130 r700@130", "500:100 600:110 700:120");
        check("r500@110 q100@600", "500:- 100:none");
    }

    #[test]
    fn a_lost_response_moves_no_other() {
        check("q100@500 q110@600 h500-600 r600@120 q120@700 r700@130", "100:lost 600:110 700:120");
        check("q100@500 q110@600 q120@700 h500-700 r700@130", "100:lost 110:lost 700:120");
    }

    #[test]
    fn a_lost_request_leaves_its_response_alone() {
        check("q100@500 r500@110 d q120@700 r600@120 r700@130", "500:100 600:- 700:120");
    }

    #[test]
    fn responses_to_pipelined_requests_that_were_missed_are_aligned_from_the_end() {
        check("q1@500 c5-20 q20@500 r500@30 r600@30 r700@30 .", "500:1 600:- 700:20");
        check("q1@500 c5-20 q20@600 r500@10 r600@30 .", "500:1 600:20");
        check("q1@500 r500@5 c5-20 q20@700 r600@20 r700@30", "500:1 600:- 700:20");
    }

    #[test]
    fn pipelined_responses_behind_a_loss_are_aligned_from_the_end() {
        check("q1@500 q2@500 q3@500 q4@500 h500-600 r600@9 r700@9 r800@9 .", "600:2 700:3 800:4 1:none");
        check("q1@500 q2@500 h550-600 r600@9 q3@700 .", "600:2 1:none 3:none");
    }

    #[test]
    fn a_loss_inside_the_first_response_hides_nothing_behind_it() {
        check("q100@500 r500@110 q110@600 h550-600 r600@120", "500:100 600:110");
    }
}
