use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use ledger::{Currency, Money};
use platform::clock::Clock;
use platform::database::Database;
use uuid::Uuid;

use super::{Event, Remittance, RemittanceId, State};
use crate::quote::find_in as find_quote_in;
use crate::schema::{remittance_history, remittances};
use crate::{Beneficiaries, BeneficiaryId, Clearance, Corridors, Error, QuoteId, SenderId, reference};

/// Remittances that one list or claim has at most.
pub(super) const MOST_SHOWN: i64 = 100;

/// What a sender may still send, in the base currency. The room that knows the person says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendingLimits {
    /// At once.
    pub per_transfer: Money,
    /// In any thirty days.
    pub thirty_days: Money,
}

/// A step of a remittance's life.
#[derive(Clone, Debug, Queryable)]
pub struct HistoryLine {
    /// The state it came into.
    pub state: String,
    /// Why.
    pub cause: String,
    /// By whom.
    pub actor: String,
    /// The entry, where money moved.
    pub entry: Option<Uuid>,
    /// When.
    pub happened_at: DateTime<Utc>,
}

/// All remittances.
#[derive(Clone)]
pub struct Remittances {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    pub(super) corridors: Arc<Corridors>,
    pub(super) beneficiaries: Beneficiaries,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = remittances)]
pub(super) struct Row {
    remittance_id: RemittanceId,
    sender_id: SenderId,
    pub(super) beneficiary_id: BeneficiaryId,
    institution: String,
    corridor: String,
    reference: String,
    state: String,
    source_currency: String,
    target_currency: String,
    sent_minor: i64,
    fee_minor: i64,
    family_minor: i64,
    at_mid_minor: i64,
    received_minor: i64,
    rate: String,
    mid_rate: String,
    allocations: serde_json::Value,
    created_at: DateTime<Utc>,
    pay_by: DateTime<Utc>,
    funded_at: Option<DateTime<Utc>>,
}

impl Remittances {
    /// The remittances of a database.
    #[must_use]
    pub const fn new(
        database: Database,
        clock: Clock,
        corridors: Arc<Corridors>,
        beneficiaries: Beneficiaries,
    ) -> Self {
        Self { database, clock, corridors, beneficiaries }
    }

