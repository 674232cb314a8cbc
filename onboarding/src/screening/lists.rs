//! Lists by version: a file that is loaded replaces what its list said, and what was said stays to be read.
//!
//! The file is read twice: first to its end, beside what the list says now, before anything is written; then for what is
//! new or changed. Versions come into force one after the other, under one lock, so that a higher number is later.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Seek as _};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::entry::ListEntry;
use super::list_file::{ListFile, ListFormat};
use super::store::Screening;
use crate::schema::{screening_entries, screening_versions};
use crate::{Error, OperatorId};

/// The advisory lock of whoever brings a version into force; any number that nothing else uses.
const LOADING_LOCK: i64 = 7_306_087_019;
/// Entries that are written at once, and batches that wait to be.
const WRITTEN_AT_ONCE: usize = 500;
const BATCHES_WAITING: usize = 4;
/// Ends that are written at once.
const ENDED_AT_ONCE: usize = 10_000;
/// Of so many names, one may go without anybody looking: lists lose a few in a hundred with a version.
const ORDINARY_PART: usize = 10;
/// Versions that one list shows at most.
const MOST_SHOWN: i64 = 100;

/// A list's short name: `un`, `ofac-sdn`, `eu`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListName(String);

/// The text is no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a list's name has 1 to 40 lower-case letters, digits and hyphens, such as ofac-sdn")]
pub struct InvalidListName;

impl ListName {
    /// The name that a text spells.
    ///
    /// # Errors
    /// [`InvalidListName`].
    pub fn try_new(text: &str) -> Result<Self, InvalidListName> {
        let characters = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let edges = !text.starts_with('-') && !text.ends_with('-');
        let fits = (1..=40).contains(&text.len()) && characters && edges;
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidListName) }
    }
}

/// A file of a list, as it came into force.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = screening_versions)]
pub struct ListVersion {
    /// Its number; a higher one is later, whatever the list.
    pub version: i64,
    /// Of which list.
    pub list: String,
    /// In which form it came.
    pub format: String,
    /// When it was published.
    pub published_on: Option<NaiveDate>,
    /// SHA-256 of the file.
    pub digest: Vec<u8>,
    /// Whom it names, in all.
    pub entries: i32,
    /// Of these, new ones.
    pub added: i32,
    /// And changed ones.
    pub changed: i32,
    /// Entries of the version before that it does not have.
    pub removed: i32,
    /// Who loaded it; none on the command line.
    pub loaded_by: Option<OperatorId>,
    /// When.
    pub loaded_at: DateTime<Utc>,
}

/// What came of loading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListLoad {
    /// It is a new version.
    Loaded(ListVersion),
    /// The list says this already; nothing was changed.
    Unchanged(ListVersion),
}

/// How many names a file may take off its list. One that leaves out many is most often cut off, or another list's, and
/// everybody whom it leaves out could come and be paid until somebody notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removals {
    /// One of ten.
    AFew,
    /// So many: somebody has looked at it.
    UpTo(usize),
}

impl Removals {
    fn allow(self, removed: usize, known: usize) -> Result<(), Error> {
        let allowed = match self {
            Self::AFew => 0,
            Self::UpTo(number) => number,
        };
        let few = removed <= known / ORDINARY_PART;
        if few || removed <= allowed { Ok(()) } else { Err(Error::ListShrinks { removed, known }) }
    }
}

/// What a list says now: each entry's number and digest, by the publisher's number.
type Known = HashMap<String, (i64, Vec<u8>)>;

/// What a file would change.
struct Survey {
    file: File,
    known: Known,
    digest: Vec<u8>,
    published_on: Option<NaiveDate>,
    entries: usize,
    added: usize,
    changed: usize,
    /// Numbers of entries that are changed or left out.
    ended: Vec<i64>,
}

impl Survey {
    /// Entries that the list has now and the file leaves out.
    fn removed(&self) -> usize {
        self.ended.len() - self.changed
    }
}

impl Screening {
    /// Loads a list's file whole, or not at all.
    ///
    /// # Errors
    /// [`Error::ListRefused`] with the place of the first fault, [`Error::ListShrinks`] when it leaves out more than
    /// may be, [`Error::ListChanging`] when another version of the list comes into force at the same moment.
    pub async fn load_list(
        &self,
        list: &ListName,
        format: ListFormat,
        file: File,
        removals: Removals,
        by: Option<OperatorId>,
    ) -> Result<ListLoad, Error> {
        let mut connection = self.database.connection().await?;
        let before = newest(&mut connection, list).await?;
        let known = read_known(&mut connection, list).await?;
        // Reading may take long: nobody's connection waits for it.
        drop(connection);
        let surveyed = tokio::task::spawn_blocking(move || survey(file, format, known)).await;
        let survey = surveyed.map_err(|_| Error::CutOff)??;
        if let Some(known) = before.as_ref().filter(|version| version.digest == survey.digest) {
            return Ok(ListLoad::Unchanged(known.clone()));
        }
        removals.allow(survey.removed(), survey.known.len())?;
        let mut connection = self.database.connection().await?;
        let loaded = connection
            .transaction(async |connection| {
                diesel::sql_query("select pg_advisory_xact_lock($1)")
                    .bind::<diesel::sql_types::BigInt, _>(LOADING_LOCK)
                    .execute(connection)
                    .await?;
                if newest(connection, list).await? != before {
                    return Err(Error::ListChanging);
                }
                let version = self.insert_version(connection, list, format, &survey, by).await?;
                for ended in survey.ended.chunks(ENDED_AT_ONCE) {
                    diesel::update(screening_entries::table.filter(screening_entries::entry_id.eq_any(ended)))
                        .set(screening_entries::until_version.eq(version.version))
                        .execute(connection)
                        .await?;
                }
                write_entries(connection, list, format, survey, version.version).await?;
                Ok(version)
            })
            .await?;
        let ListVersion { version, entries, added, changed, removed, .. } = &loaded;
        tracing::info!(list = list.0, version, entries, added, changed, removed, "loaded a list");
        Ok(ListLoad::Loaded(loaded))
    }

