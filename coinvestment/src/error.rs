use chrono::{DateTime, Utc};
use ledger::{Currency, Money};

use crate::ProjectState;

/// Why co-investment said no.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database did not answer or refused.
    #[error("co-investment's database failed: {0}")]
    Database(#[from] diesel::result::Error),
    /// A connection or a cipher failed.
    #[error(transparent)]
    Platform(#[from] platform::Error),
    /// An entry could not be built; a fault in this room.
    #[error("an entry could not be built: {0}")]
    Entry(#[from] ledger::EntryError),
    /// An account code could not be built; a fault in this room.
    #[error(transparent)]
    AccountCode(#[from] ledger::InvalidAccountCode),
    /// A sum does not fit, or currencies met.
    #[error(transparent)]
    Money(#[from] ledger::MoneyError),
    /// A payload could not be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// There is no such thing, or it is not for the one who asks.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The state does not allow it.
    #[error("a {thing} that is {state} cannot be {wanted}")]
    WrongState {
        /// Of what.
        thing: &'static str,
        /// As it is.
        state: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The project takes no commitments: its campaign has not begun, or has ended.
    #[error("a project that is {} takes no commitments", .state.word())]
    NotOpen {
        /// As it is.
        state: ProjectState,
    },
    /// The campaign's time has run out.
    #[error("the campaign ended at {0}")]
    DeadlinePassed(DateTime<Utc>),
    /// The amount is in another currency than the project's.
    #[error("the amount is in {given}, the project is in {expected}")]
    WrongCurrency {
        /// As given.
        given: Currency,
        /// As it should be.
        expected: Currency,
    },
    /// The amount is zero or negative.
    #[error("a commitment is above zero")]
    NotPositive,
    /// The project takes less than that.
    #[error("the project takes {left} {} more at most", .left.currency())]
    BeyondMaximum {
        /// What it still takes.
        left: Money,
    },
    /// Too little is known of the contributor.
    #[error("this project takes money of people who {needed}")]
    NotKnownEnough {
        /// How well they have to be known.
        needed: crate::Standing,
    },
    /// How well a contributor is known cannot be said.
    #[error("it cannot be said how well a contributor is known: {0}")]
    Acquaintance(String),
    /// The campaign has not reached its minimum.
    #[error("{raised} {} were raised, less than the minimum of {minimum}", .raised.currency())]
    BelowMinimum {
        /// What was raised.
        raised: Money,
        /// What is needed.
        minimum: Money,
    },
    /// Business projects need a protection of investors that is not built.
    #[error(
        "business projects cannot be submitted yet: they need the investor protection of Regulation (EU) 2020/1503; submit a community project"
    )]
    BusinessNotOffered,
    /// A text is empty or too long.
    #[error("{field} has 1 to {maximum} characters, and none that cannot be seen")]
    Text {
        /// Which one.
        field: &'static str,
        /// Most characters.
        maximum: usize,
    },
    /// The text is no institution's code.
    #[error("an institution's code has 1 to 40 lower-case letters, digits and hyphens, such as caisse-thies")]
    InstitutionCode,
    /// Minimum and maximum do not fit each other.
    #[error(
        "a project's minimum is above zero, its maximum not below the minimum, both in one currency and at most {most} minor units"
    )]
    Amounts {
        /// The largest amount.
        most: i64,
    },
    /// The deadline is past, or too far away.
    #[error("a campaign's deadline lies ahead, by {days} days at most")]
    Deadline {
        /// The longest campaign.
        days: i64,
    },
    /// There are too few milestones, or too many.
    #[error("a project has 1 to {most} milestones, not {given}")]
    MilestoneCount {
        /// As given.
        given: usize,
        /// The most.
        most: usize,
    },
    /// The milestones' shares are not the whole.
    #[error("the milestones' shares come to {given} hundredths of a percent, not to 10000")]
    Shares {
        /// Their sum.
        given: u64,
    },
    /// A milestone's share of the minimum is less than one minor unit.
    #[error("the share of milestone {ordinal} is less than the smallest amount of money when the minimum is raised")]
    ShareTooSmall {
        /// Which milestone, counted from 1.
        ordinal: usize,
    },
    /// The checklist is empty, or too long.
    #[error("an approval has a checklist of 1 to {most} points")]
    Checklist {
        /// The most.
        most: usize,
    },
    /// Too few parties have approved the milestone.
    #[error("the milestone has {given} of {needed} approvals by different kinds of parties")]
    NotApproved {
        /// Those that it has.
        given: usize,
        /// Those that it needs.
        needed: usize,
    },
    /// Somebody looks at who the owner or the supplier is.
    #[error("this waits until our staff have looked at it; the money stays where it is, and nothing is lost")]
    UnderReview,
    /// Whether somebody has to wait could not be found out.
    #[error("whether somebody has to wait could not be asked: {0}")]
    Clearance(String),
    /// What is stored is not what this room writes.
    #[error("co-investment holds something that it never writes: {0}")]
    Corrupt(&'static str),
}
