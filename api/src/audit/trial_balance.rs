use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{AccountCode, AsOf, CurrencySum, MAX_PAGE_BALANCES, Moment, Sequence, TrialBalanceQuery};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::book::BalanceBody;
use super::moment::Asked;
use super::view::View;
use crate::admission::Admitted;
use crate::cursor::{self, faulty_cursor};
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem};

/// Accounts of a page when nothing is said.
const ORDINARY_LIMIT: i64 = 100;

/// Which page, at which moment.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrialBalancePage {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// As known after the entry of that sequence; now when left out.
    #[param(minimum = 0)]
    as_of_sequence: Option<i64>,
    /// As known at that time.
    known_at: Option<DateTime<Utc>>,
    /// Only what had taken effect by the end of that day.
    effective_date: Option<NaiveDate>,
    /// Waits up to two seconds until the book that is read has come so far.
    #[param(minimum = 0)]
    at_least_sequence: Option<i64>,
    /// Accounts at most; 100 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// Where the page before ended; it keeps to what was known then.
    #[param(max_length = 400)]
    cursor: Option<String>,
}

/// A page of the balances of a book at one moment, by account and the number of its currency.
#[derive(Serialize, ToSchema)]
#[schema(as = TrialBalance)]
pub(super) struct TrialBalanceBody {
    /// The newest entry that is known; as of it, the answer stays the same for ever.
    sequence: i64,
    balances: Vec<BalanceBody>,
    /// The sum over all accounts of each currency, in minor units: zero, or the book is wrong. On the first page only.
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<Vec<Difference>>,
    /// The cursor of the next page, where there is one. A page can be short, or empty, and yet be followed by another:
    /// accounts that were opened later are looked at too.
    next: Option<String>,
}

/// A sum over all accounts of a currency or a unit.
#[derive(Serialize, ToSchema)]
pub(super) struct Difference {
    /// ISO 4217, or the code of a unit.
    #[schema(pattern = "^([A-Z]{3}|unit:[a-z][a-z0-9-]{0,17}[a-z0-9])$")]
    currency: String,
    /// In minor units; a text, since it may be beyond 64 bits.
    minor: String,
}

impl From<CurrencySum> for Difference {
    fn from(sum: CurrencySum) -> Self {
        Self { currency: sum.currency.to_string(), minor: sum.debit_positive_minor.to_string() }
    }
}

/// The sequence that is known, and the account after which the page begins.
fn read_cursor(text: &str) -> Result<(i64, AccountCode, &str), Problem> {
    let parse = || {
        let [sequence, code, currency] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
        Some((sequence.parse().ok()?, AccountCode::try_new(code).ok()?, currency))
    };
    parse().ok_or_else(faulty_cursor)
}

impl TrialBalancePage {
    fn limit(&self) -> Result<i64, Problem> {
        let limit = self.limit.unwrap_or(ORDINARY_LIMIT);
        if (1..=MAX_PAGE_BALANCES).contains(&limit) {
            return Ok(limit);
        }
        let mut faults = Faults::default();
        faults.add("limit", "limit", format!("a page has 1 to {MAX_PAGE_BALANCES} accounts"));
        Err(faults.problem())
    }

    async fn query(&self, view: &View) -> Result<TrialBalanceQuery, Problem> {
        let limit = self.limit()?;
        let mut asked = Asked {
            as_of_sequence: self.as_of_sequence,
            known_at: self.known_at,
            effective_date: self.effective_date,
            at_least_sequence: self.at_least_sequence,
        };
        let mut after = None;
        if let Some(cursor) = &self.cursor {
            let text = view.unseal(cursor)?;
            let (sequence, account, code) = read_cursor(&text)?;
            asked = Asked { as_of_sequence: Some(sequence), known_at: None, ..asked };
            after = Some((account, view.commodity(code, "cursor").await?));
        }
        Ok(TrialBalanceQuery { moment: asked.moment(view).await?, after, limit })
    }

    /// The moment of the first page, whatever is booked meanwhile.
    fn fixed(&self, sequence: Sequence) -> Moment {
        let known = AsOf::Sequence(sequence);
        self.effective_date.map_or(known.into(), |day| known.effective_by(day))
    }
}

/// All balances, at any moment: as known after an entry or at a time, and by effective date.
#[utoipa::path(tag = "book", security(("token" = [])), params(TrialBalancePage),
    responses((status = 200, description = "A page", body = TrialBalanceBody), ReadProblems))]
#[get("/trial-balance")]
pub(super) async fn read_trial_balance(
    request: HttpRequest,
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    page: web::Query<TrialBalancePage>,
) -> Result<HttpResponse, Problem> {
    let view = View::open(&house, &auditor, page.book).await?;
    let found = view.ledger.trial_balance_page(page.query(&view).await?).await?;
    let differences = match page.cursor {
        Some(_) => None,
        None => {
            let sums = view.ledger.trial_balance_sums(page.fixed(found.sequence)).await?;
            Some(sums.into_iter().map(Difference::from).collect())
        }
    };
    let sequence = found.sequence.number();
    let next = found.next.map(|(code, currency)| view.seal(&format!("{sequence}.{code}.{currency}")));
    let balances = found.balances.iter().map(|balance| BalanceBody::of(balance, &view)).collect();
    let body = TrialBalanceBody { sequence, balances, differences, next };
    Ok(cursor::answer(&request, body.next.as_deref()).json(body))
}
