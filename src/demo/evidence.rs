//! Where the reports name what `--bad` planted: looked for in the published report JSON, as any reader would.

use super::faults::Fault;
use serde_json::Value;

/// A planted fault and where a report names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// The fault.
    pub(crate) fault: Fault,
    /// The steps' folders and what stands there, in the order of the steps; empty where no report names it.
    pub(crate) found: Vec<(String, String)>,
}

/// Looks for every planted fault in the reports of the steps, `(folder, report)` each.
pub(crate) fn find(reports: &[(String, Value)]) -> Vec<Named> {
    let named = |fault| Named {
        fault,
        found: reports
            .iter()
            .filter_map(|(folder, report)| Some((folder.clone(), named_in(fault, report)?)))
            .collect(),
    };
    Fault::ALL.into_iter().map(named).collect()
}

/// What a report says of one fault.
fn named_in(fault: Fault, report: &Value) -> Option<String> {
    match fault {
        Fault::MissingField => group(report, "GET /orders/{id}", "missing", "window"),
        Fault::NumberAsString => group(report, "GET /products/{id}", "type", "stock"),
        Fault::RoundedMoney => group(report, "GET /customers/{id}/orders", "value", "total"),
        Fault::SlowTail => worse(report, |endpoint, metric| {
            endpoint == Some("GET /products") && metric.starts_with("latency_p9")
        }),
        Fault::Overload => worse(report, |endpoint, metric| endpoint.is_none() && metric == "errors"),
    }
}

/// The first group of differences at this endpoint, of this kind, at a path that contains `field`.
fn group(report: &Value, endpoint: &str, kind: &str, field: &str) -> Option<String> {
    let text =
        |group: &Value, key: &str| group.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let fits = |group: &&Value| {
        let at = |path: &str| path.contains(field);
        let also = group.get("also_at").and_then(Value::as_array);
        let anywhere = at(&text(group, "path"))
            || also.is_some_and(|places| places.iter().filter_map(Value::as_str).any(at));
        text(group, "endpoint") == endpoint && text(group, "kind") == kind && anywhere
    };
    let group = report.get("difference_groups")?.as_array()?.iter().find(fits)?;
    let pairs = group.get("pairs").and_then(Value::as_u64).unwrap_or_default();
    Some(format!("{} ({pairs} pairs)", text(group, "title")))
}

/// The first metric that is proven worse and fits.
fn worse(report: &Value, fits: impl Fn(Option<&str>, &str) -> bool) -> Option<String> {
    let metrics = report.get("metrics")?.as_array()?;
    let metric = metrics.iter().find(|metric| {
        let endpoint = metric.get("scope").and_then(|scope| scope.get("endpoint")).and_then(Value::as_str);
        let name = metric.get("metric").and_then(Value::as_str).unwrap_or_default();
        metric.get("decision").and_then(Value::as_str) == Some("worse") && fits(endpoint, name)
    })?;
    let id = metric.get("id").and_then(Value::as_str).unwrap_or_default();
    let said = report
        .get("reasons")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|reason| reason.get("metric").and_then(Value::as_str) == Some(id));
    let text = said.and_then(|reason| reason.get("text")).and_then(Value::as_str).unwrap_or(id);
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(report: &Value, expected: &[Fault]) {
        let named = find(&[("step-100".to_owned(), report.clone())]);
        let found: Vec<Fault> =
            named.iter().filter(|named| !named.found.is_empty()).map(|named| named.fault).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn faults_are_found_by_what_reports_publish() {
        let group = |endpoint: &str, kind: &str, path: &str| json!({ "endpoint": endpoint, "kind": kind, "path": path, "title": "t", "pairs": 3, "also_at": [] });
        let metric = |scope: Value, metric: &str, decision: &str| json!({ "id": metric, "scope": scope, "metric": metric, "decision": decision });
        let listing = json!({ "kind": "endpoint", "endpoint": "GET /products" });
        let overall = json!({ "kind": "overall" });
        check(&json!({}), &[]);
        check(
            &json!({
                "difference_groups": [
                    group("GET /orders/{id}", "missing", "$['delivery']['window']"),
                    group("GET /products/{id}", "value", "$['stock']"),
                    group("GET /customers/{id}/orders", "value", "$['orders'][*]['total']"),
                ],
                "metrics": [
                    metric(overall.clone(), "latency_p95", "worse"),
                    metric(listing.clone(), "latency_p50", "worse"),
                    metric(overall.clone(), "errors", "ok"),
                ],
            }),
            &[Fault::MissingField, Fault::RoundedMoney],
        );
        check(
            &json!({
                "difference_groups": [group("GET /products/{id}", "type", "$['stock']")],
                "metrics": [metric(listing, "latency_p95", "worse"), metric(overall, "errors", "worse")],
            }),
            &[Fault::NumberAsString, Fault::SlowTail, Fault::Overload],
        );
    }
}
