use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::cases::{self, FoundCase};
use super::entry::{EntryKind, ListEntry};
use super::index::{EntryNumber, Index};
use super::score::Score;
use super::spellings::Spellings;
use super::subject::{Facts, Subject, SubjectKind};
use crate::Error;
use crate::schema::{screening_entries, screening_subjects, screening_versions};

pub(super) const NAME: &str = "onboarding.screening_subjects.name";
pub(super) const BIRTH_DATE: &str = "onboarding.screening_subjects.birth_date";
/// Before somebody was held against any version.
pub(super) const NEVER: i64 = -1;
/// Entries that are read at once.
const ENTRIES_AT_ONCE: i64 = 5_000;

/// Subjects that are entered at once.
const ENTERED_AT_ONCE: usize = 5_000;

#[derive(Insertable)]
#[diesel(table_name = screening_subjects)]
struct NewRow<'a> {
    subject_id: Uuid,
    kind: &'static str,
    owner_id: Uuid,
    revision: i32,
    country: Option<&'a str>,
    sealed_name: Vec<u8>,
    sealed_birth_date: Option<Vec<u8>>,
    screened_through: i64,
    entered_at: DateTime<Utc>,
}

/// The lists, who is held against them, and the cases.
#[derive(Clone)]
pub struct Screening {
    pub(super) database: Database,
    pub(super) cipher: Cipher,
    pub(super) clock: Clock,
    spellings: Arc<Spellings>,
    threshold: Score,
    current: Arc<Mutex<Option<Current>>>,
}

/// The index of a version of the lists.
#[derive(Clone)]
struct Current {
    version: i64,
    index: Arc<Index>,
}

impl Screening {
    /// Screening on a database; likenesses from the threshold on are cases.
    #[must_use]
    pub fn new(database: Database, cipher: Cipher, clock: Clock, spellings: Spellings, threshold: Score) -> Self {
        Self { database, cipher, clock, spellings: Arc::new(spellings), threshold, current: Arc::default() }
    }

