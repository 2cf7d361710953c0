//! What is left out and why, by path, so that a scan of a part leaves the rest as it was.

use std::collections::BTreeMap;

use super::Report;

/// Left-out files that are told in full; the rest is counted.
pub(crate) const SKIPPED_SHOWN_MAX: usize = 20;
/// Left-out files that are kept by path. Beyond them they are only counted, and only a scan of everything counts anew.
const LEFT_OUT_KEPT_MAX: usize = 10_000;

/// Something that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// As people see it.
    pub(crate) path: String,
    pub(crate) why: String,
}

impl Told {
    pub(crate) fn line(&self) -> String {
        format!("{}: {}", self.path, self.why)
    }
}

/// The left-out files of all roots.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// What is told, by root and by path below it.
    lines: BTreeMap<(usize, String), Told>,
    /// Files of which a part is in the index. They stay until the file is read anew or is gone: a scan that need not read
    /// a file does not see it again.
    cut: BTreeMap<(usize, String), Told>,
    beyond: u64,
}

impl LeftOut {
    pub(super) fn note(&mut self, root: usize, path: &str, told: Told) {
        let at = (root, path.to_owned());
        if self.lines.len() < LEFT_OUT_KEPT_MAX || self.lines.contains_key(&at) {
            self.lines.insert(at, told);
        } else {
            self.beyond += 1;
        }
    }

    /// Forgets a path and all below it; `""` is the whole root.
    pub(super) fn forget(&mut self, root: usize, path: &str) {
        let (from, to) = match path {
            "" => ((root, String::new()), (root + 1, String::new())),
            // `0` comes right after `/`.
            path => ((root, format!("{path}/")), (root, format!("{path}0"))),
        };
        self.lines.remove(&(root, path.to_owned()));
        let below: Vec<_> = self.lines.range(from..to).map(|(at, _)| at.clone()).collect();
        for at in below {
            self.lines.remove(&at);
        }
    }

    /// Takes note of a file that was read: `None` when all of it is in the index.
    pub(super) fn note_cut(&mut self, root: usize, path: &str, told: Option<Told>) {
        self.cut.remove(&(root, path.to_owned()));
        match told {
            Some(told) if self.cut.len() < LEFT_OUT_KEPT_MAX => drop(self.cut.insert((root, path.to_owned()), told)),
            _ => {}
        }
    }

    /// Before everything is looked at anew.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.beyond = 0;
    }

    /// The topmost folder above a path that is left out itself.
    pub(super) fn above<'p>(&self, root: usize, path: &'p str) -> Option<&'p str> {
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        let root_itself = (!path.is_empty()).then_some("");
        root_itself.into_iter().chain(folders).find(|folder| self.lines.contains_key(&(root, (*folder).to_owned())))
    }

    pub(super) fn tell(&self, report: &mut Report) {
        report.left_out = self.lines.values().chain(self.cut.values()).cloned().collect();
        report.skipped = report.left_out.iter().take(SKIPPED_SHOWN_MAX).map(Told::line).collect();
        report.skipped_total = (self.lines.len() + self.cut.len()) as u64 + self.beyond;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str) -> Told {
        Told { path: path.to_owned(), why: "w".to_owned() }
    }

    fn left_out(paths: &[(usize, &str)]) -> LeftOut {
        let mut left_out = LeftOut::default();
        for (root, path) in paths {
            left_out.note(*root, path, told(&format!("{root} {path}")));
        }
        left_out
    }

    fn lines(left_out: &LeftOut) -> Vec<String> {
        let mut report = Report::default();
        left_out.tell(&mut report);
        report.skipped
    }

    #[test]
    fn a_path_is_forgotten_with_what_is_below_it_and_nothing_beside() {
        let mut of = left_out(&[(0, "a"), (0, "a/b"), (0, "a!"), (0, "a0"), (0, "ab"), (1, "a/c")]);
        of.forget(0, "a");
        assert_eq!(lines(&of), ["0 a!: w", "0 a0: w", "0 ab: w", "1 a/c: w"]);
        of.forget(0, "");
        assert_eq!(lines(&of), ["1 a/c: w"]);
    }

    #[test]
    fn a_folder_that_is_left_out_is_found_above_its_files() {
        let of = left_out(&[(0, "a/b"), (1, "")]);
        assert_eq!(of.above(0, "a/b/c/d.md"), Some("a/b"));
        assert_eq!(of.above(0, "a/b"), None);
        assert_eq!(of.above(0, "a/bc/d.md"), None);
        assert_eq!((of.above(1, "x.md"), of.above(1, "")), (Some(""), None));
    }

    #[test]
    fn a_file_that_is_cut_is_told_until_it_is_read_whole() {
        let mut of = left_out(&[]);
        of.note_cut(0, "a/b.md", Some(told("cut")));
        of.forget(0, "a");
        of.clear();
        assert_eq!(lines(&of), ["cut: w"]);
        assert_eq!(of.above(0, "a/b.md/c"), None);
        of.note_cut(0, "a/b.md", None);
        assert_eq!(lines(&of), [""; 0]);
    }

    #[test]
    fn beyond_a_limit_they_are_counted() {
        let mut of = LeftOut::default();
        for n in 0..LEFT_OUT_KEPT_MAX + 2 {
            of.note(0, &n.to_string(), told("x"));
        }
        of.note(0, "0", told("x"));
        let mut report = Report::default();
        of.tell(&mut report);
        assert_eq!(report.skipped_total, LEFT_OUT_KEPT_MAX as u64 + 2);
    }
}
