use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;
use uuid::Uuid;

use super::{ConsentId, FamilyNeed, Reason, ReferralId, ReferralState, rank};
use crate::person::text;
use crate::schema::{consents, institutions, referrals};
use crate::{
    Error, Institution, InstitutionApplication, InstitutionCode, InstitutionId, Institutions, Person, Product,
};

/// Institutions that are proposed at once.
const MOST_PROPOSED: usize = 5;
/// Referrals that one list shows at most.
const MOST_SHOWN: i64 = 100;
/// How long the institution may use what the person shared to open the account.
const CONSENT_LIFE: Duration = Duration::days(180);

const FAMILY_MEMBER: &str = "onboarding.referrals.family_member";
const ACCOUNT_NUMBER: &str = "onboarding.referrals.account_number";

/// A referral as its person sees it.
#[derive(Clone, Debug)]
pub struct Referral {
    /// Which.
    pub id: ReferralId,
    /// To whom.
    pub institution: InstitutionCode,
    /// The institution's name.
    pub institution_name: String,
    /// For what.
    pub need: Product,
    /// How well it fits.
    pub score: i32,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Where it stands.
    pub state: ReferralState,
    /// The family's account, once it is opened.
    pub account_number: Option<String>,
    /// Why the institution declined.
    pub declined_because: Option<String>,
    /// Since when.
    pub proposed_at: DateTime<Utc>,
}

/// A referral as its institution sees it.
#[derive(Clone, Debug)]
pub struct SentReferral {
    /// Which.
    pub id: ReferralId,
    /// For what.
    pub need: Product,
    /// Where the family lives.
    pub region: String,
    /// The language it speaks.
    pub language: String,
    /// Who, as the person named them.
    pub family_member: String,
    /// Where it stands.
    pub state: ReferralState,
}

type OwnRow =
    (ReferralId, String, String, String, i32, Vec<String>, String, Option<Vec<u8>>, Option<String>, DateTime<Utc>);

/// All referrals.
#[derive(Clone)]
pub struct Referrals {
    pub(super) database: Database,
    cipher: Cipher,
    pub(super) clock: Clock,
    institutions: Institutions,
}

impl Referrals {
    /// The referrals of a database.
    #[must_use]
    pub const fn new(database: Database, cipher: Cipher, clock: Clock, institutions: Institutions) -> Self {
        Self { database, cipher, clock, institutions }
    }

    /// Proposes institutions for a family, best first. The seed makes a repeated request propose the same again.
    ///
    /// # Errors
    /// [`Error::Text`] for a faulty region or language.
    pub async fn propose(&self, person: &Person, seed: Uuid, need: &FamilyNeed) -> Result<Vec<Referral>, Error> {
        let region = text("region", &need.region)?;
        let language = text("language", &need.language)?;
        let (ids, profiles): (Vec<InstitutionId>, Vec<InstitutionApplication>) =
            self.institutions.live().await?.into_iter().unzip();
        let now = self.clock.now();
        let mut proposed = Vec::new();
        let rows: Vec<_> = rank(need, &profiles)
            .into_iter()
            .take(MOST_PROPOSED)
            .map(|(index, score, reasons)| {
                let id = ReferralId::from_uuid(Uuid::new_v5(&seed, ids[index].uuid().as_bytes()));
                proposed.push(id);
                let reasons: Vec<&str> = reasons.iter().map(|reason| reason.word()).collect();
                (
                    referrals::referral_id.eq(id),
                    referrals::person_id.eq(person.id()),
                    referrals::institution_id.eq(ids[index]),
                    referrals::need.eq(need.product.word()),
                    referrals::region.eq(&region),
                    referrals::language.eq(&language),
                    referrals::score.eq(score),
                    referrals::reasons.eq(reasons),
                    referrals::state.eq(ReferralState::Proposed.word()),
                    referrals::proposed_at.eq(now),
                )
            })
            .collect();
        let mut connection = self.database.connection().await?;
        diesel::insert_into(referrals::table).values(rows).on_conflict_do_nothing().execute(&mut connection).await?;
        drop(connection);
        let own = self.of(person).await?;
        Ok(own.into_iter().filter(|referral| proposed.contains(&referral.id)).collect())
    }

