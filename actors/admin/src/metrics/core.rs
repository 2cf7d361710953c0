//! Prometheus' text form, version 0.0.4.

use std::fmt::{Display, Write as _};

use runtime::HistogramView;

use super::names::Metric;

/// A page that grows by families.
#[derive(Default)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn finish(self) -> String {
        self.0
    }

    pub(crate) fn number(&mut self, metric: Metric, value: u64) {
        self.family(metric, [(Vec::new(), value)]);
    }

    pub(crate) fn float(&mut self, metric: Metric, value: f64) {
        self.floats(metric, [(Vec::new(), value)]);
    }

    /// Milliseconds, given as seconds.
    #[allow(clippy::cast_precision_loss)] // Exact for some hundred thousand years.
    pub(crate) fn millis(&mut self, metric: Metric, ms: u64) {
        self.float(metric, ms as f64 / 1e3);
    }

    /// Values by their labels, which are in the order of the metric's.
    pub(crate) fn family<'l>(&mut self, metric: Metric, rows: impl IntoIterator<Item = (Vec<&'l str>, u64)>) {
        self.rows(metric, rows);
    }

    pub(crate) fn floats<'l>(&mut self, metric: Metric, rows: impl IntoIterator<Item = (Vec<&'l str>, f64)>) {
        self.rows(metric, rows);
    }

    /// `per`: how many of the histogram's units are one of the metric's.
    #[allow(clippy::cast_precision_loss)] // Exact up to 2^53 of the histogram's units.
    pub(crate) fn histogram(&mut self, metric: Metric, view: &HistogramView, per: f64) {
        self.head(metric);
        for (bound, count) in &view.buckets {
            let bound = (*bound as f64 / per).to_string();
            self.row(&format!("{}_bucket", metric.name), &["le"], &[&bound], count);
        }
        self.row(&format!("{}_bucket", metric.name), &["le"], &["+Inf"], &view.count);
        self.row(&format!("{}_sum", metric.name), &[], &[], &(view.sum as f64 / per));
        self.row(&format!("{}_count", metric.name), &[], &[], &view.count);
    }

    fn rows<'l, V: Display>(&mut self, metric: Metric, rows: impl IntoIterator<Item = (Vec<&'l str>, V)>) {
        self.head(metric);
        for (labels, value) in rows {
            self.row(metric.name, metric.labels, &labels, &value);
        }
    }

    // Writing to a text can't fail.
    fn head(&mut self, metric: Metric) {
        let Metric { name, kind, help, .. } = metric;
        let _written = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn row(&mut self, name: &str, labels: &[&str], values: &[&str], value: &dyn Display) {
        let pairs: Vec<String> =
            labels.iter().zip(values).map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let pairs = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let _written = writeln!(self.0, "{name}{pairs} {value}");
    }
}

/// A label's value: names of models hold anything.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Metric = Metric { name: "one", kind: "gauge", labels: &["model"], help: "Help." };

    #[test]
    fn a_label_can_t_end_its_quotes() {
        let mut page = Page::default();
        page.family(ONE, [(vec!["a\"b\\c\nd"], 7)]);
        assert_eq!(page.finish(), "# HELP one Help.\n# TYPE one gauge\none{model=\"a\\\"b\\\\c\\nd\"} 7\n");
    }

    #[test]
    fn a_histogram_is_given_in_the_metrics_unit() {
        let mut page = Page::default();
        let view = HistogramView { buckets: vec![(250, 1), (1_000_000, 3)], count: 4, sum: 2_500_000 };
        page.histogram(Metric { labels: &[], ..ONE }, &view, 1e6);
        let lines = page.finish();
        let lines: Vec<&str> = lines.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "one_bucket{le=\"0.00025\"} 1",
                "one_bucket{le=\"1\"} 3",
                "one_bucket{le=\"+Inf\"} 4",
                "one_sum 2.5",
                "one_count 4"
            ]
        );
    }
}
