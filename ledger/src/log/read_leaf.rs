//! A canonical form read back: for whoever has the bytes and no tables.

use uuid::Uuid;

use super::Hash;
use super::leaf::{TAG, TAG_WITH_UNITS};

/// What a leaf says. Numbers are as the form has them: minor units, microseconds and days since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadLeaf {
    pub(crate) book: i16,
    pub(crate) sequence: i64,
    pub(crate) key: Uuid,
    pub(crate) booked_at: i64,
    pub(crate) effective_date: i32,
    pub(crate) kind: String,
    pub(crate) reverses: Option<i64>,
    pub(crate) approvers: Option<[Uuid; 2]>,
    pub(crate) period: Option<ReadPeriod>,
    pub(crate) has_words: bool,
    pub(crate) postings: Vec<ReadPosting>,
    pub(crate) hold_changes: Vec<ReadHoldChange>,
    pub(crate) lots: Vec<ReadLot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadPeriod {
    pub(crate) closes: bool,
    pub(crate) date: i32,
    pub(crate) approver: Uuid,
    pub(crate) second: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadPosting {
    pub(crate) account: i64,
    pub(crate) commitment: Hash,
    pub(crate) commodity: i32,
    pub(crate) amount: i64,
    pub(crate) balance: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadHoldChange {
    pub(crate) hold: Uuid,
    pub(crate) account: i64,
    pub(crate) commitment: Hash,
    pub(crate) commodity: i32,
    /// Its place in [`HOLD_WORDS`].
    pub(crate) change: usize,
    pub(crate) amount: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadLot {
    pub(crate) ordinal: i16,
    pub(crate) lot: (i64, i16),
    pub(crate) amount: i64,
    pub(crate) acquired_on: i32,
    pub(crate) cost: Option<(i32, i64)>,
}

/// What can happen to a hold, in the words of exports.
pub(crate) const HOLD_WORDS: [&str; 4] = ["placed", "posted", "released", "expired"];

/// Reads a canonical form; nothing for bytes that are none.
pub(crate) fn read_leaf(bytes: &[u8]) -> Option<ReadLeaf> {
    let mut rest = Rest(bytes);
    let tag = rest.take(TAG.len())?;
    let has_units = tag == TAG_WITH_UNITS;
    if tag != TAG && !has_units {
        return None;
    }
    let (book, sequence) = (i16::from_be_bytes(rest.array()?), rest.number()?);
    let (key, booked_at, effective_date) = (rest.id()?, rest.number()?, rest.short()?);
    let length = usize::try_from(u32::from_be_bytes(rest.array()?)).ok()?;
    let kind = std::str::from_utf8(rest.take(length)?).ok()?.to_owned();
    let [parts] = rest.array()?;
    if parts > 15 {
        return None;
    }
    let reverses = if parts & 1 == 0 { None } else { Some(rest.number()?) };
    let approvers = if parts & 2 == 0 { None } else { Some([rest.id()?, rest.id()?]) };
    let period = if parts & 4 == 0 { None } else { Some(rest.period()?) };
    let has_words = parts & 8 != 0;
    if has_words {
        rest.take(size_of::<Hash>())?;
    }
    let postings = rest.counted(Rest::posting)?;
    let hold_changes = rest.counted(Rest::hold_change)?;
    let mut lots = Vec::new();
    if has_units {
        rest.counted(|rest| rest.take(4 + size_of::<Hash>()).map(drop))?;
        lots = rest.counted(Rest::lot)?;
    }
    rest.0.is_empty().then_some(ReadLeaf {
        book,
        sequence,
        key,
        booked_at,
        effective_date,
        kind,
        reverses,
        approvers,
        period,
        has_words,
        postings,
        hold_changes,
        lots,
    })
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn short(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn id(&mut self) -> Option<Uuid> {
        self.array().map(Uuid::from_bytes)
    }

    fn counted<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = u32::from_be_bytes(self.array()?);
        // No room is made before something is there: a number alone must not cost memory.
        (0..count).map(|_| read(self)).collect()
    }

    fn period(&mut self) -> Option<ReadPeriod> {
        let [change] = self.array()?;
        let closes = match change {
            1 => true,
            2 => false,
            _ => return None,
        };
        let (date, approver) = (self.short()?, self.id()?);
        let second = match self.array()? {
            [0] => None,
            [1] => Some(self.id()?),
            _ => return None,
        };
        Some(ReadPeriod { closes, date, approver, second })
    }

    fn posting(&mut self) -> Option<ReadPosting> {
        Some(ReadPosting {
            account: self.number()?,
            commitment: self.array()?,
            commodity: self.short()?,
            amount: self.number()?,
            balance: self.number()?,
        })
    }

    fn hold_change(&mut self) -> Option<ReadHoldChange> {
        let (hold, account, commitment, commodity) = (self.id()?, self.number()?, self.array()?, self.short()?);
        let [change] = self.array()?;
        let change = usize::from(change).checked_sub(1).filter(|change| *change < HOLD_WORDS.len())?;
        let amount = self.number()?;
        if change == 0 {
            self.number()?;
        }
        Some(ReadHoldChange { hold, account, commitment, commodity, change, amount })
    }

    fn lot(&mut self) -> Option<ReadLot> {
        let ordinal = i16::from_be_bytes(self.array()?);
        let lot = (self.number()?, i16::from_be_bytes(self.array()?));
        let (amount, acquired_on) = (self.number()?, self.short()?);
        let cost = match self.array()? {
            [0] => None,
            [1] => Some((self.short()?, self.number()?)),
            _ => return None,
        };
        Some(ReadLot { ordinal, lot, amount, acquired_on, cost })
    }
}
