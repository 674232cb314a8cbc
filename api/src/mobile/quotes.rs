use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use coinvestment::{ContributorId, ProjectId};
use ledger::{BasisPoints, Money};
use onboarding::Person;
use remittance::{Amount, Instruction, Portion, Quote, QuoteId, QuoteRequest, SenderId, Target};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::acquainted::Acquainted;
use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::wire::whole::whole_or_none;
use crate::wire::{MoneyBody, percent};

/// What somebody wants to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewQuote {
    #[schema(min_length = 1, max_length = 40, example = "eur-xof")]
    corridor: String,
    /// Which side the amount is of.
    side: Side,
    amount: MoneyBody,
    /// What goes elsewhere than to the family.
    #[serde(default)]
    #[schema(max_items = 8)]
    allocations: Vec<NewAllocation>,
    /// What the family gets at least, of what is sent.
    family_minimum: Option<MoneyBody>,
}

/// A side of a remittance.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Side {
    /// So much is sent, without the fee.
    Send,
    /// So much is received.
    Receive,
}

/// A part for a project: an amount, or a share of what remains after the amounts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAllocation {
    project: Uuid,
    /// Exactly one of amount and share_basis_points.
    amount: Option<MoneyBody>,
    /// Hundredths of a percent.
    #[serde(default, deserialize_with = "whole_or_none")]
    #[schema(minimum = 1, maximum = 10000)]
    share_basis_points: Option<u32>,
}

/// A firm offer.
#[derive(Serialize, ToSchema)]
#[schema(as = Quote)]
pub(super) struct QuoteBody {
    id: Uuid,
    corridor: String,
    /// Without the fee.
    sent: MoneyBody,
    fee: MoneyBody,
    /// What the sender pays in all.
    to_pay: MoneyBody,
    /// What of `sent` goes to the family.
    family: MoneyBody,
    /// What the family gets.
    received: MoneyBody,
    /// Units received for one sent.
    rate: String,
    mid_rate: String,
    rate_set_at: DateTime<Utc>,
    /// Fee and margin as a percentage of what is sent, by the method of Remittance Prices Worldwide.
    total_cost_percent: String,
    /// The same for 200 USD or its equal.
    total_cost_percent_of_200_usd: Option<String>,
    allocations: Vec<AllocationBody>,
    /// Where and when it arrives.
    delivery: Option<String>,
    expires_at: DateTime<Utc>,
}

/// A part for a project.
#[derive(Serialize, ToSchema)]
#[schema(as = Allocation)]
pub(super) struct AllocationBody {
    project: Uuid,
    amount: MoneyBody,
}

impl AllocationBody {
    pub(super) fn all(allocations: &[remittance::Allocation], currency: ledger::Currency) -> Vec<Self> {
        allocations
            .iter()
            .map(|part| Self { project: part.project, amount: Money::from_minor(part.minor, currency).into() })
            .collect()
    }
}

impl QuoteBody {
    fn new(house: &House, quote: &Quote) -> Result<Self, Problem> {
        Ok(Self {
            id: quote.id.uuid(),
            corridor: quote.corridor.to_string(),
            sent: quote.sent.into(),
            fee: quote.fee.into(),
            to_pay: quote.to_pay()?.into(),
            family: quote.family.into(),
            received: quote.received.into(),
            rate: quote.rate.to_string(),
            mid_rate: quote.mid_rate.to_string(),
            rate_set_at: quote.rate_set_at,
            total_cost_percent: percent(quote.cost),
            total_cost_percent_of_200_usd: quote.reference_cost.map(percent),
            allocations: AllocationBody::all(&quote.allocations, quote.sent.currency()),
            delivery: house.corridors.get(quote.corridor.as_str()).map(|corridor| corridor.delivery.clone()),
            expires_at: quote.expires_at,
        })
    }
}

impl NewQuote {
    fn request(&self) -> Result<QuoteRequest, Problem> {
        let mut faults = Faults::default();
        let amount = self.amount.positive("/amount", &mut faults).map(|money| match self.side {
            Side::Send => Amount::Sends(money),
            Side::Receive => Amount::Receives(money),
        });
        let allocations = self
            .allocations
            .iter()
            .enumerate()
            .filter_map(|(index, part)| part.instruction(&format!("/allocations/{index}"), &mut faults))
            .collect();
        let family_minimum =
            self.family_minimum.as_ref().and_then(|money| money.positive("/family_minimum", &mut faults));
        let Some(amount) = amount else { return Err(faults.problem()) };
        faults.finish()?;
        Ok(QuoteRequest { corridor: self.corridor.clone(), amount, allocations, family_minimum })
    }
}

impl NewAllocation {
    fn instruction(&self, pointer: &str, faults: &mut Faults) -> Option<Instruction> {
        let portion = match (&self.amount, self.share_basis_points) {
            (Some(amount), None) => Portion::Fixed(amount.positive(&format!("{pointer}/amount"), faults)?),
            (None, Some(points)) if (1..=10_000).contains(&points) => Portion::Share(BasisPoints::new(points)),
            (None, Some(_)) => {
                faults.add(format!("{pointer}/share_basis_points"), "share", "a share is 1 to 10000 basis points");
                return None;
            }
            _ => {
                faults.add(pointer, "portion", "give either amount or share_basis_points");
                return None;
            }
        };
        Some(Instruction { target: Target::Project(self.project), portion })
    }
}

/// Makes a quote, firm until it expires.
#[utoipa::path(tag = "quotes", security(("token" = [])), params(KeyHeader), request_body = NewQuote,
    responses((status = 201, description = "The quote", body = QuoteBody), WriteProblems))]
#[post("/quotes")]
pub(super) async fn make_quote(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    body: Body<NewQuote>,
) -> Result<HttpResponse, Problem> {
    let request = body.value.request()?;
    once(&house, &*person, &key, body.digest, async |seed| {
        // Before anything is kept: a key whose request is refused may come again with another one.
        if !request.allocations.is_empty() {
            let preview = house.quotes.preview(&request).await?;
            for part in &preview.allocations {
                let amount = Money::from_minor(part.minor, preview.sent.currency());
                let (project, contributor) =
                    (ProjectId::from_uuid(part.project), ContributorId::from_uuid(person.id().uuid()));
                house.commitments.check(project, contributor, amount, &Acquainted(&house)).await?;
            }
        }
        let sender = SenderId::from_uuid(person.id().uuid());
        let quote = house.quotes.make(sender, QuoteId::from_uuid(Uuid::new_v5(&seed, b"quote")), &request).await?;
        Answer::created(QuoteBody::new(&house, &quote)?)
    })
    .await
}

/// A quote of one's own.
#[utoipa::path(tag = "quotes", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The quote", body = QuoteBody), ReadProblems))]
#[get("/quotes/{id}")]
pub(super) async fn read_quote(
    house: web::Data<House>,
    person: Admitted<Person>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let quote = house.quotes.get(SenderId::from_uuid(person.id().uuid()), QuoteId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(QuoteBody::new(&house, &quote)?))
}
