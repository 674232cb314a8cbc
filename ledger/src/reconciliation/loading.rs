//! Loading a statement file: read to its end first, so that nothing of a faulty one is stored, then kept page by page.

use std::io::{BufReader, Read, Seek};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Date, Integer, Nullable, SmallInt, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::account::Turn;
use super::statement_file::{self, FileFault, Line, Part, StatementFormat, Surveyed, comparable_reference};
use super::{Reconciliation, ReconciliationError, TEXT};
use crate::schema::reconciliation_statements as statements;
use crate::{AccountCode, Currency};

/// Lines that are kept by one statement.
const PAGE_LINES: usize = 5_000;
/// Pages that are read ahead.
const PAGES_AHEAD: usize = 2;

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The statements of this account, in the order of the file.
    pub statements: Vec<LoadedStatement>,
    /// Statements of other accounts, which are left out.
    pub passed_over: usize,
}

/// A statement of a file, as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadedStatement {
    /// It was loaded.
    Loaded {
        /// Its number.
        statement: i64,
        /// Its lines.
        lines: i32,
    },
    /// The same statement was loaded before.
    AlreadyLoaded {
        /// Its number.
        statement: i64,
    },
}

/// A page of a statement's lines; `statement` is its place in the file.
struct Page {
    statement: usize,
    lines: Vec<Line>,
}

impl Reconciliation {
    /// Loads the statements of an account from a file, all or none. Those of other accounts are left out.
    ///
    /// # Errors
    /// [`ReconciliationError::File`] with the place and the fault, [`ReconciliationError::StatementChanged`],
    /// [`ReconciliationError::NotReconciled`].
    pub async fn load(
        &self,
        code: &AccountCode,
        currency: Currency,
        format: &StatementFormat,
        file: impl Read + Seek + Send + 'static,
        person: Uuid,
    ) -> Result<Load, ReconciliationError> {
        let reading = format.clone();
        let survey = tokio::task::spawn_blocking(move || {
            let mut file = file;
            let surveyed = statement_file::survey(&mut *statement_file::open(&reading, BufReader::new(&mut file)))?;
            file.rewind().map_err(|error| ReconciliationError::Unread(error.to_string()))?;
            Ok::<_, ReconciliationError>((surveyed, file))
        });
        let (surveyed, file) = survey.await.map_err(|error| ReconciliationError::Unread(error.to_string()))??;
        let mut connection = self.long_connection().await?;
        let loaded = connection
            .transaction(async |connection| {
                let mut turn = self.turn(connection, code, currency, person).await?;
                let plan = plan(connection, &mut turn, &surveyed).await?;
                if plan.iter().any(Planned::is_new) {
                    let (pages, reader) = read_pages(format.clone(), file);
                    self.keep_pages(connection, &mut turn, &plan, pages).await?;
                    reader.await.map_err(|error| ReconciliationError::Unread(error.to_string()))??;
                }
                turn.keep_numbers(connection).await?;
                Ok::<_, ReconciliationError>(plan)
            })
            .await?;
        let passed_over = loaded.iter().filter(|planned| matches!(planned, Planned::Elsewhere)).count();
        let statements: Vec<_> = loaded.into_iter().filter_map(Planned::told).collect();
        tracing::info!(account = %code, statements = statements.len(), passed_over, "loaded a statement file");
        Ok(Load { statements, passed_over })
    }

    async fn keep_pages(
        &self,
        connection: &mut AsyncPgConnection,
        turn: &mut Turn,
        plan: &[Planned],
        mut pages: mpsc::Receiver<Page>,
    ) -> Result<(), ReconciliationError> {
        let mut kept = vec![0_i32; plan.len()];
        while let Some(Page { statement: place, lines }) = pages.recv().await {
            let (Some(Planned::New { statement, .. }), Some(kept)) = (plan.get(place), kept.get_mut(place)) else {
                continue;
            };
            let count = i32::try_from(lines.len()).unwrap_or(i32::MAX);
            self.keep_lines(connection, turn, *statement, *kept, &lines).await?;
            *kept += count;
            turn.locked.last_item += i64::from(count);
        }
        // The file is the same as when it was surveyed, unless somebody changes it meanwhile.
        let whole = plan.iter().zip(&kept).all(|(planned, kept)| match planned {
            Planned::New { lines, .. } => lines == kept,
            _ => *kept == 0,
        });
        if whole { Ok(()) } else { Err(ReconciliationError::Unread("it changed while it was read".to_owned())) }
    }