    /// Accepts a quote for a beneficiary. A repeated id answers the remittance that was made first.
    ///
    /// # Errors
    /// [`Error::QuoteExpired`], [`Error::QuoteTaken`], [`Error::BeneficiaryElsewhere`], [`Error::LimitReached`],
    /// [`Error::UnderReview`], or [`Error::NotFound`] for what is not the sender's.
    pub async fn accept(
        &self,
        sender: SenderId,
        id: RemittanceId,
        quote: QuoteId,
        beneficiary: BeneficiaryId,
        limits: SendingLimits,
        clearance: &impl Clearance,
    ) -> Result<Remittance, Error> {
        let beneficiary = self.beneficiaries.get(sender, beneficiary).await?;
        let waiting = clearance.waiting(vec![sender.uuid(), beneficiary.id.uuid()]).await?;
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                // Acceptances of one sender take turns, so that two at once cannot both use what is left.
                diesel::sql_query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
                    .bind::<diesel::sql_types::Text, _>(sender.to_string())
                    .execute(connection)
                    .await?;
                if let Some(known) = find_in(connection, id).await? {
                    return if known.sender == sender { Ok(known) } else { Err(Error::NotFound("remittance")) };
                }
                crate::clearance::nobody_waits(&waiting)?;
                let quote = find_quote_in(connection, sender, quote, self.corridors.base)
                    .await?
                    .ok_or(Error::NotFound("quote"))?;
                if quote.expires_at <= now {
                    return Err(Error::QuoteExpired(quote.expires_at));
                }
                let corridor = self.corridors.get(quote.corridor.as_str());
                let corridor = corridor.ok_or_else(|| Error::UnknownCorridor(quote.corridor.to_string()))?;
                if !corridor.countries.contains(&beneficiary.country) {
                    return Err(Error::BeneficiaryElsewhere);
                }
                check_limits(connection, sender, quote.in_base, limits, now).await?;
                let inserted = diesel::insert_into(remittances::table)
                    .values((
                        (
                            remittances::remittance_id.eq(id),
                            remittances::quote_id.eq(quote.id),
                            remittances::sender_id.eq(sender),
                            remittances::beneficiary_id.eq(beneficiary.id),
                            remittances::institution.eq(&beneficiary.institution),
                            remittances::corridor.eq(quote.corridor.as_str()),
                            remittances::reference.eq(reference::generate()),
                            remittances::state.eq(State::AwaitingFunds.word()),
                        ),
                        (
                            remittances::source_currency.eq(quote.sent.currency().code()),
                            remittances::target_currency.eq(quote.received.currency().code()),
                            remittances::sent_minor.eq(quote.sent.minor()),
                            remittances::fee_minor.eq(quote.fee.minor()),
                            remittances::family_minor.eq(quote.family.minor()),
                            remittances::at_mid_minor.eq(quote.at_mid.minor()),
                            remittances::received_minor.eq(quote.received.minor()),
                            remittances::rate.eq(quote.rate.to_string()),
                            remittances::mid_rate.eq(quote.mid_rate.to_string()),
                        ),
                        (
                            remittances::allocations.eq(serde_json::to_value(&quote.allocations)?),
                            remittances::base_minor.eq(quote.in_base.minor()),
                            remittances::created_at.eq(now),
                            remittances::pay_by.eq(now + self.corridors.pay_within),
                        ),
                    ))
                    .on_conflict(remittances::quote_id)
                    .do_nothing()
                    .execute(connection)
                    .await?;
                if inserted == 0 {
                    return Err(Error::QuoteTaken);
                }
                record(connection, &[id], State::AwaitingFunds, "the quote was accepted", "sender", now).await?;
                find_in(connection, id).await?.ok_or(Error::NotFound("remittance"))
            })
            .await
    }

    /// A sender's remittance.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs.
    pub async fn get(&self, sender: SenderId, id: RemittanceId) -> Result<Remittance, Error> {
        let mut connection = self.database.connection().await?;
        let found = find_in(&mut connection, id).await?;
        found.filter(|remittance| remittance.sender == sender).ok_or(Error::NotFound("remittance"))
    }

    /// The remittances of those references, for our own staff and for pay-ins.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn by_references(&self, references: &[String]) -> Result<Vec<Remittance>, Error> {
        let mut connection = self.database.connection().await?;
        // What is no reference of ours belongs to none, and may hold what the database cannot read.
        let references: Vec<_> = references.iter().filter(|text| reference::is_one(text)).collect();
        let rows: Vec<Row> = remittances::table
            .filter(remittances::reference.eq_any(references))
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        rows.into_iter().map(Row::remittance).collect()
    }

    /// A sender's remittances, the newest first, after the one that was shown last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(
        &self,
        sender: SenderId,
        after: Option<(DateTime<Utc>, RemittanceId)>,
        limit: i64,
    ) -> Result<Vec<Remittance>, Error> {
        let mut query = remittances::table
            .filter(remittances::sender_id.eq(sender))
            .order((remittances::created_at.desc(), remittances::remittance_id.desc()))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select(Row::as_select())
            .into_boxed();
        if let Some((created_at, id)) = after {
            query = query.filter(
                remittances::created_at
                    .lt(created_at)
                    .or(remittances::created_at.eq(created_at).and(remittances::remittance_id.lt(id))),
            );
        }
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        rows.into_iter().map(Row::remittance).collect()
    }

    /// The steps of a remittance, in order. Who asks has shown that it is theirs by having it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn history(&self, remittance: &Remittance) -> Result<Vec<HistoryLine>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(remittance_history::table
            .filter(remittance_history::remittance_id.eq(remittance.id))
            .order(remittance_history::ordinal)
            .select((
                remittance_history::state,
                remittance_history::cause,
                remittance_history::actor,
                remittance_history::entry,
                remittance_history::happened_at,
            ))
            .load(&mut connection)
            .await?)
    }

    /// Gives up a remittance that was not paid in. Answers whether that was all there was to do: a funded one needs
    /// its unit of work, see [`Remittances::cancelling`].
    ///
    /// # Errors
    /// [`Error::WrongState`].
    pub async fn cancel_unfunded(&self, remittance: &Remittance) -> Result<bool, Error> {
        if remittance.state != State::AwaitingFunds {
            return Ok(false);
        }
        let to = remittance.state.after(Event::Cancelled)?;
        self.step(remittance.id, State::AwaitingFunds, to, "the sender gave it up", "sender").await?;
        Ok(true)
    }

    /// Ends remittances whose time for paying ran out; answers how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expire_unpaid(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let ids: Vec<RemittanceId> = remittances::table
                    .filter(remittances::state.eq(State::AwaitingFunds.word()))
                    .filter(remittances::pay_by.lt(now))
                    .limit(MOST_SHOWN)
                    .select(remittances::remittance_id)
                    .for_update()
                    .skip_locked()
                    .load(connection)
                    .await?;
                diesel::update(remittances::table.filter(remittances::remittance_id.eq_any(&ids)))
                    .set(remittances::state.eq(State::Expired.word()))
                    .execute(connection)
                    .await?;
                record(connection, &ids, State::Expired, "it was not paid in time", "teranga", now).await?;
                Ok(ids.len())
            })
            .await
    }

    pub(super) async fn step(
        &self,
        id: RemittanceId,
        from: State,
        to: State,
        cause: &str,
        actor: &str,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let changed = diesel::update(remittances::table.find(id))
                    .filter(remittances::state.eq(from.word()))
                    .set(remittances::state.eq(to.word()))
                    .execute(connection)
                    .await?;
                if changed == 1 {
                    return record(connection, &[id], to, cause, actor, now).await;
                }
                let state = find_in(connection, id).await?.map(|remittance| remittance.state);
                match state {
                    Some(state) if state == to => Ok(()),
                    Some(state) => Err(Error::WrongState { state, wanted: to.word() }),
                    None => Err(Error::NotFound("remittance")),
                }
            })
            .await
    }
}

