use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use uuid::Uuid;

use super::case::{CaseEvent, CaseId, CaseState, Verdict};
use super::entry::EntryKind;
use super::index::Hit;
use super::score::{Score, ScoreReason};
use super::store::Screening;
use super::subject::SubjectKind;
use crate::schema::{screening_case_history, screening_cases, screening_entries, screening_subjects};
use crate::{Error, Operator, OperatorId};

const NAME: &str = "onboarding.screening_cases.name";
const REASONS: &str = "onboarding.screening_cases.reasons";
pub(super) const REASON: &str = "onboarding.screening_case_history.reason";
/// Characters of why an operator decided.
const LONGEST_REASON: usize = 1_000;
/// Cases that are written at once.
const WRITTEN_AT_ONCE: usize = 1_000;
/// Cases that one list shows at most.
pub(super) const MOST_SHOWN: i64 = 100;

/// A hit that is to be a case.
pub(super) struct FoundCase {
    pub(super) subject: Uuid,
    pub(super) revision: i32,
    pub(super) name: Arc<str>,
    pub(super) hit: Hit,
}

/// Whom a case is about.
#[derive(Clone)]
pub struct CaseSubject {
    /// The person, beneficiary or officer.
    pub id: Uuid,
    /// What they are to us.
    pub kind: SubjectKind,
    /// The person in whose account it shows.
    pub owner: Uuid,
    /// Their name as it is now; none once it is erased.
    pub name: Option<String>,
    /// Their name as it was when the case was opened; none in cases of before.
    pub name_at_opening: Option<String>,
    /// Their birth date.
    pub birth_date: Option<NaiveDate>,
    /// Their country.
    pub country: Option<String>,
}

/// Whom the list names.
#[derive(Clone, Debug)]
pub struct CaseEntry {
    /// The list.
    pub list: String,
    /// The publisher's number.
    pub reference: String,
    /// What it is.
    pub kind: EntryKind,
    /// All its names.
    pub names: Vec<String>,
    /// Its birth dates, as far as they are known.
    pub births: Vec<String>,
    /// Its countries.
    pub countries: Vec<String>,
    /// Whether the list still says so.
    pub is_current: bool,
}

/// Somebody who may be whom a list names.
#[derive(Clone)]
pub struct Case {
    /// Which.
    pub id: CaseId,
    /// About whom.
    pub subject: CaseSubject,
    /// Whom the list names.
    pub entry: CaseEntry,
    /// How like they are.
    pub score: Score,
    /// Why.
    pub reasons: Vec<ScoreReason>,
    /// Where it stands.
    pub state: CaseState,
    /// Who confirmed it first.
    pub first_confirmed_by: Option<OperatorId>,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// What happened to a case.
#[derive(Clone)]
pub struct CasePast {
    /// What.
    pub event: CaseEvent,
    /// Who; none for screening itself, and for what was noted.
    pub operator: Option<OperatorId>,
    /// Why, or what was noted.
    pub reason: Option<String>,
    /// When.
    pub happened_at: DateTime<Utc>,
}

/// Which cases are asked for.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    /// Those in a state; the open ones when none is named.
    pub state: Option<CaseState>,
    /// Those that show in one person's account.
    pub owner: Option<Uuid>,
    /// Those about one subject.
    pub subject: Option<Uuid>,
    /// Those of one list.
    pub list: Option<String>,
}

