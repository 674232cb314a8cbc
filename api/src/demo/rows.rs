//! The shipped data: who sends, and what.

use serde::Deserialize;

use super::Failure;

const SENDERS: &str = include_str!("senders.csv");
const REMITTANCES: &str = include_str!("remittances.csv");

/// Somebody who sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SenderRow {
    pub(super) contact: String,
    pub(super) name: String,
    pub(super) country: String,
    pub(super) birth_date: String,
    pub(super) address: String,
    pub(super) language: String,
}

/// What becomes of a remittance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// The institution pays it.
    Paid,
    /// The institution cannot pay it.
    Rejected,
    /// The sender gives it up after paying in.
    Cancelled,
    /// The sender never pays in.
    Unpaid,
}

/// A remittance that somebody sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemittanceRow {
    pub(super) sender: String,
    pub(super) corridor: String,
    pub(super) side: String,
    pub(super) amount: String,
    pub(super) beneficiary: String,
    pub(super) institution: String,
    pub(super) channel: String,
    pub(super) account: Option<String>,
    /// school or well
    pub(super) project: Option<String>,
    pub(super) share_basis_points: Option<u32>,
    pub(super) outcome: Outcome,
}

impl RemittanceRow {
    /// The currency of the side that the amount is of.
    pub(super) fn currency(&self) -> String {
        let (source, target) = self.corridor.split_once('-').unwrap_or_default();
        if self.side == "send" { source.to_uppercase() } else { target.to_uppercase() }
    }
}

pub(super) fn senders() -> Result<Vec<SenderRow>, Failure> {
    Ok(csv::Reader::from_reader(SENDERS.as_bytes()).deserialize().collect::<Result<_, _>>()?)
}

pub(super) fn read() -> Result<Vec<RemittanceRow>, Failure> {
    Ok(csv::Reader::from_reader(REMITTANCES.as_bytes()).deserialize().collect::<Result<_, _>>()?)
}