    /// Holds somebody against the lists, and remembers them for when a list changes. Saying the same again changes
    /// nothing; another name, birth date or country of a person is held against the lists anew. Who is paid stays who
    /// they are: the name that was held against the lists is the one that is paid.
    ///
    /// # Errors
    /// [`Error::SomebodyElse`] for another name of who is paid.
    pub async fn enter(&self, subject: &Subject) -> Result<(), Error> {
        let current = self.current().await?;
        let facts = subject.facts.clone();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let Some(revision) = self.keep(connection, subject, current.version).await? else { return Ok(()) };
                let (id, version) = (subject.id, current.version);
                self.hold_against(connection, current, vec![(id, revision, facts)]).await?;
                screened(connection, &[id], version).await
            })
            .await
    }

    /// Remembers many at once who were not held against the lists yet: they wait until [`Screening::screen_due`] has
    /// come to them. Who is known already stays as they are.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn enter_unscreened(&self, subjects: &[Subject]) -> Result<usize, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        let mut entered = 0;
        for part in subjects.chunks(ENTERED_AT_ONCE) {
            let rows: Vec<_> = part.iter().map(|subject| self.row(subject, now)).collect();
            entered += diesel::insert_into(screening_subjects::table)
                .values(rows)
                .on_conflict_do_nothing()
                .execute(&mut connection)
                .await?;
        }
        Ok(entered)
    }

    /// Holds those against the lists who were not since the lists changed, some of them; answers how many. Any number
    /// of processes may do it at once, and one that is cut off leaves its part to the others.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn screen_due(&self, limit: i64) -> Result<usize, Error> {
        type Row = (Uuid, String, i32, Option<String>, Option<Vec<u8>>, Option<Vec<u8>>);
        let current = self.current().await?;
        let version = current.version;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let rows: Vec<Row> = screening_subjects::table
                    .filter(screening_subjects::screened_through.lt(version))
                    .order((screening_subjects::screened_through, screening_subjects::subject_id))
                    .limit(limit)
                    .select((
                        screening_subjects::subject_id,
                        screening_subjects::kind,
                        screening_subjects::revision,
                        screening_subjects::country,
                        screening_subjects::sealed_name,
                        screening_subjects::sealed_birth_date,
                    ))
                    .for_update()
                    .skip_locked()
                    .load(connection)
                    .await?;
                let ids: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
                let mut due = Vec::with_capacity(rows.len());
                for (id, kind, revision, country, name, birth_date) in rows {
                    // An erased name is held against nothing.
                    if let Some(facts) = self.facts(&kind, country, name, birth_date)? {
                        due.push((id, revision, facts));
                    }
                }
                self.hold_against(connection, current, due).await?;
                screened(connection, &ids, version).await?;
                Ok(ids.len())
            })
            .await
    }

    /// Keeps what is said of a subject; none when it is the same as before and was held against these lists.
    async fn keep(
        &self,
        connection: &mut AsyncPgConnection,
        subject: &Subject,
        version: i64,
    ) -> Result<Option<i32>, Error> {
        type Row = (String, i32, Option<String>, Option<Vec<u8>>, Option<Vec<u8>>, i64);
        let facts = &subject.facts;
        let row = self.row(subject, self.clock.now());
        let inserted = diesel::insert_into(screening_subjects::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(connection)
            .await?;
        if inserted == 1 {
            return Ok(Some(1));
        }
        let (kind, revision, country, name, birth_date, through): Row = screening_subjects::table
            .find(subject.id)
            .select((
                screening_subjects::kind,
                screening_subjects::revision,
                screening_subjects::country,
                screening_subjects::sealed_name,
                screening_subjects::sealed_birth_date,
                screening_subjects::screened_through,
            ))
            .for_update()
            .first(connection)
            .await?;
        let known = self.facts(&kind, country, name, birth_date)?;
        if known.as_ref() == Some(facts) {
            return Ok((through < version).then_some(revision));
        }
        if kind == SubjectKind::Beneficiary.word() {
            return Err(Error::SomebodyElse);
        }
        diesel::update(screening_subjects::table.find(subject.id))
            .set((
                screening_subjects::owner_id.eq(subject.owner),
                screening_subjects::revision.eq(revision + 1),
                screening_subjects::country.eq(&facts.country),
                screening_subjects::sealed_name.eq(row.sealed_name),
                screening_subjects::sealed_birth_date.eq(row.sealed_birth_date),
            ))
            .execute(connection)
            .await?;
        Ok(Some(revision + 1))
    }

    /// A subject that nobody was told of before.
    fn row<'a>(&self, subject: &'a Subject, now: DateTime<Utc>) -> NewRow<'a> {
        let facts = &subject.facts;
        NewRow {
            subject_id: subject.id,
            kind: facts.kind.word(),
            owner_id: subject.owner,
            revision: 1,
            country: facts.country.as_deref(),
            sealed_name: self.cipher.encrypt(NAME, &facts.name),
            sealed_birth_date: facts.birth_date.map(|date| self.cipher.encrypt(BIRTH_DATE, &date.to_string())),
            screened_through: NEVER,
            entered_at: now,
        }
    }

    pub(super) fn facts(
        &self,
        kind: &str,
        country: Option<String>,
        name: Option<Vec<u8>>,
        birth_date: Option<Vec<u8>>,
    ) -> Result<Option<Facts>, Error> {
        let Some(name) = name else { return Ok(None) };
        let birth_date = birth_date.map(|sealed| self.cipher.decrypt(BIRTH_DATE, &sealed)).transpose()?;
        let birth_date = birth_date.map(|text| text.parse().map_err(|_| Error::Corrupt("a birth date"))).transpose()?;
        let (kind, name) = (SubjectKind::from_word(kind)?, self.cipher.decrypt(NAME, &name)?);
        Ok(Some(Facts { kind, name, birth_date, country }))
    }

    /// Asks the index for all of them, and opens what cases come of it.
    async fn hold_against(
        &self,
        connection: &mut AsyncPgConnection,
        current: Current,
        subjects: Vec<(Uuid, i32, Facts)>,
    ) -> Result<(), Error> {
        let threshold = self.threshold;
        let ask = move || {
            let mut matcher = current.index.matcher(threshold);
            let mut found = Vec::new();
            for (subject, revision, facts) in subjects {
                let (hits, name) = (matcher.hits(&facts), Arc::<str>::from(facts.name));
                found.extend(hits.into_iter().map(|hit| FoundCase { subject, revision, name: Arc::clone(&name), hit }));
            }
            found
        };
        let found = tokio::task::spawn_blocking(ask).await.map_err(|_| Error::CutOff)?;
        cases::open_in(connection, &self.cipher, &found, self.clock.now()).await
    }

    /// The index of the newest version; made anew when a list has changed. Whoever waits for it holds no connection,
    /// and it is made to its end whoever goes away: the next one has it.
    async fn current(&self) -> Result<Current, Error> {
        let version: Option<i64> = {
            let mut connection = self.database.connection().await?;
            let newest = screening_versions::table.select(diesel::dsl::max(screening_versions::version));
            newest.first(&mut connection).await?
        };
        let version = version.unwrap_or(0);
        let held = Arc::clone(&self.current).lock_owned().await;
        if let Some(current) = held.as_ref().filter(|current| current.version >= version) {
            return Ok(current.clone());
        }
        let making = make_current(self.database.clone(), Arc::clone(&self.spellings), version, held);
        tokio::spawn(making).await.map_err(|_| Error::CutOff)?
    }
}

