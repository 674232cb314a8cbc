//! The statement of an account: its postings in order, each with the balance it left.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::history::{Bounds, Line, Toward};
use crate::{AccountCode, Amount, AsOf, Balance, Commodity, Error, Ledger, Sequence};

/// Lines that one page has at most.
pub const MAX_STATEMENT_LINES: i64 = 500;

/// One posting on a statement. Amounts are on the account's normal side: positive is more in the wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// The entry's place in the book.
    pub sequence: Sequence,
    /// The posting's place in the entry.
    pub ordinal: i16,
    /// The entry's public id.
    pub entry: Uuid,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// When it took effect.
    pub effective_date: NaiveDate,
    /// What kind of thing happened.
    pub kind: String,
    /// A line for a reader.
    pub description: Option<String>,
    /// What it was about.
    pub subject: Option<Uuid>,
    /// The amount.
    pub amount: Amount,
    /// The balance after it.
    pub balance: Amount,
}

impl StatementLine {
    /// The line of an account, with the balance after it, debits positive.
    pub(crate) fn of(account: &AccountCode, commodity: Commodity, line: Line, balance_minor: i64) -> Self {
        let side = |debit_positive_minor| {
            Balance { account: account.clone(), commodity, debit_positive_minor }.on_normal_side()
        };
        Self {
            sequence: Sequence::new(line.sequence),
            ordinal: line.ordinal,
            entry: line.entry_key,
            booked_at: line.booked_at,
            effective_date: line.effective_date,
            kind: line.kind,
            description: line.description,
            subject: line.subject,
            amount: side(line.amount_minor),
            balance: side(balance_minor),
        }
    }
}

/// A page of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The balance before the first line.
    pub opening: Amount,
    /// The lines, oldest first.
    pub lines: Vec<StatementLine>,
    /// The balance after the last line.
    pub closing: Amount,
}

/// Where a page starts: after that posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The entry's place in the book.
    pub sequence: Sequence,
    /// The posting's place in the entry.
    pub ordinal: i16,
}

impl After {
    /// Before everything.
    pub const BEGINNING: Self = Self { sequence: Sequence::new(0), ordinal: 0 };
}

impl Ledger {
    /// A page of an account's whole statement, oldest first; `limit` is bounded by [`MAX_STATEMENT_LINES`]. For a
    /// period, or for reading backwards, see [`Ledger::statement_of`].
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when nothing was ever booked on it.
    pub async fn statement(
        &self,
        code: &AccountCode,
        commodity: impl Into<Commodity>,
        after: After,
        limit: i64,
    ) -> Result<Statement, Error> {
        let commodity = commodity.into();
        let account = self.account(code, commodity).await?;
        let bounds = Bounds { after: 0, through: i64::MAX, place: (after.sequence.number(), after.ordinal) };
        let limit = limit.clamp(1, MAX_STATEMENT_LINES);
        let lines = self.lines(account.number, bounds, Toward::Newer, limit).await?;
        let side =
            |debit_positive_minor| Balance { account: code.clone(), commodity, debit_positive_minor }.on_normal_side();
        let opening = match lines.as_slice().first() {
            Some(first) => side(first.balance_minor - first.amount_minor),
            None => self.balance(code, commodity, AsOf::Now).await?,
        };
        let closing = lines.as_slice().last().map_or(opening, |last| side(last.balance_minor));
        let line = |line: Line| {
            let balance_minor = line.balance_minor;
            StatementLine::of(code, commodity, line, balance_minor)
        };
        Ok(Statement { opening, lines: lines.into_iter().map(line).collect(), closing })
    }
}
