use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{AccountCode, Amount, AsOf, Balance, BookId, Ledger, Money, Safeguarding, Verification};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::moment::Asked;
use super::view::{View, require_book};
use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem, kinds};
use crate::wire::amount::{AmountBody, commodity};
use crate::wire::{MoneyBody, words};

/// The book that is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BookOnly {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    pub(super) book: Option<i16>,
}

/// The books that are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AnyBook {
    /// One book; all that the grant names when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
}

/// The currency and the moment that are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CurrencyAndMoment {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// ISO 4217, or the code of a unit.
    #[param(pattern = "^([A-Z]{3}|unit:[a-z][a-z0-9-]{0,17}[a-z0-9])$")]
    currency: String,
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
}

impl CurrencyAndMoment {
    fn asked(&self) -> Asked {
        Asked {
            as_of_sequence: self.as_of_sequence,
            known_at: self.known_at,
            effective_date: self.effective_date,
            at_least_sequence: self.at_least_sequence,
        }
    }
}

/// What an account holds.
#[derive(Serialize, ToSchema)]
#[schema(as = Balance)]
pub(super) struct BalanceBody {
    account: String,
    /// Debits positive.
    balance: AmountBody,
    /// On the account's normal side: positive is ordinary.
    on_normal_side: AmountBody,
}

impl BalanceBody {
    pub(super) fn of(balance: &Balance, view: &View) -> Self {
        Self {
            account: view.code(&balance.account),
            balance: Amount::from_minor(balance.debit_positive_minor, balance.commodity).into(),
            on_normal_side: balance.on_normal_side().into(),
        }
    }
}

/// Both sides of the safeguarding equation.
#[derive(Serialize, ToSchema)]
#[schema(as = Safeguarding)]
pub(crate) struct SafeguardingBody {
    /// Whether it is shown to hold.
    holds: bool,
    /// All that is owed to clients, at the day's rates.
    client_money: MoneyBody,
    /// All that covers it, at the day's rates.
    safeguards: MoneyBody,
    currencies: Vec<SafeguardingLineBody>,
    /// Currencies that could not be counted, because no rate is known.
    #[schema(value_type = Vec<words::Currency>)]
    without_rate: Vec<String>,
}

/// Both sides in one currency.
#[derive(Serialize, ToSchema)]
pub(crate) struct SafeguardingLineBody {
    client_money: MoneyBody,
    safeguards: MoneyBody,
}

impl SafeguardingBody {
    /// The equation of a book now.
    pub(crate) async fn read(house: &House, ledger: &Ledger) -> Result<Self, Problem> {
        let balance = ledger.trial_balance(AsOf::Now).await?;
        let rates = house.rates.table().await?;
        let equation = Safeguarding::of(&balance, ledger.chart(), &rates);
        let equation = equation.map_err(|error| Problem::internal(&error))?;
        let money = |minor, currency| MoneyBody::from(Money::from_minor(minor, currency));
        Ok(Self {
            holds: equation.holds(),
            client_money: equation.client_money.into(),
            safeguards: equation.safeguards.into(),
            currencies: equation
                .lines
                .iter()
                .map(|line| SafeguardingLineBody {
                    client_money: money(line.client_money_minor, line.currency),
                    safeguards: money(line.safeguards_minor, line.currency),
                })
                .collect(),
            without_rate: equation.without_rate.iter().map(ToString::to_string).collect(),
        })
    }
}

/// When whoever met a running verification ought to come back.
const VERIFICATION_RETRY_SECONDS: u32 = 30;

/// A check of the whole book.
#[derive(Serialize, ToSchema)]
#[schema(as = Verification)]
pub(super) struct VerificationBody {
    holds: bool,
    entries: i64,
    postings: i64,
    /// Signed heads of the logs that were checked.
    checkpoints: i64,
    checks: Vec<CheckBody>,
}

/// One check, and the first difference that it found.
#[derive(Serialize, ToSchema)]
#[schema(as = Check)]
pub(super) struct CheckBody {
    name: String,
    difference: Option<String>,
}