async fn check_limits(
    connection: &mut AsyncPgConnection,
    sender: SenderId,
    wanted: Money,
    limits: SendingLimits,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let ended = [State::Expired.word(), State::Cancelled.word(), State::Refunded.word()];
    let amounts: Vec<i64> = remittances::table
        .filter(remittances::sender_id.eq(sender))
        .filter(remittances::created_at.gt(now - Duration::days(30)))
        .filter(remittances::state.ne_all(ended))
        .select(remittances::base_minor)
        .load(connection)
        .await?;
    let used = Money::from_minor(amounts.iter().sum(), wanted.currency());
    let left = limits.thirty_days.checked_sub(used)?;
    let left = if left.minor() < limits.per_transfer.minor() { left } else { limits.per_transfer };
    if wanted.minor() > left.minor() {
        let left = if left.is_positive() { left } else { Money::zero(left.currency()) };
        return Err(Error::LimitReached { left });
    }
    Ok(())
}

pub(super) async fn record(
    connection: &mut AsyncPgConnection,
    ids: &[RemittanceId],
    state: State,
    cause: &str,
    actor: &str,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let rows: Vec<_> = ids
        .iter()
        .map(|id| {
            (
                remittance_history::remittance_id.eq(id),
                remittance_history::state.eq(state.word()),
                remittance_history::cause.eq(cause),
                remittance_history::actor.eq(actor),
                remittance_history::happened_at.eq(at),
            )
        })
        .collect();
    diesel::insert_into(remittance_history::table).values(rows).execute(connection).await?;
    Ok(())
}

pub(crate) async fn find_in(connection: &mut AsyncPgConnection, id: RemittanceId) -> Result<Option<Remittance>, Error> {
    let row: Option<Row> = remittances::table.find(id).select(Row::as_select()).first(connection).await.optional()?;
    row.map(Row::remittance).transpose()
}

impl Row {
    pub(super) fn remittance(self) -> Result<Remittance, Error> {
        let currency = |code: &str| Currency::try_new(code).map_err(|_| Error::Corrupt("a currency"));
        let (source, target) = (currency(&self.source_currency)?, currency(&self.target_currency)?);
        let rate = |text: &str| text.parse().map_err(|_| Error::Corrupt("a rate"));
        Ok(Remittance {
            id: self.remittance_id,
            sender: self.sender_id,
            beneficiary: self.beneficiary_id,
            institution: self.institution,
            corridor: crate::corridor::stored(self.corridor),
            reference: self.reference,
            state: State::from_word(&self.state).ok_or(Error::Corrupt("a remittance's state"))?,
            sent: Money::from_minor(self.sent_minor, source),
            fee: Money::from_minor(self.fee_minor, source),
            family: Money::from_minor(self.family_minor, source),
            at_mid: Money::from_minor(self.at_mid_minor, target),
            received: Money::from_minor(self.received_minor, target),
            rate: rate(&self.rate)?,
            mid_rate: rate(&self.mid_rate)?,
            allocations: serde_json::from_value(self.allocations)?,
            created_at: self.created_at,
            pay_by: self.pay_by,
            funded_at: self.funded_at,
        })
    }
}
