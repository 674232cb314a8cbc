use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{AccountCode, Amount, AsOf, Balance, Money, Safeguarding};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::moment::Asked;
use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem, kinds};
use crate::wire::amount::{AmountBody, commodity};
use crate::wire::{MoneyBody, words};

/// The moment that is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Moment {
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

impl Moment {
    fn asked(&self) -> Asked {
        Asked {
            as_of_sequence: self.as_of_sequence,
            known_at: self.known_at,
            effective_date: self.effective_date,
            at_least_sequence: self.at_least_sequence,
        }
    }
}

/// The currency and the moment that are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CurrencyAndMoment {
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

impl From<&Balance> for BalanceBody {
    fn from(balance: &Balance) -> Self {
        Self {
            account: balance.account.to_string(),
            balance: Amount::from_minor(balance.debit_positive_minor, balance.commodity).into(),
            on_normal_side: balance.on_normal_side().into(),
        }
    }
}

/// All balances of the book at one moment.
#[derive(Serialize, ToSchema)]
#[schema(as = TrialBalance)]
pub(super) struct TrialBalanceBody {
    /// The newest entry that is known; as of it, the answer stays the same for ever.
    sequence: i64,
    balances: Vec<BalanceBody>,
    /// The sum of each currency and unit, in its smallest parts: zero, or the book is wrong.
    differences: Vec<Difference>,
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
    /// The equation now.
    pub(crate) async fn read(house: &House) -> Result<Self, Problem> {
        let balance = house.audited.trial_balance(AsOf::Now).await?;
        let rates = house.rates.table().await?;
        let equation = Safeguarding::of(&balance, house.ledger.chart(), &rates);
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

/// All balances, at any moment: as known after an entry or at a time, and by effective date.
#[utoipa::path(tag = "book", security(("token" = [])), params(Moment),
    responses((status = 200, description = "The trial balance", body = TrialBalanceBody), ReadProblems))]
#[get("/trial-balance")]
pub(super) async fn read_trial_balance(
    house: web::Data<House>,
    _auditor: Admitted<Auditor>,
    moment: web::Query<Moment>,
) -> Result<HttpResponse, Problem> {
    let balance = house.audited.trial_balance(moment.asked().moment(&house).await?).await?;
    let differences = balance
        .differences()
        .into_iter()
        .map(|(commodity, minor)| Difference { currency: commodity.to_string(), minor: minor.to_string() })
        .collect();
    Ok(HttpResponse::Ok().json(TrialBalanceBody {
        sequence: balance.sequence.number(),
        balances: balance.balances.iter().map(BalanceBody::from).collect(),
        differences,
    }))
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
    _auditor: Admitted<Auditor>,
    code: web::Path<String>,
    asked: web::Query<CurrencyAndMoment>,
) -> Result<HttpResponse, Problem> {
    let code = account(&code)?;
    let commodity = commodity(&house, &asked.currency, "currency").await?;
    let held = house.audited.balance(&code, commodity, asked.asked().moment(&house).await?).await?;
    let minor = match code.kind().normal_side() {
        ledger::Side::Debit => held.minor(),
        ledger::Side::Credit => -held.minor(),
    };
    let balance = Balance { account: code, commodity, debit_positive_minor: minor };
    Ok(HttpResponse::Ok().json(BalanceBody::from(&balance)))
}

/// Whether clients' money is covered, at the day's rates.
#[utoipa::path(tag = "book", security(("token" = [])),
    responses((status = 200, description = "The equation", body = SafeguardingBody), ReadProblems))]
#[get("/safeguarding")]
pub(super) async fn read_safeguarding(
    house: web::Data<House>,
    _auditor: Admitted<Auditor>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(SafeguardingBody::read(&house).await?))
}

/// Recomputes every book from its postings, and what books owe one another. One at a time: whoever comes meanwhile is
/// asked to come back.
#[utoipa::path(tag = "book", security(("token" = [])),
    responses((status = 200, description = "The verification", body = VerificationBody), ReadProblems))]
#[get("/verification")]
pub(super) async fn verify_book(house: web::Data<House>, _auditor: Admitted<Auditor>) -> Result<HttpResponse, Problem> {
    let _turn = house
        .verifying
        .try_acquire()
        .map_err(|_| Problem::new(&kinds::BUSY, "a verification is running").retry_after(VERIFICATION_RETRY_SECONDS))?;
    let verification = house.verify(&house.audited_clearing, &[], |_, _| {}).await?;
    let checks = verification
        .checks
        .iter()
        .map(|check| CheckBody {
            name: check.name.to_owned(),
            difference: check.difference.as_ref().map(ToString::to_string),
        })
        .collect();
    Ok(HttpResponse::Ok().json(VerificationBody {
        holds: verification.holds(),
        entries: verification.entries,
        postings: verification.postings,
        checkpoints: verification.checkpoints,
        checks,
    }))
}