/// Makes the index of a version in the place that holds it.
async fn make_current(
    database: Database,
    spellings: Arc<Spellings>,
    version: i64,
    mut held: OwnedMutexGuard<Option<Current>>,
) -> Result<Current, Error> {
    // An entry that comes in between is of a later version, which makes the index anew.
    let entries = read_entries(&mut *database.connection().await?).await?;
    let index = tokio::task::spawn_blocking(move || Index::new(entries, spellings)).await;
    let current = Current { version, index: Arc::new(index.map_err(|_| Error::CutOff)?) };
    tracing::info!(version, names = current.index.len(), "read the lists");
    *held = Some(current.clone());
    Ok(current)
}

async fn screened(connection: &mut AsyncPgConnection, ids: &[Uuid], version: i64) -> Result<(), Error> {
    diesel::update(screening_subjects::table.filter(screening_subjects::subject_id.eq_any(ids)))
        .set(screening_subjects::screened_through.eq(version))
        .execute(connection)
        .await?;
    Ok(())
}

async fn read_entries(connection: &mut AsyncPgConnection) -> Result<Vec<(EntryNumber, ListEntry)>, Error> {
    type Row = (i64, String, String, Vec<String>, Vec<String>, Vec<String>);
    let mut entries: Vec<(EntryNumber, ListEntry)> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |(number, _)| *number);
        let rows: Vec<Row> = screening_entries::table
            .filter(screening_entries::until_version.is_null())
            .filter(screening_entries::entry_id.gt(after))
            .order(screening_entries::entry_id)
            .limit(ENTRIES_AT_ONCE)
            .select((
                screening_entries::entry_id,
                screening_entries::reference,
                screening_entries::kind,
                screening_entries::names,
                screening_entries::births,
                screening_entries::countries,
            ))
            .load(connection)
            .await?;
        if rows.is_empty() {
            return Ok(entries);
        }
        for (number, reference, kind, names, births, countries) in rows {
            let kind = EntryKind::from_word(&kind)?;
            let births = births.iter().map(|text| text.parse()).collect::<Result<_, _>>();
            let births = births.map_err(|_| Error::Corrupt("a birth date of a list"))?;
            entries.push((number, ListEntry { reference, kind, names, births, countries }));
        }
    }
}
