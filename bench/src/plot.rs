//! A small drawing: a rate against a size, with the yardstick as a line.

use std::fmt::Write as _;

use crate::quantity::Grouped;

const WIDTH: u64 = 720;
const HEIGHT: u64 = 400;
/// Room for the labels, on each side.
const MARGIN: u64 = 72;
/// Lines across, each with its rate.
const STEPS: u64 = 4;

/// A rate at a size.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub size: u64,
    pub rate: u64,
}

/// What the rates are compared with.
#[derive(Clone, Copy, Debug)]
pub struct Yardstick<'a> {
    pub name: &'a str,
    pub rate: u64,
}

/// Draws the points at equal distances, in their order; the scale begins at zero.
pub fn svg(title: &str, points: &[Point], yardstick: Yardstick<'_>) -> String {
    let highest = points.iter().map(|point| point.rate).max().unwrap_or(0).max(yardstick.rate);
    let top = round_up(highest);
    let across = |place: usize| {
        let gaps = u64::try_from(points.len().saturating_sub(1)).unwrap_or(0).max(1);
        MARGIN + (WIDTH - 2 * MARGIN) * u64::try_from(place).unwrap_or(0) / gaps
    };
    let height = |rate: u64| HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * rate / top;
    let mut body = String::new();
    for step in 0..=STEPS {
        let (rate, y) = (top * step / STEPS, height(top * step / STEPS));
        line(&mut body, y, "#ddd");
        text(&mut body, MARGIN - 8, y + 4, "end", &Grouped(rate).to_string());
    }
    let path: Vec<String> =
        points.iter().enumerate().map(|(place, point)| format!("{},{}", across(place), height(point.rate))).collect();
    append(&mut body, format_args!("<polyline points=\"{}\" fill=\"none\" stroke=\"#06c\"/>\n", path.join(" ")));
    for (place, point) in points.iter().enumerate() {
        let (x, y) = (across(place), height(point.rate));
        append(&mut body, format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"#06c\"/>\n"));
        text(&mut body, x, y.saturating_sub(10), "middle", &Grouped(point.rate).to_string());
        text(&mut body, x, HEIGHT - MARGIN + 20, "middle", &Grouped(point.size).to_string());
    }
    line(&mut body, height(yardstick.rate), "#c60");
    text(&mut body, WIDTH - MARGIN, height(yardstick.rate) - 6, "end", yardstick.name);
    text(&mut body, WIDTH / 2, MARGIN / 2, "middle", title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

/// The next number of one digit and zeros, so that the lines across have readable rates.
fn round_up(highest: u64) -> u64 {
    let mut unit = 1_u64;
    while unit.saturating_mul(10) <= highest {
        unit = unit.saturating_mul(10);
    }
    highest.div_ceil(unit).max(1) * unit
}

fn line(body: &mut String, y: u64, color: &str) {
    let right = WIDTH - MARGIN;
    append(body, format_args!("<path d=\"M{MARGIN} {y}H{right}\" stroke=\"{color}\"/>\n"));
}

fn text(body: &mut String, x: u64, y: u64, anchor: &str, words: &str) {
    append(body, format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{words}</text>\n"));
}

fn append(body: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into memory cannot fail.
    let _ = body.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_rate_stays_within_the_scale() {
        assert_eq!([0, 9, 10, 11, 44_165, 90_001].map(round_up), [1, 9, 10, 20, 50_000, 100_000]);
    }

    #[test]
    fn every_point_is_drawn_and_labelled() {
        let yardstick = Yardstick { name: "bare", rate: 60 };
        let drawn = svg("rates", &[Point { size: 1, rate: 10 }, Point { size: 1_000, rate: 50 }], yardstick);
        assert_eq!(drawn.matches("<circle").count(), 2);
        assert!(drawn.contains(">1,000</text>") && drawn.contains(">60</text>"));
        assert!(drawn.contains(">rates</text>") && drawn.contains(">bare</text>"));
        assert!(drawn.starts_with("<svg") && drawn.ends_with("</svg>\n"));
    }

    #[test]
    fn nothing_measured_is_an_empty_drawing() {
        assert!(!svg("rates", &[], Yardstick { name: "bare", rate: 0 }).contains("<circle"));
    }
}
