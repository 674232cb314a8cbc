//! Closed periods, as operators and auditors see them.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{Amount, Balance, Ledger, PeriodChange, RecordedChange, Sequence};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::amount::AmountBody;
use super::words;
use crate::cursor;
use crate::problem::{Faults, Problem};

/// Digits of the largest number.
const LONGEST_CURSOR: usize = 19;

/// Which page of a list that goes by numbers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NumberedPage {
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended, from its `Link` or `next`.
    #[param(max_length = 19, pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

impl NumberedPage {
    pub(crate) const fn new(limit: Option<i64>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    fn read(&self) -> Result<(i64, Option<i64>), Problem> {
        let limit = cursor::limit(self.limit)?;
        let mut faults = Faults::default();
        let after = self.cursor.as_deref().and_then(|text| {
            let is_ours = text.len() <= LONGEST_CURSOR && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|_| is_ours);
            faults.check("cursor", "cursor", number.ok_or("take the cursor from the page before, or leave it out"))
        });
        faults.finish()?;
        Ok((limit, after))
    }
}

/// An account and its balance.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountBalance {
    account: String,
    /// Debits positive.
    balance: AmountBody,
}

impl AccountBalance {
    /// The balance of an account that appears so.
    pub(crate) fn of(account: String, balance: &Balance) -> Self {
        let amount = Amount::from_minor(balance.debit_positive_minor, balance.commodity);
        Self { account, balance: amount.into() }
    }
}

impl From<&Balance> for AccountBalance {
    fn from(balance: &Balance) -> Self {
        Self::of(balance.account.to_string(), balance)
    }
}

/// A close or a reopening of the book.
#[derive(Serialize, ToSchema)]
#[schema(as = PeriodChange)]
pub(crate) struct PeriodChangeBody {
    /// The entry that made it.
    sequence: i64,
    #[schema(value_type = words::PeriodChangeKind)]
    change: &'static str,
    /// The last closed date of a close; the first open date of a reopening.
    date: NaiveDate,
    /// Who approved it.
    approvers: Vec<Uuid>,
    booked_at: DateTime<Utc>,
    /// Balances that the record of a close has; none for a reopening, and until the close is recorded.
    recorded_balances: Option<i64>,
}

impl From<&RecordedChange> for PeriodChangeBody {
    fn from(recorded: &RecordedChange) -> Self {
        let (change, date, approvers) = match recorded.change {
            PeriodChange::Closed { through, approver } => ("closed", through, vec![approver]),
            PeriodChange::Reopened { from, approvals } => {
                ("reopened", from, vec![approvals.first(), approvals.second()])
            }
        };
        Self {
            sequence: recorded.sequence.number(),
            change,
            date,
            approvers,
            booked_at: recorded.booked_at,
            recorded_balances: recorded.balances,
        }
    }
}

/// A page of closes and reopenings, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct PeriodChangePage {
    items: Vec<PeriodChangeBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// A page of what a close found.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClosingBalancePage {
    /// What had taken effect by the closed date, as known at the close; by the order in which accounts were opened.
    items: Vec<AccountBalance>,
    /// The first signed head of the log that counts the close (C2SP tlog-checkpoint); none until it is signed.
    checkpoint: Option<String>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// Answers a page of a book's closes and reopenings.
pub(crate) async fn list(request: &HttpRequest, book: &Ledger, page: &NumberedPage) -> Result<HttpResponse, Problem> {
    let (limit, before) = page.read()?;
    let found = book.period_changes(before.map(Sequence::new), limit).await?;
    let next = cursor::next(&found, limit, |last| last.sequence.number().to_string());
    let mut response = cursor::answer(request, next.as_deref());
    Ok(response.json(PeriodChangePage { items: found.iter().map(PeriodChangeBody::from).collect(), next }))
}

/// Answers a page of what a close found.
pub(crate) async fn balances(
    request: &HttpRequest,
    book: &Ledger,
    close: i64,
    page: &NumberedPage,
    shown: impl Fn(&Balance) -> AccountBalance,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = page.read()?;
    let close = Sequence::new(close);
    let found = book.recorded_balances(close, after, limit).await?;
    let checkpoint = book.checkpoint_covering(close).await?;
    let next = found.next.map(|number| number.to_string());
    let mut response = cursor::answer(request, next.as_deref());
    let items = found.balances.iter().map(shown).collect();
    Ok(response.json(ClosingBalancePage { items, checkpoint, next }))
}