    /// A person's referrals, best first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(&self, person: &Person) -> Result<Vec<Referral>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<OwnRow> = referrals::table
            .inner_join(institutions::table.on(institutions::institution_id.eq(referrals::institution_id)))
            .filter(referrals::person_id.eq(person.id()))
            .order((referrals::proposed_at.desc(), referrals::score.desc(), institutions::code))
            .limit(MOST_SHOWN)
            .select((
                referrals::referral_id,
                institutions::code,
                institutions::name,
                referrals::need,
                referrals::score,
                referrals::reasons,
                referrals::state,
                referrals::sealed_account_number,
                referrals::declined_because,
                referrals::proposed_at,
            ))
            .load(&mut connection)
            .await?;
        rows.into_iter().map(|row| self.own(row)).collect()
    }

    fn own(&self, row: OwnRow) -> Result<Referral, Error> {
        let account_number = row.7.map(|sealed| self.cipher.decrypt(ACCOUNT_NUMBER, &sealed)).transpose()?;
        Ok(Referral {
            id: row.0,
            institution: InstitutionCode::try_new(&row.1).map_err(|_| Error::Corrupt("an institution's code"))?,
            institution_name: row.2,
            need: Product::from_word(&row.3)?,
            score: row.4,
            reasons: row.5.iter().map(|word| Reason::from_word(word)).collect::<Result<_, _>>()?,
            state: ReferralState::from_word(&row.6)?,
            account_number,
            declined_because: row.8,
            proposed_at: row.9,
        })
    }

    /// The person lets the institution know of the family member; answers the consent's receipt. Accepting again
    /// changes nothing and answers the same receipt.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another person's referral, [`Error::Text`] for a faulty name.
    pub async fn accept(&self, person: &Person, id: ReferralId, family_member: &str) -> Result<ConsentId, Error> {
        let family_member = text("family_member", family_member)?;
        let consent = ConsentId::from_uuid(Uuid::new_v5(&id.uuid(), b"consent"));
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let (institution, state): (InstitutionId, String) = referrals::table
                    .find(id)
                    .filter(referrals::person_id.eq(person.id()))
                    .select((referrals::institution_id, referrals::state))
                    .for_update()
                    .first(connection)
                    .await
                    .optional()?
                    .ok_or(Error::NotFound("referral"))?;
                if ReferralState::from_word(&state)? != ReferralState::Proposed {
                    return Ok(consent);
                }
                diesel::insert_into(consents::table)
                    .values((
                        consents::consent_id.eq(consent),
                        consents::person_id.eq(person.id()),
                        consents::institution_id.eq(institution),
                        consents::purpose.eq("opening an account for a family member"),
                        consents::shared.eq(vec!["family member's name", "region", "language", "need"]),
                        consents::given_at.eq(now),
                        consents::ends_at.eq(now + CONSENT_LIFE),
                    ))
                    .execute(connection)
                    .await?;
                diesel::update(referrals::table.find(id))
                    .set((
                        referrals::state.eq(ReferralState::Sent.word()),
                        referrals::consent_id.eq(consent),
                        referrals::sealed_family_member.eq(self.cipher.encrypt(FAMILY_MEMBER, &family_member)),
                    ))
                    .execute(connection)
                    .await?;
                Ok(consent)
            })
            .await
    }

    /// The referrals that were sent to an institution and that it has not answered, under a consent that still holds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sent_to(&self, institution: &Institution) -> Result<Vec<SentReferral>, Error> {
        type Row = (ReferralId, String, String, String, Option<Vec<u8>>, String);
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = referrals::table
            .inner_join(consents::table.on(referrals::consent_id.eq(consents::consent_id.nullable())))
            .filter(referrals::institution_id.eq(institution.id()))
            .filter(referrals::state.eq(ReferralState::Sent.word()))
            .filter(consents::withdrawn_at.is_null())
            .filter(consents::ends_at.gt(self.clock.now()))
            .order(referrals::referral_id)
            .limit(MOST_SHOWN)
            .select((
                referrals::referral_id,
                referrals::need,
                referrals::region,
                referrals::language,
                referrals::sealed_family_member,
                referrals::state,
            ))
            .load(&mut connection)
            .await?;
        rows.into_iter()
            .map(|(id, need, region, language, sealed, state)| {
                let sealed = sealed.ok_or(Error::Corrupt("a sent referral without a name"))?;
                Ok(SentReferral {
                    id,
                    need: Product::from_word(&need)?,
                    region,
                    language,
                    family_member: self.cipher.decrypt(FAMILY_MEMBER, &sealed)?,
                    state: ReferralState::from_word(&state)?,
                })
            })
            .collect()
    }

    /// The institution opened an account. Saying so again with the same number changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another institution's referral and for one whose consent was withdrawn or is over,
    /// [`Error::WrongState`] when it was declined.
    pub async fn account_opened(
        &self,
        institution: &Institution,
        id: ReferralId,
        account_number: &str,
    ) -> Result<(), Error> {
        let account_number = text("account_number", account_number)?;
        let sealed = self.cipher.encrypt(ACCOUNT_NUMBER, &account_number);
        let opened = (
            referrals::state.eq(ReferralState::AccountOpened.word()),
            referrals::sealed_account_number.eq(Some(sealed)),
            referrals::answered_at.eq(Some(self.clock.now())),
        );
        let holding =
            consents::table.filter(consents::withdrawn_at.is_null()).filter(consents::ends_at.gt(self.clock.now()));
        let mut connection = self.database.connection().await?;
        let changed = diesel::update(referrals::table.find(id))
            .filter(referrals::institution_id.eq(institution.id()))
            .filter(referrals::state.eq(ReferralState::Sent.word()))
            .filter(referrals::consent_id.eq_any(holding.select(consents::consent_id.nullable())))
            .set(opened)
            .execute(&mut connection)
            .await?;
        drop(connection);
        if changed == 1 { Ok(()) } else { self.answered(institution, id, ReferralState::AccountOpened).await }
    }

    /// The institution cannot help. Saying so again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another institution's referral, [`Error::WrongState`] when an account was opened.
    pub async fn declined(&self, institution: &Institution, id: ReferralId, because: &str) -> Result<(), Error> {
        let because = text("reason", because)?;
        let mut connection = self.database.connection().await?;
        let changed = diesel::update(referrals::table.find(id))
            .filter(referrals::institution_id.eq(institution.id()))
            .filter(referrals::state.eq(ReferralState::Sent.word()))
            .set((
                referrals::state.eq(ReferralState::Declined.word()),
                referrals::declined_because.eq(Some(because)),
                referrals::answered_at.eq(Some(self.clock.now())),
            ))
            .execute(&mut connection)
            .await?;
        drop(connection);
        if changed == 1 { Ok(()) } else { self.answered(institution, id, ReferralState::Declined).await }
    }

    async fn answered(&self, institution: &Institution, id: ReferralId, wanted: ReferralState) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        let word: String = referrals::table
            .find(id)
            .filter(referrals::institution_id.eq(institution.id()))
            .select(referrals::state)
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::NotFound("referral"))?;
        let state = ReferralState::from_word(&word)?;
        if state == wanted {
            return Ok(());
        }
        if state == ReferralState::Sent {
            // The consent holds no more: what rests on it is not there for the institution.
            return Err(Error::NotFound("referral"));
        }
        Err(Error::WrongState { thing: "referral", state: state.word(), wanted: wanted.word() })
    }
}
