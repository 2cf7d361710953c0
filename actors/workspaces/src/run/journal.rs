//! The journal in memory, kept as the store keeps its rows.

use messages::Moment;
use messages::step::{Cost, Reserve, StepStatus, Usage, What};
use messages::store::StepRow;

/// A step begins, or begins again: then what it had reserved is spent, as it may have been used.
pub(super) fn begin(steps: &mut Vec<StepRow>, (seq, what, reserve): (u32, What, Option<Reserve>), at: Moment) {
    let row = row_of(steps, seq, what, at);
    row.status = StepStatus::Started;
    row.attempt += 1;
    if let Some(lost) = std::mem::replace(&mut row.reserve, reserve) {
        row.usage.input = row.usage.input.saturating_add(lost.tokens);
        row.micro_usd = row.micro_usd.saturating_add(lost.micro_usd);
    }
    row.started_at = at;
    row.ended_at = None;
}

/// A step has ended; one that was never begun is there with its end.
pub(super) fn end(
    steps: &mut Vec<StepRow>,
    (seq, what): (u32, What),
    (status, output, cost): (StepStatus, &str, Option<&Cost>),
    at: Moment,
) {
    let row = row_of(steps, seq, what, at);
    if row.status != StepStatus::Started {
        row.attempt += 1;
    }
    row.status = status;
    output.clone_into(&mut row.output);
    row.reserve = None;
    row.ended_at = Some(at);
    if let Some(cost) = cost {
        if !cost.model.is_empty() {
            row.model.clone_from(&cost.model);
        }
        row.usage = row.usage.plus(cost.usage);
        row.micro_usd = row.micro_usd.saturating_add(cost.micro_usd);
    }
}

fn row_of(steps: &mut Vec<StepRow>, seq: u32, what: What, at: Moment) -> &mut StepRow {
    let place = steps.iter().position(|step| step.seq == seq).unwrap_or_else(|| {
        steps.push(StepRow {
            seq,
            what: what.clone(),
            status: StepStatus::Failed,
            attempt: 0,
            output: String::new(),
            model: String::new(),
            usage: Usage::default(),
            micro_usd: 0,
            reserve: None,
            started_at: at,
            ended_at: None,
        });
        steps.len() - 1
    });
    #[allow(clippy::indexing_slicing, reason = "the place was found, or has just been made")]
    let row = &mut steps[place];
    row.what = what;
    row
}
