//! Consents: what a person lets an institution know, for what and until when. Each is a receipt that stays; withdrawing
//! one ends it at once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::ConsentId;
use super::store::Referrals;
use crate::schema::{consents, institutions};
use crate::{Error, InstitutionCode, Person};

/// A consent, as its person sees it.
#[derive(Clone, Debug)]
pub struct Consent {
    /// Which.
    pub id: ConsentId,
    /// To whom.
    pub institution: InstitutionCode,
    /// The institution's name.
    pub institution_name: String,
    /// For what.
    pub purpose: String,
    /// What is shared.
    pub shared: Vec<String>,
    /// Since when.
    pub given_at: DateTime<Utc>,
    /// Until when at the longest.
    pub ends_at: DateTime<Utc>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

type Row = (ConsentId, String, String, String, Vec<String>, DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>);

impl Consent {
    fn stored(row: Row) -> Result<Self, Error> {
        let (id, institution, institution_name, purpose, shared, given_at, ends_at, withdrawn_at) = row;
        let institution =
            InstitutionCode::try_new(&institution).map_err(|_| Error::Corrupt("an institution's code"))?;
        Ok(Self { id, institution, institution_name, purpose, shared, given_at, ends_at, withdrawn_at })
    }
}

impl Referrals {
    /// A person's consents, the newest first, those that are over too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn consents(
        &self,
        person: &Person,
        before: Option<(DateTime<Utc>, ConsentId)>,
        limit: i64,
    ) -> Result<Vec<Consent>, Error> {
        let mut query = consents::table
            .inner_join(institutions::table.on(institutions::institution_id.eq(consents::institution_id)))
            .filter(consents::person_id.eq(person.id()))
            .order((consents::given_at.desc(), consents::consent_id.desc()))
            .limit(limit)
            .select((
                consents::consent_id,
                institutions::code,
                institutions::name,
                consents::purpose,
                consents::shared,
                consents::given_at,
                consents::ends_at,
                consents::withdrawn_at,
            ))
            .into_boxed();
        if let Some((time, id)) = before {
            let earlier = consents::given_at.eq(time).and(consents::consent_id.lt(id));
            query = query.filter(consents::given_at.lt(time).or(earlier));
        }
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        rows.into_iter().map(Consent::stored).collect()
    }

    /// Withdraws a consent: from now on the institution sees nothing that rests on it. Doing it again changes nothing;
    /// answers when it was.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs.
    pub async fn withdraw_consent(&self, person: &Person, id: ConsentId) -> Result<DateTime<Utc>, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        let own = consents::table.find(id).filter(consents::person_id.eq(person.id()));
        let withdrawn: Option<DateTime<Utc>> = diesel::update(own)
            .filter(consents::withdrawn_at.is_null())
            .set(consents::withdrawn_at.eq(now))
            .returning(consents::withdrawn_at.assume_not_null())
            .get_result(&mut connection)
            .await
            .optional()?;
        if let Some(withdrawn) = withdrawn {
            return Ok(withdrawn);
        }
        let before: Option<Option<DateTime<Utc>>> =
            own.select(consents::withdrawn_at).first(&mut connection).await.optional()?;
        before.flatten().ok_or(Error::NotFound("consent"))
    }
}
