//! Units of work: an entry together with the changes of state that it causes, committed whole or not at all.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hold::{Available, HoldId, MAX_LIVE_HOLDS};
use crate::log::leaf::content_commitment;
use crate::lots::{LotName, MAX_LOTS};
use crate::{AccountCode, Amount, Balance, Chart, Commodity, Entry};

/// Changes of state that one unit may cause.
pub const MAX_EFFECTS: usize = 64;

/// The name under which a unit is booked at most once, for ever. It is also the entry's public id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct IdempotencyKey(Uuid);

impl IdempotencyKey {
    /// A key that nobody has used.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The key that was made elsewhere.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The one key of this purpose for this thing: every retry of 'pay out remittance X' has the same.
    #[must_use]
    pub fn derived(subject: Uuid, purpose: &str) -> Self {
        Self(Uuid::new_v5(&subject, purpose.as_bytes()))
    }

    /// The key's 16 bytes.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

/// A kind of change of state, owned by a business room.
///
/// The statement is one set-based SQL statement with a single bind `$1::jsonb`: an array of
/// `{"unit": 0, "entry": "…", "booked_at": "…", "payload": {…}}`. It applies what still applies and returns one row
/// `unit int4` for each unit that it applied; a unit that it does not return is refused alone.
#[derive(Debug, PartialEq, Eq)]
pub struct EffectKind {
    /// What it does, for a refusal's reason: `remittance-funded`.
    pub name: &'static str,
    /// The statement.
    pub statement: &'static str,
}

/// One change of state, caused by an entry.
#[derive(Clone, Debug)]
pub struct Effect {
    pub(crate) kind: &'static EffectKind,
    pub(crate) payload: serde_json::Value,
}

impl Effect {
    /// A change of that kind with what its statement needs.
    ///
    /// # Errors
    /// When the payload is nothing that JSON can say (a map with keys that are no text).
    pub fn try_new(kind: &'static EffectKind, payload: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self { kind, payload: serde_json::to_value(payload)? })
    }
}

/// An entry and what it causes.
#[derive(Clone, Debug)]
#[must_use]
pub struct UnitOfWork {
    pub(crate) key: IdempotencyKey,
    pub(crate) entry: Entry,
    pub(crate) effects: Vec<Effect>,
    pub(crate) fingerprint: Uuid,
    /// Salt of the commitment to the entry's content in the log; none when it has no content.
    pub(crate) salt: Option<Uuid>,
    pub(crate) content: Option<[u8; 32]>,
}

impl UnitOfWork {
    /// A unit that books `entry` once under `key`.
    pub fn new(key: IdempotencyKey, entry: Entry) -> Self {
        // Hashed here, by the caller, so that the one writer has less to do.
        let fingerprint = entry.fingerprint();
        let salt = entry.has_content().then(Uuid::new_v4);
        let content =
            salt.and_then(|salt| content_commitment(salt, entry.description(), entry.subject(), entry.metadata()));
        Self { key, entry, effects: Vec::new(), fingerprint, salt, content }
    }