    /// Versions of all lists, the newest first, before the one that was shown last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_versions(&self, before: Option<i64>, limit: i64) -> Result<Vec<ListVersion>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(screening_versions::table
            .filter(screening_versions::version.lt(before.unwrap_or(i64::MAX)))
            .order(screening_versions::version.desc())
            .limit(limit.clamp(1, MOST_SHOWN))
            .select(ListVersion::as_select())
            .load(&mut connection)
            .await?)
    }

    async fn insert_version(
        &self,
        connection: &mut AsyncPgConnection,
        list: &ListName,
        format: ListFormat,
        survey: &Survey,
        by: Option<OperatorId>,
    ) -> Result<ListVersion, Error> {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        Ok(diesel::insert_into(screening_versions::table)
            .values((
                screening_versions::list.eq(&list.0),
                screening_versions::format.eq(format.word()),
                screening_versions::published_on.eq(survey.published_on),
                screening_versions::digest.eq(&survey.digest),
                screening_versions::entries.eq(count(survey.entries)),
                screening_versions::added.eq(count(survey.added)),
                screening_versions::changed.eq(count(survey.changed)),
                screening_versions::removed.eq(count(survey.removed())),
                screening_versions::loaded_by.eq(by),
                screening_versions::loaded_at.eq(self.clock.now()),
            ))
            .returning(ListVersion::as_returning())
            .get_result(connection)
            .await?)
    }
}

async fn newest(connection: &mut AsyncPgConnection, list: &ListName) -> Result<Option<ListVersion>, Error> {
    Ok(screening_versions::table
        .filter(screening_versions::list.eq(&list.0))
        .order(screening_versions::version.desc())
        .select(ListVersion::as_select())
        .first(connection)
        .await
        .optional()?)
}

async fn read_known(connection: &mut AsyncPgConnection, list: &ListName) -> Result<Known, Error> {
    let rows: Vec<(String, i64, Vec<u8>)> = screening_entries::table
        .filter(screening_entries::list.eq(&list.0))
        .filter(screening_entries::until_version.is_null())
        .select((screening_entries::reference, screening_entries::entry_id, screening_entries::digest))
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|(reference, number, digest)| (reference, (number, digest))).collect())
}

/// Reads a file to its end, beside what the list says now.
fn survey(mut file: File, format: ListFormat, known: Known) -> Result<Survey, Error> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut HashWriter(&mut hasher)).map_err(Error::ListUnread)?;
    file.rewind().map_err(Error::ListUnread)?;
    let (mut entries, mut added, mut changed) = (0, 0, 0);
    let mut ended: HashMap<&str, i64> =
        known.iter().map(|(reference, (number, _))| (reference.as_str(), *number)).collect();
    let mut list = ListFile::new(format, BufReader::new(&file));
    for entry in &mut list {
        let entry = entry?;
        entries += 1;
        match known.get(&entry.reference) {
            None => added += 1,
            Some((_, digest)) if *digest != entry.digest() => changed += 1,
            Some(_) => {
                ended.remove(entry.reference.as_str());
            }
        }
    }
    let published_on = list.published_on();
    drop(list);
    let ended = ended.into_values().collect();
    let digest = hasher.finalize().to_vec();
    Ok(Survey { file, known, digest, published_on, entries, added, changed, ended })
}

/// Hashes what is written to it.
struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes what is new or changed, a batch while the next one is read.
async fn write_entries(
    connection: &mut AsyncPgConnection,
    list: &ListName,
    format: ListFormat,
    survey: Survey,
    version: i64,
) -> Result<(), Error> {
    let (sender, mut receiver) = mpsc::channel::<Vec<ListEntry>>(BATCHES_WAITING);
    let reading = tokio::task::spawn_blocking(move || read_changed(survey, format, &sender));
    while let Some(batch) = receiver.recv().await {
        let rows: Vec<_> = batch
            .iter()
            .map(|entry| {
                (
                    screening_entries::list.eq(&list.0),
                    screening_entries::reference.eq(&entry.reference),
                    screening_entries::kind.eq(entry.kind.word()),
                    screening_entries::names.eq(&entry.names),
                    screening_entries::births.eq(entry.births.iter().map(ToString::to_string).collect::<Vec<_>>()),
                    screening_entries::countries.eq(&entry.countries),
                    screening_entries::digest.eq(entry.digest()),
                    screening_entries::since_version.eq(version),
                )
            })
            .collect();
        diesel::insert_into(screening_entries::table).values(rows).execute(connection).await?;
    }
    reading.await.map_err(|_| Error::CutOff)?
}

fn read_changed(survey: Survey, format: ListFormat, sender: &mpsc::Sender<Vec<ListEntry>>) -> Result<(), Error> {
    let mut file = &survey.file;
    file.rewind().map_err(Error::ListUnread)?;
    let mut batch = Vec::new();
    for entry in ListFile::new(format, BufReader::new(file)) {
        let entry = entry?;
        let same = survey.known.get(&entry.reference).is_some_and(|(_, digest)| *digest == entry.digest());
        if !same {
            batch.push(entry);
        }
        // Nobody receives any more when the database has refused: that fault is told.
        if batch.len() >= WRITTEN_AT_ONCE && sender.blocking_send(std::mem::take(&mut batch)).is_err() {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        let _ = sender.blocking_send(batch);
    }
    Ok(())
}
