//! Line charts: drawn by plotters from numbers, then given the page's colours.
//!
//! Plotters writes whole pixels and fixed colours. Charts are drawn four times their size, so that whole pixels are
//! fine enough, and in colours that stand for roles, which are then replaced by the page's variables: one drawing is
//! right in light, in dark and on paper.

use super::axis::Axis;
use super::svg::{Svg, put};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Size of the drawing in its own units; shown at about a quarter of it.
const SIZE: (u32, u32) = (2080, 1120);
/// Text in drawing units.
const TEXT: u32 = 62;
const LABELS_LEFT: u32 = 270;
const LABELS_BELOW: u32 = 110;
/// Room for half a label beyond the ends of the axes.
const MARGIN: u32 = 40;
const MARGIN_RIGHT: u32 = 150;

/// Who a line speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// The legacy backend.
    Baseline,
    /// The new backend.
    Candidate,
    /// The second legacy backend.
    Control,
}

impl Tone {
    /// The tone of a backend's role.
    pub(super) fn of(role: &str) -> Tone {
        match role {
            "candidate" => Tone::Candidate,
            "control" => Tone::Control,
            _ => Tone::Baseline,
        }
    }

    fn sentinel(self) -> RGBColor {
        match self {
            Tone::Baseline => RGBColor(1, 1, 1),
            Tone::Candidate => RGBColor(2, 2, 2),
            Tone::Control => RGBColor(3, 3, 3),
        }
    }

    /// Line colour and dashes; the lines are told apart without colour.
    pub(super) fn stroke(self) -> &'static str {
        match self {
            Tone::Baseline => r#"stroke="var(--base)" stroke-dasharray="30 14""#,
            Tone::Candidate => r#"stroke="var(--cand)""#,
            Tone::Control => r#"stroke="var(--ctrl)" stroke-dasharray="6 14""#,
        }
    }
}

const INK: RGBColor = RGBColor(4, 4, 4);
const GRID: RGBColor = RGBColor(5, 5, 5);

/// One line; `None` interrupts it.
pub(super) struct Line {
    /// Who it speaks of.
    pub(super) tone: Tone,
    /// Points in units of the axes.
    pub(super) points: Vec<Option<(f64, f64)>>,
}

/// A chart before it is drawn.
pub(super) struct Chart {
    /// The axis below.
    pub(super) x: Axis,
    /// The axis at the left.
    pub(super) y: Axis,
    /// The lines, the last on top.
    pub(super) lines: Vec<Line>,
    /// Vertical lines: where a run begins.
    pub(super) rules: Vec<f64>,
}

impl Chart {
    /// Draws it. The element is hidden from assistive technology: its figure has the label.
    pub(super) fn draw(&self) -> Svg {
        let mut buffer = String::new();
        // Drawing into a string fails only for a chart without room, which the constants rule out.
        let drawn = self.draw_into(&mut buffer).is_ok();
        Svg::of_numbers(if drawn { recolour(&buffer) } else { String::new() })
    }

    fn draw_into(&self, buffer: &mut String) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let area = SVGBackend::with_string(buffer, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_left(MARGIN / 4)
            .margin_top(MARGIN)
            .margin_bottom(MARGIN / 4)
            .margin_right(MARGIN_RIGHT)
            .set_label_area_size(LabelAreaPosition::Left, LABELS_LEFT)
            .set_label_area_size(LabelAreaPosition::Bottom, LABELS_BELOW)
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        chart
            .configure_mesh()
            .bold_line_style(GRID.stroke_width(4))
            .light_line_style(TRANSPARENT)
            .axis_style(GRID.stroke_width(4))
            .label_style(("sans-serif", TEXT).into_font().color(&INK))
            .y_label_style(
                ("sans-serif", TEXT).into_font().color(&INK).pos(Pos::new(HPos::Right, VPos::Center)),
            )
            .set_all_tick_mark_size(16)
            .draw()?;
        for &at in &self.rules {
            let ends = [(at, self.y.min), (at, self.y.max)];
            chart.draw_series(LineSeries::new(ends, INK.stroke_width(4)))?;
        }
        for line in &self.lines {
            for piece in pieces(&line.points) {
                let style = line.tone.sentinel().stroke_width(9);
                match piece.as_slice() {
                    [only] => chart
                        .draw_series([Circle::new(*only, 10, line.tone.sentinel().filled())])
                        .map(|_| ())?,
                    many => chart.draw_series(LineSeries::new(many.iter().copied(), style)).map(|_| ())?,
                }
            }
        }
        drop(chart);
        area.present()
    }
}

/// The axis as plotters sees it: its marks, no more and no fewer.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = ((value - self.min) / (self.max - self.min)).clamp(0.0, 1.0);
        // Within the drawing, whose size is a small number.
        (f64::from(from) + share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.marks.iter().map(|(at, _)| *at).collect()
        }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.min..self.max
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

/// The runs of points between interruptions.
fn pieces(points: &[Option<(f64, f64)>]) -> Vec<Vec<(f64, f64)>> {
    points
        .split(Option::is_none)
        .map(|p| p.iter().copied().flatten().collect())
        .filter(|p: &Vec<_>| !p.is_empty())
        .collect()
}

/// Plotters' colours to the page's, and a size that follows the column.
fn recolour(drawing: &str) -> String {
    let start = drawing.find('>').map_or(0, |at| at + 1);
    let mut svg = String::with_capacity(drawing.len() + 256);
    put(
        &mut svg,
        format_args!(
            r#"<svg class="chart" viewBox="0 0 {} {}" aria-hidden="true" focusable="false">"#,
            SIZE.0, SIZE.1
        ),
    );
    svg.push_str(drawing[start..].trim());
    let mut svg = svg
        .replace(r#" opacity="1""#, "")
        .replace(r#" font-family="sans-serif""#, "")
        .replace(r##"fill="#040404""##, r#"fill="var(--muted)""#)
        .replace(r##"stroke="#040404""##, r#"stroke="var(--muted)" stroke-dasharray="8 16""#)
        .replace(r##"stroke="#050505""##, r#"stroke="var(--grid)""#);
    for (number, tone, fill) in [
        ("010101", Tone::Baseline, r#"fill="var(--base)""#),
        ("020202", Tone::Candidate, r#"fill="var(--cand)""#),
        ("030303", Tone::Control, r#"fill="var(--ctrl)""#),
    ] {
        svg = svg
            .replace(
                &format!("stroke=\"#{number}\""),
                &format!("{} stroke-linejoin=\"round\"", tone.stroke()),
            )
            .replace(&format!("fill=\"#{number}\""), fill);
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::super::axis;
    use super::*;

    #[test]
    fn charts_have_the_colours_of_the_page_only() {
        let line = |tone, points| Line { tone, points };
        let svg = Chart {
            x: axis::time(60.0, 5),
            y: axis::linear(10.0, 4, |v| format!("{v}")),
            lines: vec![
                line(Tone::Baseline, vec![Some((0.0, 1.0)), None, Some((2.0, 3.0)), Some((3.0, 9.0))]),
                line(Tone::Candidate, vec![None]),
                line(Tone::Control, vec![Some((0.0, 1.0)), Some((9.0, 1.0))]),
            ],
            rules: vec![30.0],
        }
        .draw();
        let text = svg.as_str();
        assert!(text.starts_with("<svg class=\"chart\" viewBox") && text.ends_with("</svg>"), "{text}");
        assert!(!text.contains('#'), "a fixed colour is left: {text}");
        assert_eq!(text.matches("<circle").count(), 1, "a lone point is a dot");
        assert!(!text.contains("style="), "the page's policy forbids style attributes");
    }
}
