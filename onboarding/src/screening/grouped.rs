//! Cases by whom they are about: one common name may be like hundreds on the lists, and is still one person to look at.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::{count_star, max, min};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::case::CaseState;
use super::cases::{MOST_SHOWN, SubjectRow};
use super::score::Score;
use super::store::Screening;
use super::subject::SubjectKind;
use crate::Error;
use crate::schema::{screening_cases, screening_subjects};

/// Somebody with cases.
#[derive(Clone)]
pub struct SubjectWithCases {
    /// The person, beneficiary or officer.
    pub id: Uuid,
    /// What they are to us.
    pub kind: SubjectKind,
    /// The person in whose account it shows.
    pub owner: Uuid,
    /// Their name as it is now; none once it is erased.
    pub name: Option<String>,
    /// Their birth date.
    pub birth_date: Option<NaiveDate>,
    /// Their country.
    pub country: Option<String>,
    /// How many cases they have in the state that was asked for.
    pub cases: i64,
    /// The highest score of these.
    pub highest_score: Score,
    /// When the first of these was opened.
    pub first_opened_at: DateTime<Utc>,
}

impl Screening {
    /// Whom cases in a state are about, the longest waiting first, after the one that was shown last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn subjects_with_cases(
        &self,
        state: CaseState,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<SubjectWithCases>, Error> {
        type Group = (Uuid, i64, Option<i32>, Option<DateTime<Utc>>);
        let (time, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
        let first = min(screening_cases::opened_at);
        let mut connection = self.database.connection().await?;
        let groups: Vec<Group> = screening_cases::table
            .filter(screening_cases::state.eq(state.word()))
            .group_by(screening_cases::subject_id)
            .having(first.gt(time).or(first.eq(time).and(screening_cases::subject_id.gt(id))))
            .order((first, screening_cases::subject_id))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select((screening_cases::subject_id, count_star(), max(screening_cases::score), first))
            .load(&mut connection)
            .await?;
        let ids: Vec<Uuid> = groups.iter().map(|group| group.0).collect();
        let rows: Vec<SubjectRow> = screening_subjects::table
            .filter(screening_subjects::subject_id.eq_any(&ids))
            .select(SubjectRow::as_select())
            .load(&mut connection)
            .await?;
        let mut rows: HashMap<Uuid, SubjectRow> = rows.into_iter().map(|row| (row.subject_id, row)).collect();
        let subject = |(id, cases, score, opened_at): Group| {
            let row = rows.remove(&id).ok_or(Error::Corrupt("a case without a subject"))?;
            let facts = self.facts(&row.kind, row.country, row.sealed_name, row.sealed_birth_date)?;
            let score = score.and_then(|score| u16::try_from(score).ok()).ok_or(Error::Corrupt("a score"))?;
            Ok(SubjectWithCases {
                id,
                kind: SubjectKind::from_word(&row.kind)?,
                owner: row.owner_id,
                birth_date: facts.as_ref().and_then(|facts| facts.birth_date),
                country: facts.as_ref().and_then(|facts| facts.country.clone()),
                name: facts.map(|facts| facts.name),
                cases,
                highest_score: Score::new(score),
                first_opened_at: opened_at.ok_or(Error::Corrupt("a case without its time"))?,
            })
        };
        groups.into_iter().map(subject).collect()
    }

    /// How many of those who show in a person's account have to wait because of a case.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn waiting_for(&self, owner: Uuid) -> Result<usize, Error> {
        let mut connection = self.database.connection().await?;
        let waiting: i64 = screening_subjects::table
            .filter(screening_subjects::owner_id.eq(owner))
            .filter(diesel::dsl::exists(
                screening_cases::table
                    .filter(screening_cases::subject_id.eq(screening_subjects::subject_id))
                    .filter(screening_cases::state.eq_any([CaseState::Open.word(), CaseState::Confirmed.word()])),
            ))
            .count()
            .get_result(&mut connection)
            .await?;
        Ok(usize::try_from(waiting).unwrap_or(usize::MAX))
    }
}
