//! The question to a model, made from the brief and the journal.

use messages::model::{Exchange, Request};
use messages::offer::Offer;
use messages::step::{StepStatus, What};
use messages::store::StepRow;
use messages::tool::ToolSpec;

use super::next::read;
use super::{Ground, Run};

/// Bytes of each older result that are left when the prompt was too long, by how often it was.
const SHORT_BYTES: [usize; 2] = [2_048, 512];
/// Results that are never shortened: those of the last exchange.
const WHOLE_EXCHANGES: usize = 1;

impl Run {
    /// The next question, for one of `chain`. What it may write at most is not known yet; `seconds_max` are left.
    pub(super) fn request(&self, seconds_max: u64, chain: &[&Offer], on: &Ground<'_>) -> Request {
        let brief = &self.brief;
        let left_out = self.compact > 0;
        Request {
            allowed: brief.models.clone(),
            purpose: brief.purpose,
            interactive: brief.is_interactive(),
            avoid: self.avoid.clone(),
            model: String::new(),
            system: brief.prompt(),
            history: if left_out { Vec::new() } else { brief.history.clone() },
            question: brief.question.clone(),
            passages: if self.compact > 1 { Vec::new() } else { self.passages.clone().unwrap_or_default() },
            exchanges: exchanges(&self.steps, self.compact),
            tools: self.offered(chain, on),
            answer_bytes_max: brief.limits.answer_bytes,
            output_tokens_max: 0,
            seconds_max,
            trace: brief.trace.clone(),
        }
    }

    /// Tools that the model is told of: those that would be allowed if it asked for them.
    fn offered(&self, chain: &[&Offer], on: &Ground<'_>) -> Vec<ToolSpec> {
        if !chain.iter().any(|offer| offer.takes_tools) {
            return Vec::new();
        }
        on.facts.tools.iter().filter(|tool| self.may_use(tool, on).is_ok()).cloned().collect()
    }
}

/// What has happened since the question was asked.
fn exchanges(steps: &[StepRow], compact: u8) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for step in steps {
        match (&step.what, step.status) {
            (What::Model, StepStatus::Done) => {
                let answer = read(&step.output);
                exchanges.push(Exchange { text: answer.text, calls: answer.calls, results: Vec::new() });
            }
            (What::Model, _) | (_, StepStatus::Started) => {}
            (What::Tool(_) | What::Children, _) => {
                if let Some(exchange) = exchanges.last_mut() {
                    exchange.results.push(step.output.clone());
                }
            }
        }
    }
    // One that lacks results is the answer that is being worked on: it is told with them, or not at all.
    exchanges.retain(|exchange| !exchange.results.is_empty() && exchange.results.len() >= exchange.calls.len());
    shorten(&mut exchanges, compact);
    exchanges
}

fn shorten(exchanges: &mut [Exchange], compact: u8) {
    let Some(bytes) = usize::from(compact).checked_sub(1).and_then(|at| SHORT_BYTES.get(at)) else { return };
    let older = exchanges.len().saturating_sub(WHOLE_EXCHANGES);
    for result in exchanges.iter_mut().take(older).flat_map(|exchange| &mut exchange.results) {
        if result.len() > *bytes {
            result.truncate(result.floor_char_boundary(*bytes));
            result.push_str("\n(the rest was left out)");
        }
    }
}