pub(super) fn account(text: &str) -> Result<AccountCode, Problem> {
    let mut faults = Faults::default();
    faults.check("account", "account-code", AccountCode::try_new(text)).ok_or_else(|| faults.problem())
}

/// What one account holds, at any moment: as known after an entry or at a time, and by effective date.
#[utoipa::path(tag = "book", security(("token" = [])),
    params(("account" = String, Path, max_length = 120,
        pattern = "^(assets|liabilities|equity|revenue|expenses)(:[a-z0-9-]+){1,5}$", example = "revenue:fees:eur-xof"), CurrencyAndMoment),
    responses((status = 200, description = "The balance", body = BalanceBody), ReadProblems))]
#[get("/accounts/{account}/balance")]
pub(super) async fn read_balance(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    code: web::Path<String>,
    asked: web::Query<CurrencyAndMoment>,
) -> Result<HttpResponse, Problem> {
    let code = account(&code)?;
    let commodity = commodity(&house, &asked.currency, "currency").await?;
    let view = View::open(&house, &auditor, asked.book).await?;
    let code = view.code_of(&code)?;
    let moment = asked.asked().moment(&view).await?;
    let held = view.ledger.balance(&code, commodity, moment).await.map_err(|error| view.said(error))?;
    let minor = match code.kind().normal_side() {
        ledger::Side::Debit => held.minor(),
        ledger::Side::Credit => -held.minor(),
    };
    let balance = Balance { account: code, commodity, debit_positive_minor: minor };
    Ok(HttpResponse::Ok().json(BalanceBody::of(&balance, &view)))
}

/// Whether clients' money is covered, at the day's rates.
#[utoipa::path(tag = "book", security(("token" = [])), params(BookOnly),
    responses((status = 200, description = "The equation", body = SafeguardingBody), ReadProblems))]
#[get("/safeguarding")]
pub(super) async fn read_safeguarding(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    asked: web::Query<BookOnly>,
) -> Result<HttpResponse, Problem> {
    let view = View::open(&house, &auditor, asked.book).await?;
    view.require_today("the equation")?;
    Ok(HttpResponse::Ok().json(SafeguardingBody::read(&house, &view.ledger).await?))
}

impl VerificationBody {
    /// Under pseudonyms only the place of a difference is told: what is wrong there may name accounts.
    fn of(verification: &Verification, shows_personal_data: bool) -> Self {
        let told = |difference: &ledger::Difference| match shows_personal_data {
            true => difference.to_string(),
            false => ledger::Difference { what: "something differs".to_owned(), ..difference.clone() }.to_string(),
        };
        let check = |check: &ledger::Check| CheckBody {
            name: check.name.to_owned(),
            difference: check.difference.as_ref().map(told),
        };
        Self {
            holds: verification.holds(),
            entries: verification.entries,
            postings: verification.postings,
            checkpoints: verification.checkpoints,
            checks: verification.checks.iter().map(check).collect(),
        }
    }
}

/// Recomputes books from their postings, whichever days the grant shows; and what books owe one another, when it names
/// all of them. One at a time: whoever comes meanwhile is asked to come back.
#[utoipa::path(tag = "book", security(("token" = [])), params(AnyBook),
    responses((status = 200, description = "The verification", body = VerificationBody), ReadProblems))]
#[get("/verification")]
pub(super) async fn verify_book(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    asked: web::Query<AnyBook>,
) -> Result<HttpResponse, Problem> {
    let scope = auditor.scope();
    let books = match asked.book {
        Some(book) => vec![require_book(&auditor, book)?],
        None => scope.books().iter().copied().map(BookId::new).collect(),
    };
    let _turn = house
        .verifying
        .try_acquire()
        .map_err(|_| Problem::new(&kinds::BUSY, "a verification is running").retry_after(VERIFICATION_RETRY_SECONDS))?;
    let verification = house.audited_clearing.verify_books(&books).await?;
    Ok(HttpResponse::Ok().json(VerificationBody::of(&verification, scope.shows_personal_data())))
}
