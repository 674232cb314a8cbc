//! Co-investment: people put a part of what they send into projects at home.
//!
//! # What it promises
//! - Money that is committed to a project is in the project's escrow account from the entry that funded the remittance
//!   until it is released or given back; what is live of the commitments equals the escrow balance and what was
//!   released, at every moment.
//! - A campaign never takes more than its maximum, nor anything after its deadline, whatever the concurrency.
//! - A campaign that fails returns every unit of money, once, also when the run is cut and resumed.
//! - A tranche is released when two different kinds of party approved its milestone and neither the owner nor the
//!   supplier has to wait, and never twice.
//! - A community's project takes gifts of people who have a name, a business money of those who showed a document.
//! - The tranches sum to what was raised, to the minor unit.
//! - The names of suppliers and the owners' evidence are sealed at rest.
//!
//! # How money moves
//! This room writes no entry by itself. [`Commitments::placing`] and [`Commitments::withdrawing`] give the account and
//! the [`ledger::Effect`] for the entries of a remittance; [`Commitments::refunds_due`] and [`Milestones::releasing`]
//! give whole units of work.
//!
//! ```
//! use coinvestment::tranches;
//! use ledger::{BasisPoints, Currency, Money};
//!
//! let shares = [BasisPoints::new(3_333), BasisPoints::new(3_333), BasisPoints::new(3_334)];
//! let amounts = tranches(Money::from_minor(100, Currency::XOF), &shares)?;
//! assert_eq!(amounts.iter().map(|amount| amount.minor()).collect::<Vec<_>>(), [33, 33, 34]);
//! # Ok::<(), coinvestment::Error>(())
//! ```
//!
//! # What is not here yet
//! Business projects with the protection of their investors, loans and revenue shares with their distributions,
//! matching funds, drafts, suspension and default, impact.

mod clearance;
mod commitment;
mod disbursement;
mod error;
mod milestone;
mod project;
pub mod schema;
mod standing;
#[cfg(test)]
mod transitions;

pub use clearance::Clearance;
pub use commitment::{
    Commitment, CommitmentEvent, CommitmentId, CommitmentState, Commitments, ContributorId, Placing, Withdrawing,
};
pub use disbursement::{Disbursement, DisbursementEvent, DisbursementId, DisbursementState, Disbursements};
pub use error::Error;
pub use milestone::{
    APPROVALS_NEEDED, Approval, Milestone, MilestoneEvent, MilestoneId, MilestoneState, Milestones, Party, PartyKind,
    tranches,
};
pub use project::{
    HistoryLine, Kind, LONGEST_CAMPAIGN_DAYS, MAX_CHECKLIST, MAX_MILESTONES, MilestoneDraft, NewProject, OwnerId,
    Project, ProjectDraft, ProjectEvent, ProjectId, ProjectState, Projects, Terms, VettingDecision,
};
pub use standing::{Acquaintance, Standing};

/// All entries of this room. Each moves a commitment or a milestone with it, so none is taken back by hand.
pub const ENTRY_KINDS: &[ledger::EntryKind] = &[commitment::store::REFUNDED, milestone::release::RELEASED];
