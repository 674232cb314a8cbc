use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{AccountCode, After, Sequence, StatementLine};
use onboarding::Person;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admission::Admitted;
use crate::cursor;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem};
use crate::wire::amount::money;
use crate::wire::{MoneyBody, currency};

/// A line of a statement.
#[derive(Serialize, ToSchema)]
pub(super) struct StatementLineBody {
    /// The entry's place in the book.
    sequence: i64,
    /// The entry's id.
    entry: Uuid,
    booked_at: DateTime<Utc>,
    effective_date: NaiveDate,
    kind: String,
    description: Option<String>,
    /// What it was about: a remittance, a project.
    subject: Option<Uuid>,
    /// On the account's normal side: positive is more in a wallet.
    amount: MoneyBody,
    balance: MoneyBody,
}

impl TryFrom<StatementLine> for StatementLineBody {
    type Error = Problem;

    fn try_from(line: StatementLine) -> Result<Self, Problem> {
        Ok(Self {
            sequence: line.sequence.number(),
            entry: line.entry,
            booked_at: line.booked_at,
            effective_date: line.effective_date,
            kind: line.kind,
            description: line.description,
            subject: line.subject,
            amount: money(line.amount)?,
            balance: money(line.balance)?,
        })
    }
}

/// A page of a statement, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Statement)]
pub(super) struct StatementBody {
    opening: MoneyBody,
    lines: Vec<StatementLineBody>,
    closing: MoneyBody,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// Which page of which statement.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StatementPage {
    /// ISO 4217.
    #[param(pattern = "^[A-Z]{3}$")]
    currency: String,
    /// Lines at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,5}$")]
    cursor: Option<String>,
}

impl StatementPage {
    fn currency(&self) -> Result<ledger::Currency, Problem> {
        let mut faults = Faults::default();
        currency(&self.currency, "currency", &mut faults).ok_or_else(|| faults.problem())
    }

    fn after(&self) -> Result<After, Problem> {
        let Some(text) = &self.cursor else { return Ok(After::BEGINNING) };
        let parsed = text.split_once('-').and_then(|(sequence, ordinal)| {
            Some(After { sequence: Sequence::new(sequence.parse().ok()?), ordinal: ordinal.parse().ok()? })
        });
        parsed.ok_or_else(|| {
            let mut faults = Faults::default();
            faults.add("cursor", "cursor", "take the cursor from the page before, or leave it out");
            faults.problem()
        })
    }

    /// Answers a page of an account's statement.
    pub(super) async fn answer(
        &self,
        ledger: &ledger::Ledger,
        account: &AccountCode,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Problem> {
        let limit = cursor::limit(self.limit)?;
        let statement = ledger.statement(account, self.currency()?, self.after()?, limit).await?;
        let next = cursor::next(&statement.lines, limit, |last| format!("{}-{}", last.sequence.number(), last.ordinal));
        let lines = statement.lines.into_iter().map(StatementLineBody::try_from).collect::<Result<_, _>>()?;
        let mut response = cursor::answer(request, next.as_deref());
        let (opening, closing) = (money(statement.opening)?, money(statement.closing)?);
        Ok(response.json(StatementBody { opening, lines, closing, next }))
    }
}

fn account(person: &Person) -> Result<AccountCode, Problem> {
    AccountCode::held_by("liabilities:wallets", person.id()).map_err(|error| Problem::internal(&error))
}

/// What is in one's wallet, by currency.
#[utoipa::path(tag = "wallet", security(("token" = [])),
    responses((status = 200, description = "The balances", body = [MoneyBody]), ReadProblems))]
#[get("/wallet")]
pub(super) async fn read_wallet(house: web::Data<House>, person: Admitted<Person>) -> Result<HttpResponse, Problem> {
    let balances = house.ledger.balances_of(&account(&person)?).await?;
    let balances = balances.iter().map(|balance| money(balance.on_normal_side())).collect::<Result<Vec<_>, _>>()?;
    Ok(HttpResponse::Ok().json(balances))
}

/// The statement of one's wallet in a currency.
#[utoipa::path(tag = "wallet", security(("token" = [])), params(StatementPage),
    responses((status = 200, description = "A page", body = StatementBody), ReadProblems))]
#[get("/wallet/statement")]
pub(super) async fn read_wallet_statement(
    request: HttpRequest,
    house: web::Data<House>,
    person: Admitted<Person>,
    page: web::Query<StatementPage>,
) -> Result<HttpResponse, Problem> {
    page.answer(&house.ledger, &account(&person)?, &request).await
}
