//! Who has to wait, since when, and what is noted of it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::case::{CaseEvent, CaseId, CaseState};
use super::cases::REASON;
use super::store::{NEVER, Screening};
use crate::Error;
use crate::schema::{screening_case_history, screening_cases, screening_subjects};

/// States of cases for which money waits.
const WAITS: [&str; 2] = [CaseState::Open.word(), CaseState::Confirmed.word()];

impl Screening {
    /// Which of these have to wait: those with a case that is open or confirmed, and those whose name was never held
    /// against the lists. Whom screening does not know does not wait.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn waiting(&self, subjects: &[Uuid]) -> Result<HashSet<Uuid>, Error> {
        Ok(self.waiting_each(subjects).await?.into_iter().map(|(subject, _)| subject).collect())
    }

    /// Since when the first of these has had to wait; none when none has to.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn waiting_since(&self, subjects: &[Uuid]) -> Result<Option<DateTime<Utc>>, Error> {
        Ok(self.waiting_each(subjects).await?.into_iter().map(|(_, since)| since).min())
    }

    async fn waiting_each(&self, subjects: &[Uuid]) -> Result<Vec<(Uuid, DateTime<Utc>)>, Error> {
        let mut connection = self.database.connection().await?;
        let mut waiting: Vec<(Uuid, DateTime<Utc>)> = screening_cases::table
            .filter(screening_cases::subject_id.eq_any(subjects))
            .filter(screening_cases::state.eq_any(WAITS))
            .select((screening_cases::subject_id, screening_cases::opened_at))
            .load(&mut connection)
            .await?;
        let never: Vec<(Uuid, DateTime<Utc>)> = screening_subjects::table
            .filter(screening_subjects::subject_id.eq_any(subjects))
            .filter(screening_subjects::screened_through.eq(NEVER))
            .select((screening_subjects::subject_id, screening_subjects::entered_at))
            .load(&mut connection)
            .await?;
        waiting.extend(never);
        Ok(waiting)
    }

    /// Notes something in all cases for which these wait. What is said twice is noted twice.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note(&self, subjects: &[Uuid], note: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let waiting: Vec<CaseId> = screening_cases::table
                    .filter(screening_cases::subject_id.eq_any(subjects))
                    .filter(screening_cases::state.eq_any(WAITS))
                    .order(screening_cases::case_id)
                    .select(screening_cases::case_id)
                    .for_update()
                    .load(connection)
                    .await?;
                let noted: Vec<_> = waiting
                    .iter()
                    .map(|case| {
                        (
                            screening_case_history::case_id.eq(case),
                            screening_case_history::event.eq(CaseEvent::Noted.word()),
                            screening_case_history::sealed_reason.eq(self.cipher.encrypt(REASON, note)),
                            screening_case_history::happened_at.eq(now),
                        )
                    })
                    .collect();
                diesel::insert_into(screening_case_history::table).values(noted).execute(connection).await?;
                Ok(())
            })
            .await
    }
}
