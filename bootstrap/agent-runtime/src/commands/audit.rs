//! `audit verify` and `audit tail`: read from the store's file, beside a running node or without one.

use std::process::ExitCode;

use super::{FAULTS_FOUND, give_json, give_table};
use crate::cli::Audit;
use crate::{logging, node};

pub(super) fn run(args: Audit) -> anyhow::Result<ExitCode> {
    match args {
        Audit::Verify(args) => {
            let data = node::load(&args.place)?.node.data;
            let report = store::verify::audit(&node::own_folder(&data))?;
            if args.json {
                give_json(&report)?;
            } else {
                logging::give(&format!("{} records, {} signed checkpoints", report.records, report.checkpoints));
                if report.begins > 1 {
                    let before = report.begins - 1;
                    logging::give(&format!("begins behind record {before}: those up to it were taken out by policy"));
                }
                logging::give(&format!("head {}\nkey  {}", report.head, report.public_key));
                if let Some(bad) = &report.first_bad {
                    logging::give(&format!("BROKEN at record {}: {}", bad.seq, bad.what));
                }
            }
            Ok(if report.first_bad.is_none() { ExitCode::SUCCESS } else { ExitCode::from(FAULTS_FOUND) })
        }
        Audit::Tail { read, lines } => {
            let data = node::load(&read.place)?.node.data;
            let records = store::verify::audit_tail(&node::own_folder(&data), lines)?;
            if read.json {
                give_json(&records)?;
            } else {
                let header = ["SEQ", "WHEN", "ACTION", "PRINCIPAL", "SUBJECT", "RULES", "ACTOR", "HASH"];
                give_table(
                    &header,
                    records.iter().map(|record| {
                        vec![
                            record.seq.to_string(),
                            markdown::civil::utc(record.at.0),
                            record.action.clone(),
                            record.principal.clone(),
                            record.subject.clone(),
                            record.rules.join(","),
                            record.actor.clone(),
                            record.hash.get(..12).unwrap_or_default().to_owned(),
                        ]
                    }),
                );
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