    /// The same unit, causing one more change of state.
    pub fn causing(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> IdempotencyKey {
        self.key
    }

    /// The entry.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }
}

/// The place of an entry in its book's order: 1, 2, 3, … without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub(crate) i64);

impl Sequence {
    /// The sequence of that number; zero stands before the first entry.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// What the ledger answers to an accepted unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's place in the book.
    pub sequence: Sequence,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// Whether this is the answer to a repeated key: nothing was booked now.
    pub outcome: Outcome,
    /// The balances that the entry left, one per account and in the order of the postings; empty for a repeated key.
    pub balances: Vec<Balance>,
    /// What the accounts whose holds the entry changed have after it; empty for a repeated key.
    pub available: Vec<Available>,
}

/// Whether a unit was booked by this call or by an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Booked now.
    Booked,
    /// Booked before, under the same key; this call changed nothing.
    AlreadyBooked,
    /// A dry run: it would be booked like that now, and nothing was written.
    WouldBeBooked,
}

/// Why a unit was refused; nothing of it was booked, and its neighbours were not touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The account would fall below its floor.
    #[error("{account} would fall to {would_be} {}, below its floor of {floor}", would_be.commodity())]
    BelowFloor {
        /// The account.
        account: AccountCode,
        /// The balance that would remain on its normal side.
        would_be: Amount,
        /// The least that may remain.
        floor: Amount,
    },
    /// The key has been used for other content.
    #[error("the idempotency key was used before with other content")]
    KeyReused,
    /// The chart has no template for the account.
    #[error("the chart of accounts knows no account like {0}")]
    UnknownAccount(AccountCode),
    /// The account's name was erased; nothing is booked on it any more.
    #[error("the name of {0} was erased; nothing is booked on it any more")]
    AccountErased(AccountCode),
    /// A change of state did not fit any more: somebody else was first.
    #[error("the change {effect} does not apply any more")]
    EffectNotApplicable {
        /// The name of the kind of change.
        effect: &'static str,
    },
    /// A balance would not fit into 64 bits.
    #[error("the balance of {0} would be too large")]
    BalanceTooLarge(AccountCode),
    /// The hold was placed before.
    #[error("hold {0} exists already")]
    HoldExists(HoldId),
    /// Nothing was ever held under the id.
    #[error("there is no hold {0}")]
    UnknownHold(HoldId),
    /// The hold's time is over.
    #[error("hold {hold} expired at {expired_at}")]
    HoldExpired {
        /// The hold.
        hold: HoldId,
        /// When it expired.
        expired_at: DateTime<Utc>,
    },
    /// The hold's time is not over, so it cannot be tidied up.
    #[error("hold {0} has not expired")]
    HoldNotExpired(HoldId),
    /// More is asked of the hold than remains in it.
    #[error("hold {hold} has {remaining} {} left", remaining.commodity())]
    HoldTooSmall {
        /// The hold.
        hold: HoldId,
        /// What remains.
        remaining: Amount,
    },
    /// The entry's postings take less off the account than the entry posts of its holds.
    #[error("the entry posts {posted} {} of holds on {account} and moves less off it", posted.commodity())]
    HoldNotMoved {
        /// The account.
        account: AccountCode,
        /// What is posted of holds on it.
        posted: Amount,
    },
    /// The account has too many live holds.
    #[error("{0} has {MAX_LIVE_HOLDS} live holds already")]
    TooManyHolds(AccountCode),
    /// The effective date lies in a closed period.
    #[error("the book is closed through {through}; {effective_date} lies in it")]
    PeriodClosed {
        /// The last closed date.
        through: NaiveDate,
        /// The entry's effective date.
        effective_date: NaiveDate,
    },
    /// The period cannot be closed or reopened like that.
    #[error("the book cannot be {change} by {date}: {reason}")]
    PeriodChange {
        /// `closed` or `reopened`.
        change: &'static str,
        /// The date that was named.
        date: NaiveDate,
        /// What stands in the way.
        reason: &'static str,
    },
    /// The entry was taken back before.
    #[error("entry {} was reversed before", .0.number())]
    AlreadyReversed(Sequence),
    /// The chart keeps other things on the account.
    #[error("{account} holds no {commodity}: units and currencies have accounts of their own in the chart")]
    WrongCommodity {
        /// The account.
        account: AccountCode,
        /// What was to be booked on it.
        commodity: Commodity,
    },
    /// The unit is not registered in this database.
    #[error("{0} is not registered")]
    UnknownUnit(Commodity),
    /// Less is held of a lot than is to be given.
    #[error("{account} holds {held} of lot {lot}")]
    LotNotHeld {
        /// The account.
        account: AccountCode,
        /// The lot.
        lot: LotName,
        /// What it holds of it.
        held: Amount,
    },
    /// An account is to give units that it does not hold before the entry.
    #[error("{account} holds {held} {} before the entry, less than it gives", held.commodity())]
    LotsNotHeld {
        /// The account.
        account: AccountCode,
        /// What it holds.
        held: Amount,
    },
    /// The entry moves more lots than [`MAX_LOTS`].
    #[error("an entry may move at most {MAX_LOTS} lots")]
    TooManyLots,
    /// The unit causes more than [`MAX_EFFECTS`] changes.
    #[error("a unit may cause at most {MAX_EFFECTS} changes of state")]
    TooManyEffects,
}

impl Refusal {
    /// Why the chart opens no account for that.
    pub(crate) fn no_account(chart: &Chart, code: &AccountCode, commodity: Commodity) -> Self {
        match chart.template(code) {
            Some(template) if !template.holds(commodity) => Self::WrongCommodity { account: code.clone(), commodity },
            _ => Self::UnknownAccount(code.clone()),
        }
    }

    /// A stable word for the reason, for counters and records.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BelowFloor { .. } => "below-floor",
            Self::KeyReused => "key-reused",
            Self::UnknownAccount(_) => "unknown-account",
            Self::AccountErased(_) => "account-erased",
            Self::EffectNotApplicable { .. } => "effect-not-applicable",
            Self::BalanceTooLarge(_) => "balance-too-large",
            Self::TooManyEffects => "too-many-effects",
            Self::WrongCommodity { .. } => "wrong-commodity",
            Self::UnknownUnit(_) => "unknown-unit",
            Self::LotNotHeld { .. } | Self::LotsNotHeld { .. } => "lot-not-held",
            Self::TooManyLots => "too-many-lots",
            Self::HoldExists(_) => "hold-exists",
            Self::UnknownHold(_) => "unknown-hold",
            Self::HoldExpired { .. } => "hold-expired",
            Self::HoldNotExpired(_) => "hold-not-expired",
            Self::HoldTooSmall { .. } => "hold-too-small",
            Self::HoldNotMoved { .. } => "hold-not-moved",
            Self::TooManyHolds(_) => "too-many-holds",
            Self::PeriodClosed { .. } => "period-closed",
            Self::PeriodChange { .. } => "period-change",
            Self::AlreadyReversed(_) => "already-reversed",
        }
    }
}

/// Why a unit was not booked, as far as is known.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// Refused for a reason that lies in the unit; certain.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The queue is full; certain that nothing was booked.
    #[error("the ledger is busy; try again in {retry_after_seconds} s")]
    Busy {
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// The database said no to the unit's data, which is a fault of the code that made it; certain that nothing was
    /// booked.
    #[error("the ledger's database rejected the unit of work: {0}")]
    Rejected(String),
    /// The database did not answer; whether the unit was booked is unknown, and a retry with the same key tells.
    #[error("the ledger cannot be reached: {0}")]
    Unavailable(String),
}
