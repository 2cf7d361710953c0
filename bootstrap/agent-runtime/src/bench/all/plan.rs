//! Which benches there are, with which loads, and what of their answers goes into the table. Pure.

/// One bench.
pub(super) struct Bench {
    /// As it is measured.
    full: &'static [&'static str],
    /// As it is tried whether it works.
    quick: &'static [&'static str],
    /// How often it is measured.
    pub(super) runs: usize,
    pub(super) rows: &'static [Wanted],
}

/// A number of a bench's answer.
pub(super) struct Wanted {
    pub(super) name: &'static str,
    /// A JSON pointer into the answer.
    pub(super) at: &'static str,
    pub(super) unit: &'static str,
}

const fn row(name: &'static str, at: &'static str, unit: &'static str) -> Wanted {
    Wanted { name, at, unit }
}

impl Bench {
    pub(super) fn args(&self, quick: bool) -> &'static [&'static str] {
        if quick { self.quick } else { self.full }
    }

    /// As it would be typed behind `bench`.
    pub(super) fn name(&self, quick: bool) -> String {
        self.args(quick).join(" ")
    }
}

/// In the order of their running. All of it takes some fifteen minutes on two cores, and the quick form a minute.
pub(super) const PLAN: &[Bench] = &[
    Bench {
        full: &["turns", "--rates", "200,1000"],
        quick: &["turns", "--contexts", "10", "--in-flight", "20", "--seconds", "1", "--rates", "50,100"],
        runs: 3,
        rows: &[
            row("turns, saturated", "/turns_per_s", "1/s"),
            row("CPU a turn, saturated", "/cpu_ms_per_turn", "ms"),
            row("added latency at the lower rate, p50", "/at_rate/0/added/p50_ms", "ms"),
            row("added latency at the lower rate, p99", "/at_rate/0/added/p99_ms", "ms"),
            row("added latency at the higher rate, p50", "/at_rate/1/added/p50_ms", "ms"),
            row("added latency at the higher rate, p99", "/at_rate/1/added/p99_ms", "ms"),
            row("ready, new data folder", "/ready_ms", "ms"),
            row("memory, idle", "/idle_rss_mb", "MB"),
            row("memory after it", "/rss_mb_after", "MB"),
        ],
    },
    Bench {
        full: &["turns", "--search", "--rates", "200"],
        quick: &["turns", "--search", "--contexts", "10", "--in-flight", "20", "--seconds", "1", "--rates", "50"],
        runs: 3,
        rows: &[
            row("turns that search, saturated", "/turns_per_s", "1/s"),
            row("CPU a turn that searches, saturated", "/cpu_ms_per_turn", "ms"),
        ],
    },
    Bench {
        full: &["tasks"],
        quick: &["tasks", "--workspaces", "4", "--contexts", "2", "--in-flight", "16", "--seconds", "1"],
        runs: 3,
        rows: &[
            row("tasks, made in chat and told there", "/tasks_per_s", "1/s"),
            row("CPU a task", "/cpu_ms_per_task", "ms"),
            row("from chat to end, p50", "/from_chat_to_end/p50_ms", "ms"),
            row("memory after it", "/rss_mb_after", "MB"),
        ],
    },
    Bench {
        full: &["starvation"],
        quick: &["starvation", "--tasks", "20", "--turns", "10"],
        runs: 3,
        rows: &[
            row("a chat turn alone, p50", "/turns_alone/p50_ms", "ms"),
            row("a chat turn alone, p99", "/turns_alone/p99_ms", "ms"),
            row("a chat turn beside queued tasks, p50", "/turns_beside_tasks/p50_ms", "ms"),
            row("a chat turn beside queued tasks, p99", "/turns_beside_tasks/p99_ms", "ms"),
        ],
    },
    Bench {
        full: &["contexts"],
        quick: &["contexts", "--known", "200", "--turns", "1000", "--active", "10"],
        runs: 1,
        rows: &[
            row("ready, with all that is known", "/ready_ms", "ms"),
            row("memory, idle", "/idle_rss_mb", "MB"),
            row("memory, contexts active", "/active_rss_mb", "MB"),
            row("memory after they have stopped", "/rss_after_stop_mb", "MB"),
        ],
    },
    Bench {
        full: &["recovery"],
        quick: &["recovery", "--in-flight", "10"],
        runs: 3,
        rows: &[
            row("kill -9: ready again", "/ready_ms", "ms"),
            row("kill -9: all turns under way again", "/rearmed_ms", "ms"),
            row("kill -9: all settled", "/settled_ms", "ms"),
        ],
    },
    Bench {
        full: &["search"],
        quick: &["search", "--files", "100", "--weights", "0.3"],
        runs: 3,
        rows: &[
            row("index from nothing, CPU", "/load/index_cpu_s", "s"),
            row("a query, p50", "/load/query/p50_ms", "ms"),
            row("a query, p99", "/load/query/p99_ms", "ms"),
            row("a query, CPU", "/load/query_cpu_ms", "ms"),
            row("one changed file, CPU", "/load/one_changed_file_cpu_ms", "ms"),
            row("a look at everything, CPU", "/load/whole_scan_cpu_ms", "ms"),
            row("memory grown by the index and queries", "/load/rss_after_queries_grown_mb", "MB"),
            row("database", "/load/database_mb", "MB"),
        ],
    },
    Bench {
        full: &["cluster"],
        quick: &[
            "cluster",
            "--contexts",
            "10",
            "--in-flight",
            "20",
            "--seconds",
            "1",
            "--rate",
            "50",
            "--known",
            "200",
            "--active",
            "20",
        ],
        runs: 3,
        rows: &[
            row("one process: turns, saturated", "/one/turns_per_s", "1/s"),
            row("one process: CPU a turn", "/one/cpu_ms_per_turn/node", "ms"),
            row("one process: added latency, p50", "/one/added/p50_ms", "ms"),
            row("one process: added latency, p99", "/one/added/p99_ms", "ms"),
            row("hub, connector, worker: turns, saturated", "/three/turns_per_s", "1/s"),
            row("CPU a turn of the hub", "/three/cpu_ms_per_turn/hub", "ms"),
            row("CPU a turn of the connector", "/three/cpu_ms_per_turn/connector", "ms"),
            row("CPU a turn of the worker", "/three/cpu_ms_per_turn/worker", "ms"),
            row("hub, connector, worker: added latency, p50", "/three/added/p50_ms", "ms"),
            row("hub, connector, worker: added latency, p99", "/three/added/p99_ms", "ms"),
            row("an ask of 256 bytes between two processes, p50", "/ask/one_in_flight/p50_us", "µs"),
            row("an ask of 256 bytes between two processes, p99", "/ask/one_in_flight/p99_us", "µs"),
            row("asks, 64 in flight", "/ask/many_in_flight/per_s", "1/s"),
            row("from a worker's start to its first unit, p50", "/join/p50_ms", "ms"),
            row("… with all contexts known at the hub, p50", "/join_known/p50_ms", "ms"),
            row("memory of the hub, idle", "/idle_rss_mb/hub", "MB"),
            row("memory of the connector, idle", "/idle_rss_mb/connector", "MB"),
            row("memory of the worker, idle", "/idle_rss_mb/worker", "MB"),
            row("memory of the worker, contexts active", "/active_rss_mb/worker", "MB"),
            row("memory of another connector that joins, none active", "/peer_rss_mb/connector", "MB"),
            row("… with contexts active on the worker", "/peer_rss_active_mb/connector", "MB"),
            row("memory of another worker that joins, none active", "/peer_rss_mb/worker", "MB"),
            row("… with contexts active on the first", "/peer_rss_active_mb/worker", "MB"),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Subcommand as _;

    use super::*;

    #[test]
    fn every_bench_that_can_be_asked_for_is_in_the_table() {
        let known = crate::bench::Bench::augment_subcommands(clap::Command::new("bench"));
        let known = known.get_subcommands().filter(|of| !of.is_hide_set()).map(|of| of.get_name().to_owned());
        let known: BTreeSet<String> = known.filter(|name| name != "all").collect();
        for quick in [false, true] {
            let planned = PLAN.iter().filter_map(|bench| bench.args(quick).first());
            assert_eq!(planned.map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), known);
        }
    }

    #[test]
    fn every_load_can_be_read_by_the_command_line() {
        for args in PLAN.iter().flat_map(|bench| [bench.args(false), bench.args(true)]) {
            let bench = crate::bench::Bench::augment_subcommands(clap::Command::new("bench"));
            let read = bench.try_get_matches_from(std::iter::once("bench").chain(args.iter().copied()));
            assert!(read.is_ok(), "{args:?}: {:?}", read.err());
        }
    }
}
