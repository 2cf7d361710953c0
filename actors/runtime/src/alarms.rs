//! What is wrong with the node now: each thing once, by an id.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Alarms that stand, by id: `store`, `stopped:<address>`. What stands before the colon is the alarm's name, of which
/// there are few.
#[derive(Default)]
pub(crate) struct Alarms(Mutex<BTreeMap<String, String>>);

impl Alarms {
    /// Raises or clears one; told in the log when it changes.
    pub(crate) fn set(&self, id: &str, text: Option<String>) {
        let mut alarms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            Some(text) => {
                if alarms.get(id) != Some(&text) {
                    tracing::warn!(alarm = id, "{text}");
                    alarms.insert(id.to_owned(), text);
                }
            }
            None => {
                if alarms.remove(id).is_some() {
                    tracing::info!(alarm = id, "over");
                }
            }
        }
    }

    /// (id, what is wrong and what to do), by id.
    pub(crate) fn list(&self) -> Vec<(String, String)> {
        let alarms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        alarms.iter().map(|(id, text)| (id.clone(), text.clone())).collect()
    }
}
