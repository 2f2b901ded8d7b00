//! Intervals against margins, all on one scale: 0 is "no difference", 1 is the row's own margin.

use super::svg::{Svg, put};
use crate::summary::{Decision, Forest};

const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 28.0;
/// Room at both ends for an arrow.
const ARROW: f64 = 9.0;
/// What the drawing shows, in margins.
const LOW: f64 = -1.5;
const HIGH: f64 = 2.5;

fn x(margins: f64) -> f64 {
    let inside = margins.clamp(LOW, HIGH);
    ARROW + (inside - LOW) / (HIGH - LOW) * (WIDTH - 2.0 * ARROW)
}

/// Above the rows: where 0 and the margin lie.
pub(super) fn head() -> Svg {
    let mut svg = String::new();
    put(&mut svg, format_args!(r#"<svg class="forest-head" viewBox="0 0 {WIDTH} 16" aria-hidden="true">"#));
    for (at, label) in [(0.0, "0"), (1.0, "margin")] {
        put(
            &mut svg,
            format_args!(
                r#"<text x="{:.1}" y="12" text-anchor="middle" font-size="12" fill="currentColor">{label}</text>"#,
                x(at)
            ),
        );
    }
    svg.push_str("</svg>");
    Svg::of_numbers(svg)
}

/// One row: the interval as a bar, the estimate as a mark whose shape says the decision too.
pub(super) fn row(forest: Forest, decision: Decision) -> Svg {
    let scale = if forest.margin > 0.0 { forest.margin } else { forest.upper.abs().max(1e-9) };
    let at = |value: f64| value / scale;
    let (low, high, mid) = (at(forest.lower), at(forest.upper), at(forest.estimate));
    let colour = match decision {
        Decision::Ok => "var(--go-line)",
        Decision::Undecided => "var(--inc-line)",
        Decision::Worse => "var(--no-line)",
    };
    let y = HEIGHT / 2.0;
    let mut svg = String::new();
    put(&mut svg, format_args!(r#"<svg class="forest" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">"#));
    let margin = x(at(forest.margin));
    let end = WIDTH;
    put(
        &mut svg,
        format_args!(
            r#"<rect x="{margin:.1}" y="0" width="{:.1}" height="{HEIGHT}" fill="var(--zone)"/>"#,
            end - margin
        ),
    );
    put(
        &mut svg,
        format_args!(r#"<path d="M{:.1} 0V{HEIGHT}" stroke="var(--muted)" stroke-dasharray="2 3"/>"#, x(0.0)),
    );
    put(
        &mut svg,
        format_args!(r#"<path d="M{margin:.1} 0V{HEIGHT}" stroke="var(--no-line)" stroke-width="1.5"/>"#),
    );
    put(
        &mut svg,
        format_args!(
            r#"<path d="M{:.1} {y}H{:.1}" stroke="{colour}" stroke-width="4" stroke-linecap="butt"/>"#,
            x(low).min(WIDTH - 3.0 * ARROW),
            x(high).max(x(low) + 1.0)
        ),
    );
    ends(&mut svg, low, high, y, colour);
    // An estimate outside stands at the edge, inside of the arrow.
    mark(&mut svg, x(mid).clamp(2.0 * ARROW, WIDTH - 2.0 * ARROW), y, decision, colour);
    svg.push_str("</svg>");
    Svg::of_numbers(svg)
}

/// A cap where the interval ends, an arrow where the drawing ends before it.
fn ends(svg: &mut String, low: f64, high: f64, y: f64, colour: &str) {
    for (value, beyond, out) in [(low, low < LOW, -1.0), (high, high > HIGH, 1.0)] {
        let at = x(value);
        let (top, bottom) = (y - 5.0, y + 5.0);
        if beyond {
            let tip = at + out * (ARROW - 1.0);
            put(
                svg,
                format_args!(r#"<path d="M{at:.1} {top}L{tip:.1} {y}L{at:.1} {bottom}Z" fill="{colour}"/>"#),
            );
        } else {
            put(
                svg,
                format_args!(r#"<path d="M{at:.1} {top}V{bottom}" stroke="{colour}" stroke-width="2"/>"#),
            );
        }
    }
}

fn mark(svg: &mut String, at: f64, y: f64, decision: Decision, colour: &str) {
    let stroke = r#"stroke="var(--ink)" stroke-width="1.5""#;
    match decision {
        Decision::Ok => {
            put(svg, format_args!(r#"<circle cx="{at:.1}" cy="{y}" r="4.5" fill="{colour}" {stroke}/>"#))
        }
        Decision::Undecided => {
            put(svg, format_args!(r#"<circle cx="{at:.1}" cy="{y}" r="4.5" fill="var(--card)" {stroke}/>"#));
        }
        Decision::Worse => put(
            svg,
            format_args!(r#"<path d="M{at:.1} {:.1}l5 5-5 5-5-5z" fill="{colour}" {stroke}/>"#, y - 5.0),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(forest: Forest, arrows: usize) {
        let svg = row(forest, Decision::Worse);
        assert_eq!(svg.as_str().matches("Z\" fill").count(), arrows, "{}", svg.as_str());
        assert!(!svg.as_str().contains("NaN") && !svg.as_str().contains("inf"));
    }

    #[test]
    fn what_does_not_fit_ends_in_an_arrow() {
        check(Forest { estimate: 5.0, lower: 1.0, upper: 9.0, margin: 10.0 }, 0);
        check(Forest { estimate: 90.0, lower: 60.0, upper: f64::INFINITY, margin: 10.0 }, 1);
        check(Forest { estimate: 0.0, lower: -50.0, upper: 50.0, margin: 10.0 }, 2);
        check(Forest { estimate: 0.0, lower: 0.0, upper: 0.0, margin: 0.0 }, 0);
    }
}