    async fn keep_lines(
        &self,
        connection: &mut AsyncPgConnection,
        turn: &Turn,
        statement: i64,
        after: i32,
        lines: &[Line],
    ) -> Result<(), ReconciliationError> {
        const TEXT_OF: &str = "insert into ledger.reconciliation_items
                (book_id, commodity, account, item, statement, amount_minor, place, occurs_on, reference,
                 bank_reference, sealed_text)
            select $1, $2, $3, $4 + ordinality, $5, amount_minor, $6 + ordinality, occurs_on, reference,
                bank_reference, sealed_text
            from unnest($7, $8, $9, $10, $11) with ordinality
                as line (amount_minor, occurs_on, reference, bank_reference, sealed_text, ordinality)";
        let references: Vec<Option<String>> = lines.iter().map(|line| self.reference_of(line)).collect();
        let amounts: Vec<i64> = lines.iter().map(|line| line.amount_minor).collect();
        let dates: Vec<NaiveDate> = lines.iter().map(|line| line.occurs_on).collect();
        let bank_references: Vec<Option<&str>> = lines.iter().map(|line| line.bank_reference.as_deref()).collect();
        let sealed = lines.iter().map(|line| (!line.text.is_empty()).then(|| self.cipher.encrypt(TEXT, &line.text)));
        diesel::sql_query(TEXT_OF)
            .bind::<SmallInt, _>(turn.book)
            .bind::<Integer, _>(turn.locked.commodity)
            .bind::<BigInt, _>(turn.locked.account)
            .bind::<BigInt, _>(turn.locked.last_item)
            .bind::<BigInt, _>(statement)
            .bind::<Integer, _>(after)
            .bind::<Array<BigInt>, _>(amounts)
            .bind::<Array<Date>, _>(dates)
            .bind::<Array<Nullable<Text>>, _>(references)
            .bind::<Array<Nullable<Text>>, _>(bank_references)
            .bind::<Array<Nullable<Bytea>>, _>(sealed.collect::<Vec<_>>())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// What a line is about: a reference of the house wherever it stands, or else what the payer's bank names.
    fn reference_of(&self, line: &Line) -> Option<String> {
        let named = line.reference.as_deref();
        let ours = (self.find_reference)(&line.text).or_else(|| named.and_then(self.find_reference));
        ours.as_deref().and_then(comparable_reference).or_else(|| line.reference.clone())
    }
}

/// What is to become of each statement; those that are new are kept, their lines not yet.
async fn plan(
    connection: &mut AsyncPgConnection,
    turn: &mut Turn,
    surveyed: &[Surveyed],
) -> Result<Vec<Planned>, ReconciliationError> {
    let mut plan = Vec::with_capacity(surveyed.len());
    for statement in surveyed {
        let head = &statement.head;
        plan.push(match head.external_account == turn.locked.external_account && head.currency == turn.currency {
            false => Planned::Elsewhere,
            true => plan_one(connection, turn, statement).await?,
        });
    }
    if plan.iter().all(|planned| matches!(planned, Planned::Elsewhere)) {
        let found = &surveyed[0].head;
        let (own, currency) = (&turn.locked.external_account, turn.currency);
        let what =
            format!("it is of account {} in {}, not of {own} in {currency}", found.external_account, found.currency);
        return Err(FileFault { place: "statement 1".to_owned(), what }.into());
    }
    Ok(plan)
}

async fn plan_one(
    connection: &mut AsyncPgConnection,
    turn: &mut Turn,
    surveyed: &Surveyed,
) -> Result<Planned, ReconciliationError> {
    let Surveyed { head, end, lines, digest } = surveyed;
    let known: Option<(i64, Vec<u8>)> = statements::table
        .filter(statements::book_id.eq(turn.book))
        .filter(statements::account.eq(turn.locked.account))
        .filter(statements::external_id.eq(&head.external_id))
        .filter(statements::external_number.eq(&head.external_number))
        .filter(statements::closes_on.eq(end.closes_on))
        .select((statements::statement, statements::digest))
        .first(connection)
        .await
        .optional()?;
    match known {
        Some((statement, known)) if known == digest => return Ok(Planned::Known { statement }),
        Some(_) => {
            return Err(ReconciliationError::StatementChanged {
                external_id: head.external_id.clone(),
                external_number: head.external_number.clone(),
            });
        }
        None => {}
    }
    turn.locked.last_statement += 1;
    diesel::insert_into(statements::table)
        .values((
            statements::book_id.eq(turn.book),
            statements::commodity.eq(turn.locked.commodity),
            statements::account.eq(turn.locked.account),
            statements::statement.eq(turn.locked.last_statement),
            statements::external_id.eq(&head.external_id),
            statements::external_number.eq(&head.external_number),
            statements::opens_on.eq(head.opens_on),
            statements::closes_on.eq(end.closes_on),
            statements::opening_minor.eq(head.opening_minor),
            statements::closing_minor.eq(end.closing_minor),
            statements::lines.eq(lines),
            statements::digest.eq(digest.as_slice()),
            statements::loaded_by.eq(turn.person),
            statements::loaded_at.eq(turn.at),
        ))
        .execute(connection)
        .await?;
    Ok(Planned::New { statement: turn.locked.last_statement, lines: *lines })
}

enum Planned {
    New { statement: i64, lines: i32 },
    Known { statement: i64 },
    Elsewhere,
}

impl Planned {
    const fn is_new(&self) -> bool {
        matches!(self, Self::New { .. })
    }

    const fn told(self) -> Option<LoadedStatement> {
        match self {
            Self::New { statement, lines } => Some(LoadedStatement::Loaded { statement, lines }),
            Self::Known { statement } => Some(LoadedStatement::AlreadyLoaded { statement }),
            Self::Elsewhere => None,
        }
    }
}

/// Reads on a thread of its own, as far ahead as the pages allow; ends early when nobody takes them.
fn read_pages(
    format: StatementFormat,
    file: impl Read + Send + 'static,
) -> (mpsc::Receiver<Page>, tokio::task::JoinHandle<Result<(), ReconciliationError>>) {
    let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
    let reader = tokio::task::spawn_blocking(move || {
        let mut parts = statement_file::open(&format, BufReader::new(file));
        let mut statement = 0;
        let mut lines = Vec::new();
        while let Some(part) = parts.next()? {
            let ended = match part {
                Part::Opened(_) => continue,
                Part::Line(line) => {
                    lines.push(line);
                    false
                }
                Part::Closed(_) => true,
            };
            if ended || lines.len() >= PAGE_LINES {
                let page = Page { statement, lines: std::mem::take(&mut lines) };
                if sender.blocking_send(page).is_err() {
                    break;
                }
            }
            statement += usize::from(ended);
        }
        Ok(())
    });
    (receiver, reader)
}