/// Opens cases for pairs that have none yet.
pub(super) async fn open_in(
    connection: &mut AsyncPgConnection,
    cipher: &Cipher,
    found: &[FoundCase],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    for part in found.chunks(WRITTEN_AT_ONCE) {
        let mut rows = Vec::with_capacity(part.len());
        for FoundCase { subject, revision, name, hit } in part {
            let reasons = serde_json::to_string(&hit.reasons).map_err(|_| Error::Corrupt("the reasons of a score"))?;
            rows.push((
                screening_cases::case_id.eq(CaseId::generate()),
                screening_cases::subject_id.eq(subject),
                screening_cases::subject_revision.eq(revision),
                screening_cases::entry_id.eq(hit.entry),
                screening_cases::score.eq(i32::from(hit.score.thousandths())),
                screening_cases::sealed_reasons.eq(cipher.encrypt(REASONS, &reasons)),
                screening_cases::state.eq(CaseState::Open.word()),
                screening_cases::opened_at.eq(now),
                screening_cases::sealed_name.eq(cipher.encrypt(NAME, name)),
            ));
        }
        let opened: Vec<CaseId> = diesel::insert_into(screening_cases::table)
            .values(rows)
            .on_conflict((screening_cases::subject_id, screening_cases::subject_revision, screening_cases::entry_id))
            .do_nothing()
            .returning(screening_cases::case_id)
            .get_results(connection)
            .await?;
        let history: Vec<_> = opened
            .iter()
            .map(|id| {
                (
                    screening_case_history::case_id.eq(id),
                    screening_case_history::event.eq(CaseEvent::Opened.word()),
                    screening_case_history::happened_at.eq(now),
                )
            })
            .collect();
        diesel::insert_into(screening_case_history::table).values(history).execute(connection).await?;
        if !opened.is_empty() {
            tracing::warn!(cases = opened.len(), "screening opened cases");
        }
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = screening_cases)]
struct CaseRow {
    case_id: CaseId,
    score: i32,
    sealed_reasons: Vec<u8>,
    state: String,
    first_confirmed_by: Option<OperatorId>,
    opened_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
    sealed_name: Option<Vec<u8>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = screening_subjects)]
pub(super) struct SubjectRow {
    pub(super) subject_id: Uuid,
    pub(super) kind: String,
    pub(super) owner_id: Uuid,
    pub(super) country: Option<String>,
    pub(super) sealed_name: Option<Vec<u8>>,
    pub(super) sealed_birth_date: Option<Vec<u8>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = screening_entries)]
struct EntryRow {
    list: String,
    reference: String,
    kind: String,
    names: Vec<String>,
    births: Vec<String>,
    countries: Vec<String>,
    until_version: Option<i64>,
}

type Row = (CaseRow, SubjectRow, EntryRow);

