//! The steps of a walk: which percentages, for how long, and what gates at each.
//!
//! Pure: everything follows from the file. Steps ascend, so that a step is tried only after all smaller ones.

use crate::config::{CanarySection, ConfigError, StepSection};
use corpus::units::Percent;
use report::policy::GateName;
use std::time::Duration;

/// The percentages of a walk that names none.
const DEFAULT_STEPS: [f64; 6] = [1.0, 5.0, 10.0, 25.0, 50.0, 100.0];
/// A step that lacks evidence goes on up to this many windows.
const DEFAULT_MAX_WINDOWS: u32 = 3;

/// One step before it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Percentage of production's rate.
    pub percent: Percent,
    /// What gates, by the names of `[policy] gate`; `None`: as the policy says.
    pub gate: Option<Vec<GateName>>,
    /// How long it replays before it is judged; `None`: one pass over the corpus.
    pub window: Option<Duration>,
    /// How long it may go on; `None`: three windows.
    pub max_window: Option<Duration>,
}

impl Step {
    /// The name of its folder: `step-025`, `step-002.5`.
    pub fn folder(&self) -> String {
        let text = self.percent.to_string();
        let whole = text.find('.').unwrap_or(text.len());
        format!("step-{}{text}", "0".repeat(3_usize.saturating_sub(whole)))
    }

    /// The longest that it may replay in all, where one window is `window`.
    pub fn limit(&self, window: Duration) -> Duration {
        self.max_window.unwrap_or(window * DEFAULT_MAX_WINDOWS)
    }
}

/// The steps of a walk.
///
/// # Errors
/// Where the percentages do not ascend, a step is described twice or is none of the walk's, or a longest
/// window is shorter than the window.
pub fn steps(section: &CanarySection) -> Result<Vec<Step>, ConfigError> {
    let percents = percents(section);
    if percents.is_empty() {
        return Err(ConfigError::value("canary.steps", "no step is named"));
    }
    if let Some(pair) = percents.windows(2).find(|pair| pair[0].value() >= pair[1].value()) {
        return Err(ConfigError::value(
            "canary.steps",
            format!("{} comes after {}: steps ascend", pair[1], pair[0]),
        ));
    }
    for described in &section.step {
        check_described(described, section, &percents)?;
    }
    percents.iter().map(|percent| step(*percent, section)).collect()
}

fn percents(section: &CanarySection) -> Vec<Percent> {
    if let Some(steps) = &section.steps {
        return steps.iter().map(|step| step.0).collect();
    }
    if !section.step.is_empty() {
        return section.step.iter().map(|step| step.percent.0).collect();
    }
    DEFAULT_STEPS.into_iter().filter_map(Percent::new).collect()
}

fn check_described(
    described: &StepSection,
    section: &CanarySection,
    percents: &[Percent],
) -> Result<(), ConfigError> {
    let percent = described.percent;
    let key = || format!("canary.step {}", percent.0);
    if !percents.contains(&percent.0) {
        return Err(ConfigError::value(key(), "canary.steps does not have it"));
    }
    if section.step.iter().filter(|other| other.percent == percent).count() > 1 {
        return Err(ConfigError::value(key(), "it is described twice"));
    }
    Ok(())
}

fn step(percent: Percent, section: &CanarySection) -> Result<Step, ConfigError> {
    let own = section.step.iter().find(|own| own.percent.0 == percent);
    let window = own.and_then(|own| own.window).or(section.window).map(|span| span.0);
    let max_window = own.and_then(|own| own.max_window).or(section.max_window).map(|span| span.0);
    if let (Some(window), Some(max)) = (window, max_window)
        && max < window
    {
        let reason = format!("{max:?} is shorter than the window of {window:?}");
        return Err(ConfigError::value(format!("canary max_window of step {percent}"), reason));
    }
    Ok(Step { percent, gate: own.and_then(|own| own.gate.clone()), window, max_window })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&[&str], &str>) {
        let section: CanarySection = toml::from_str(text).unwrap();
        let found = steps(&section).map(|steps| steps.iter().map(Step::folder).collect::<Vec<_>>());
        let expected = expected.map(|folders| folders.iter().map(|&folder| folder.to_owned()).collect());
        assert_eq!(found.map_err(|error| error.to_string()), expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn steps_come_from_the_list_the_tables_or_the_defaults() {
        check("", Ok(&["step-001", "step-005", "step-010", "step-025", "step-050", "step-100"]));
        check("steps = [0.5, 12.5, 250]", Ok(&["step-000.5", "step-012.5", "step-250"]));
        check("[[step]]\npercent = 25\n[[step]]\npercent = 100\n", Ok(&["step-025", "step-100"]));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        check("steps = []", Err("use configuration: canary.steps: no step is named"));
        check("steps = [5, 1]", Err("use configuration: canary.steps: 1 comes after 5: steps ascend"));
        check("steps = [5, 5]", Err("use configuration: canary.steps: 5 comes after 5: steps ascend"));
        check(
            "steps = [5]\n[[step]]\npercent = 50\n",
            Err("use configuration: canary.step 50: canary.steps does not have it"),
        );
        check(
            "steps = [5]\n[[step]]\npercent = 5\n[[step]]\npercent = 5\n",
            Err("use configuration: canary.step 5: it is described twice"),
        );
        check(
            "steps = [5]\nwindow = \"30s\"\nmax_window = \"20s\"\n",
            Err("use configuration: canary max_window of step 5: 20s is shorter than the window of 30s"),
        );
    }

    #[test]
    fn a_steps_own_table_wins() {
        let text = "steps = [5, 50]\nwindow = \"30s\"\n[[step]]\npercent = 50\nwindow = \"60s\"\ngate = [\"errors\"]\n";
        let steps = steps(&toml::from_str(text).unwrap()).unwrap();
        assert_eq!(steps[0].window, Some(Duration::from_secs(30)));
        assert_eq!(steps[1].window, Some(Duration::from_secs(60)));
        assert_eq!(steps[1].gate.as_deref(), Some(&[GateName::Errors][..]));
        assert_eq!(steps[1].limit(Duration::from_secs(60)), Duration::from_secs(180));
    }
}
