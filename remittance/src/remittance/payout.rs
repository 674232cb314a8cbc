//! Payouts: remittances as the institutions see them that pay them.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::store::{MOST_SHOWN, Remittances, Row, record};
use super::{Event, Payout, RemittanceId, State};
use crate::clearance::nobody_waits;
use crate::schema::remittances;
use crate::{BeneficiaryId, Clearance, Error, SenderId};

/// How far the clocks of institutions may be ahead of ours.
const CLOCKS_DIFFER_BY: Duration = Duration::minutes(5);

platform::define_id!(ClaimId, "A request of an institution for what it has to pay.");

/// When the institution hands the money over that it confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// Once the confirmation is taken.
    Ahead,
    /// It did, then, as it says.
    Done(DateTime<Utc>),
}

/// That a payout may be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmable {
    /// Nobody has to wait.
    Freely,
    /// Somebody has to wait, and it was paid before they had to.
    PaidBefore,
}

impl Remittances {
    /// Hands an institution what it has to pay, each once, the oldest first; what has to wait stays. A repeated claim
    /// answers what it took the first time, so that nothing is lost with an answer that did not arrive.
    ///
    /// # Errors
    /// When the database or the clearance does not answer.
    pub async fn claim(
        &self,
        institution: &str,
        claim: ClaimId,
        limit: i64,
        clearance: &impl Clearance,
    ) -> Result<Vec<Payout>, Error> {
        let now = self.clock.now();
        let limit = limit.clamp(1, MOST_SHOWN);
        let cleared = self.cleared(institution, limit, clearance).await?;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let known: Vec<Row> = remittances::table
                    .filter(remittances::institution.eq(institution))
                    .filter(remittances::claim_id.eq(claim))
                    .order((remittances::funded_at, remittances::remittance_id))
                    .select(Row::as_select())
                    .load(connection)
                    .await?;
                if !known.is_empty() {
                    return self.payouts(connection, known).await;
                }
                let ids: Vec<RemittanceId> = remittances::table
                    .filter(remittances::remittance_id.eq_any(&cleared))
                    .filter(remittances::state.eq(State::Funded.word()))
                    .order(remittances::funded_at)
                    .limit(limit)
                    .select(remittances::remittance_id)
                    .for_update()
                    .skip_locked()
                    .load(connection)
                    .await?;
                let rows: Vec<Row> = diesel::update(remittances::table.filter(remittances::remittance_id.eq_any(&ids)))
                    .set((remittances::state.eq(State::Submitted.word()), remittances::claim_id.eq(claim)))
                    .returning(Row::as_returning())
                    .get_results(connection)
                    .await?;
                record(connection, &ids, State::Submitted, "the institution fetched it", institution, now).await?;
                self.payouts(connection, rows).await
            })
            .await
    }

    /// What an institution may be handed, the oldest first. There are some more than it asks for, since others who
    /// claim at the same moment take theirs from the same ones.
    async fn cleared(
        &self,
        institution: &str,
        limit: i64,
        clearance: &impl Clearance,
    ) -> Result<Vec<RemittanceId>, Error> {
        type Row = (RemittanceId, SenderId, BeneficiaryId, Option<DateTime<Utc>>);
        let enough = usize::try_from(limit + MOST_SHOWN).unwrap_or(usize::MAX);
        let mut cleared = Vec::new();
        let mut after: Option<(DateTime<Utc>, RemittanceId)> = None;
        while cleared.len() < enough {
            let mut query = remittances::table
                .filter(remittances::institution.eq(institution))
                .filter(remittances::state.eq(State::Funded.word()))
                .order((remittances::funded_at, remittances::remittance_id))
                .limit(2 * MOST_SHOWN)
                .select((
                    remittances::remittance_id,
                    remittances::sender_id,
                    remittances::beneficiary_id,
                    remittances::funded_at,
                ))
                .into_boxed();
            if let Some((funded_at, id)) = after {
                query = query.filter(
                    remittances::funded_at
                        .gt(funded_at)
                        .or(remittances::funded_at.eq(funded_at).and(remittances::remittance_id.gt(id))),
                );
            }
            let rows: Vec<Row> = {
                let mut connection = self.database.connection().await?;
                query.load(&mut connection).await?
            };
            let Some((last, _, _, Some(funded_at))) = rows.last() else { break };
            after = Some((*funded_at, *last));
            let parties = rows.iter().flat_map(|(_, sender, to, _)| [sender.uuid(), to.uuid()]).collect();
            let waiting = clearance.waiting(parties).await?;
            let free = |row: &&Row| !waiting.contains(&row.1.uuid()) && !waiting.contains(&row.2.uuid());
            cleared.extend(rows.iter().filter(free).map(|row| row.0));
        }
        Ok(cleared)
    }

    /// What an institution was handed, the oldest first, after the one that was shown last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn payouts_of(
        &self,
        institution: &str,
        state: Option<State>,
        after: Option<(DateTime<Utc>, RemittanceId)>,
        limit: i64,
    ) -> Result<Vec<Payout>, Error> {
        let handed = [State::Submitted, State::ReadyForPickup, State::PaidOut, State::Refunded, State::Cancelled];
        let words: Vec<&str> = handed
            .iter()
            .filter(|handed| state.is_none_or(|state| state == **handed))
            .map(|state| state.word())
            .collect();
        let mut query = remittances::table
            .filter(remittances::institution.eq(institution))
            .filter(remittances::state.eq_any(words))
            .filter(remittances::funded_at.is_not_null())
            .order((remittances::created_at, remittances::remittance_id))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select(Row::as_select())
            .into_boxed();
        if let Some((created_at, id)) = after {
            query = query.filter(
                remittances::created_at
                    .gt(created_at)
                    .or(remittances::created_at.eq(created_at).and(remittances::remittance_id.gt(id))),
            );
        }
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        self.payouts(&mut connection, rows).await
    }

    /// One payout of an institution.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs, or was not handed to them.
    pub async fn payout(&self, institution: &str, id: RemittanceId) -> Result<Payout, Error> {
        let mut connection = self.database.connection().await?;
        let row: Option<Row> = remittances::table
            .find(id)
            .filter(remittances::institution.eq(institution))
            .filter(remittances::state.ne_all([
                State::AwaitingFunds.word(),
                State::Expired.word(),
                State::Funded.word(),
            ]))
            .filter(remittances::funded_at.is_not_null())
            .select(Row::as_select())
            .first(&mut connection)
            .await
            .optional()?;
        let payouts = self.payouts(&mut connection, row.into_iter().collect()).await?;
        payouts.into_iter().next().ok_or(Error::NotFound("payout"))
    }

    /// The institution has the money ready. Saying so again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`], [`Error::UnderReview`].
    pub async fn make_ready(
        &self,
        institution: &str,
        id: RemittanceId,
        clearance: &impl Clearance,
    ) -> Result<Payout, Error> {
        let payout = self.payout(institution, id).await?;
        nobody_waits(&clearance.waiting(payout.parties()).await?)?;
        if payout.remittance.state != State::ReadyForPickup {
            let to = payout.remittance.state.after(Event::MadeReady)?;
            self.step(id, payout.remittance.state, to, "the institution has it ready", institution).await?;
        }
        self.payout(institution, id).await
    }

    /// That the institution may confirm a payout: nobody has to wait, or it was paid before anybody had to.
    ///
    /// # Errors
    /// [`Error::WrongState`], [`Error::UnderReview`], [`Error::PaidAt`] for a time that cannot be.
    pub async fn confirmable(
        &self,
        payout: &Payout,
        handover: Handover,
        clearance: &impl Clearance,
    ) -> Result<Confirmable, Error> {
        payout.remittance.state.after(Event::Paid)?;
        if let Handover::Done(paid_at) = handover {
            let from = payout.remittance.funded_at.ok_or(Error::Corrupt("a payout that was never funded"))?;
            if paid_at < from || paid_at > self.clock.now() + CLOCKS_DIFFER_BY {
                return Err(Error::PaidAt { from });
            }
        }
        match (clearance.waiting_since(payout.parties()).await?, handover) {
            (None, _) => Ok(Confirmable::Freely),
            (Some(since), Handover::Done(paid_at)) if paid_at < since => Ok(Confirmable::PaidBefore),
            (Some(_), _) => Err(Error::UnderReview),
        }
    }

    async fn payouts(&self, connection: &mut AsyncPgConnection, rows: Vec<Row>) -> Result<Vec<Payout>, Error> {
        let ids: Vec<BeneficiaryId> = rows.iter().map(|row| row.beneficiary_id).collect();
        let known = self.beneficiaries.for_payout(connection, &ids).await?;
        rows.into_iter()
            .map(|row| {
                let remittance = row.remittance()?;
                let beneficiary = known.iter().find(|known| known.id == remittance.beneficiary);
                let beneficiary = beneficiary.ok_or(Error::Corrupt("a beneficiary"))?.clone();
                Ok(Payout { remittance, beneficiary })
            })
            .collect()
    }
}