impl Screening {
    /// Cases in a state, the oldest first, after the one that was shown last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cases(
        &self,
        filter: &CaseFilter,
        after: Option<(DateTime<Utc>, CaseId)>,
        limit: i64,
    ) -> Result<Vec<Case>, Error> {
        let mut query = screening_cases::table
            .inner_join(screening_subjects::table)
            .inner_join(screening_entries::table)
            .filter(screening_cases::state.eq(filter.state.unwrap_or(CaseState::Open).word()))
            .order((screening_cases::opened_at, screening_cases::case_id))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select((CaseRow::as_select(), SubjectRow::as_select(), EntryRow::as_select()))
            .into_boxed();
        if let Some(owner) = filter.owner {
            query = query.filter(screening_subjects::owner_id.eq(owner));
        }
        if let Some(subject) = filter.subject {
            query = query.filter(screening_cases::subject_id.eq(subject));
        }
        if let Some(list) = &filter.list {
            query = query.filter(screening_entries::list.eq(list.clone()));
        }
        if let Some((opened_at, id)) = after {
            query = query.filter(
                screening_cases::opened_at
                    .gt(opened_at)
                    .or(screening_cases::opened_at.eq(opened_at).and(screening_cases::case_id.gt(id))),
            );
        }
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        rows.into_iter().map(|row| self.open_case(row)).collect()
    }

    /// One case with what happened to it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn case(&self, id: CaseId) -> Result<(Case, Vec<CasePast>), Error> {
        type PastRow = (String, Option<OperatorId>, Option<Vec<u8>>, DateTime<Utc>);
        let mut connection = self.database.connection().await?;
        let case = self.case_in(&mut connection, id).await?;
        let rows: Vec<PastRow> = screening_case_history::table
            .filter(screening_case_history::case_id.eq(id))
            .order(screening_case_history::ordinal)
            .select((
                screening_case_history::event,
                screening_case_history::operator_id,
                screening_case_history::sealed_reason,
                screening_case_history::happened_at,
            ))
            .load(&mut connection)
            .await?;
        let past = rows.into_iter().map(|(event, operator, reason, happened_at)| {
            let event = CaseEvent::from_word(&event)?;
            let reason = reason.map(|sealed| self.cipher.decrypt(REASON, &sealed)).transpose()?;
            Ok(CasePast { event, operator, reason, happened_at })
        });
        Ok((case, past.collect::<Result<_, Error>>()?))
    }

    /// An operator says whether somebody is whom a list names. Saying the same again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`] when it was decided otherwise, [`Error::Text`] for a faulty reason.
    pub async fn decide(&self, by: &Operator, id: CaseId, verdict: Verdict, reason: &str) -> Result<Case, Error> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
            return Err(Error::Text { field: "reason", maximum: LONGEST_REASON });
        }
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let (state, first): (String, Option<OperatorId>) = screening_cases::table
                    .find(id)
                    .select((screening_cases::state, screening_cases::first_confirmed_by))
                    .for_update()
                    .first(connection)
                    .await
                    .optional()?
                    .ok_or(Error::NotFound("case"))?;
                let state = CaseState::from_word(&state).ok_or(Error::Corrupt("a case's state"))?;
                if let Some(event) = state.event(first, verdict, by.id())? {
                    let after = state.after(event)?;
                    let first = first.or((event == CaseEvent::ConfirmedFirst).then_some(by.id()));
                    diesel::update(screening_cases::table.find(id))
                        .set((
                            screening_cases::state.eq(after.word()),
                            screening_cases::first_confirmed_by.eq(first),
                            screening_cases::decided_at.eq((after != CaseState::Open).then_some(now)),
                        ))
                        .execute(connection)
                        .await?;
                    diesel::insert_into(screening_case_history::table)
                        .values((
                            screening_case_history::case_id.eq(id),
                            screening_case_history::event.eq(event.word()),
                            screening_case_history::operator_id.eq(by.id()),
                            screening_case_history::sealed_reason.eq(self.cipher.encrypt(REASON, reason)),
                            screening_case_history::happened_at.eq(now),
                        ))
                        .execute(connection)
                        .await?;
                }
                self.case_in(connection, id).await
            })
            .await
    }

    async fn case_in(&self, connection: &mut AsyncPgConnection, id: CaseId) -> Result<Case, Error> {
        let row: Option<Row> = screening_cases::table
            .inner_join(screening_subjects::table)
            .inner_join(screening_entries::table)
            .filter(screening_cases::case_id.eq(id))
            .select((CaseRow::as_select(), SubjectRow::as_select(), EntryRow::as_select()))
            .first(connection)
            .await
            .optional()?;
        self.open_case(row.ok_or(Error::NotFound("case"))?)
    }

    fn open_case(&self, (case, subject, entry): Row) -> Result<Case, Error> {
        let facts = self.facts(&subject.kind, subject.country, subject.sealed_name, subject.sealed_birth_date)?;
        let reasons = self.cipher.decrypt(REASONS, &case.sealed_reasons)?;
        Ok(Case {
            id: case.case_id,
            subject: CaseSubject {
                id: subject.subject_id,
                kind: SubjectKind::from_word(&subject.kind)?,
                owner: subject.owner_id,
                birth_date: facts.as_ref().and_then(|facts| facts.birth_date),
                country: facts.as_ref().and_then(|facts| facts.country.clone()),
                name: facts.map(|facts| facts.name),
                name_at_opening: case.sealed_name.map(|sealed| self.cipher.decrypt(NAME, &sealed)).transpose()?,
            },
            entry: CaseEntry {
                list: entry.list,
                reference: entry.reference,
                kind: EntryKind::from_word(&entry.kind)?,
                names: entry.names,
                births: entry.births,
                countries: entry.countries,
                is_current: entry.until_version.is_none(),
            },
            score: Score::new(u16::try_from(case.score).map_err(|_| Error::Corrupt("a score"))?),
            reasons: serde_json::from_str(&reasons).map_err(|_| Error::Corrupt("the reasons of a score"))?,
            state: CaseState::from_word(&case.state).ok_or(Error::Corrupt("a case's state"))?,
            first_confirmed_by: case.first_confirmed_by,
            opened_at: case.opened_at,
            decided_at: case.decided_at,
        })
    }
}
