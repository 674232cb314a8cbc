//! Remittances: corridors, prices, quotes, beneficiaries, pay-ins and payouts.
//!
//! # What it promises
//! - A quote is firm: nothing in it changes after it is made, and every rounding in it is against us.
//! - A remittance changes its state only by the table in its module, with a cause, an actor and a time; where money
//!   moves, the change is an effect of the ledger's entry and commits with it.
//! - Fee and margin are earned at the payout, never before; until then everything can go back.
//! - A pay-in is kept before anything is done with it, and is matched to at most one remittance.
//!
//! # How it is used
//! [`Quotes`] prices, [`Remittances`] accepts and describes each step as a [`ledger::UnitOfWork`], [`PayIns`] keeps what
//! the banks report. Whoever calls hands the units to the ledger; this room never posts by itself. Parts of a
//! remittance that other rooms take come in as [`Placement`]s.
//!
//! # What is not here yet
//! Recalls of what was paid out, settlement files of institutions, schedules, savings goals and parts for schools,
//! health cover or schemes.

mod allocation;
mod bank_file;
mod beneficiary;
mod clearance;
mod corridor;
mod error;
mod pay_in;
mod price;
mod quote;
mod rate;
mod reference;
mod remittance;
pub mod schema;

pub use allocation::{Instruction, MAX_ALLOCATIONS, Portion, Split, Target, split};
pub use bank_file::{BankFile, MAX_FILE_BYTES, MAX_FILE_PAY_INS, read_camt_054, read_csv};
pub use beneficiary::{
    Beneficiaries, Beneficiary, BeneficiaryId, Channel, MAX_BENEFICIARIES, NewBeneficiary, PayoutPartner,
};
pub use clearance::Clearance;
pub use corridor::{Corridor, CorridorCode, CorridorFaults, Corridors, FeeTable};
pub use error::Error;
pub use pay_in::{NewPayIn, PayIn, PayInId, PayInState, PayIns, UnmatchedReason};
pub use price::{Amount, Price, price};
pub use quote::{Allocation, Quote, QuoteId, QuoteRequest, Quotes, SenderId, quote};
pub use rate::{InvalidRate, MidRate, Rate, RateNature, RateTable, Rates, SetRate, rates_from_toml};
pub use reference::find as find_reference;
pub use remittance::entries::ENTRY_KINDS;
pub use remittance::{
    CANCEL_WITHIN, ClaimId, Confirmable, Event, Handover, HistoryLine, Payout, Placement, RejectionReason, Remittance,
    RemittanceId, Remittances, SendingLimits, State,
};
