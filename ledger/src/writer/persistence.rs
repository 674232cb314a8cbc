//! Trying a batch until the database accepts or rejects it.

use std::time::{Duration, Instant};

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::{Purpose, Writer};
use crate::unit_of_work::{PostError, Receipt, Refusal, UnitOfWork};

/// How long a batch is tried again while the database does not answer.
const UNAVAILABLE_AFTER: Duration = Duration::from_secs(20);

impl Writer {
    /// Writes units as one batch, or, when the database refuses the batch, as smaller ones.
    pub(super) async fn write(&mut self, units: &[UnitOfWork], purpose: Purpose) -> Vec<Result<Receipt, PostError>> {
        let mut answers = Vec::with_capacity(units.len());
        let mut waiting = vec![units];
        while let Some(part) = waiting.pop() {
            match self.write_persistently(part, purpose).await {
                Ok(written) => answers.extend(written.into_iter().map(|answer| answer.map_err(PostError::from))),
                Err(Failure::Unavailable(reason)) => {
                    answers.extend(part.iter().map(|_| Err(PostError::Unavailable(reason.clone()))));
                }
                Err(Failure::Rejected(reason)) if part.len() == 1 => {
                    tracing::error!(reason, "the database rejected a unit of work");
                    answers.push(Err(PostError::Rejected(reason)));
                }
                Err(Failure::Rejected(_)) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    waiting.push(second);
                    waiting.push(first);
                }
            }
        }
        answers
    }

    /// Tries a batch until the database accepts or rejects it, through lost connections and lost races.
    async fn write_persistently(
        &mut self,
        units: &[UnitOfWork],
        purpose: Purpose,
    ) -> Result<Vec<Result<Receipt, Refusal>>, Failure> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            let error = match self.connect().await {
                Ok(mut connection) => {
                    let now = self.clock.now();
                    let written = self.memory.write_carefully(&mut connection, units, now, purpose).await;
                    match written {
                        Ok(answers) => {
                            self.idle.push(connection);
                            return Ok(answers);
                        }
                        Err(error) => {
                            if !is_lost(&error) {
                                self.idle.push(connection);
                            }
                            if is_final(&error) {
                                return Err(Failure::Rejected(error.to_string()));
                            }
                            error.to_string()
                        }
                    }
                }
                Err(error) => error.to_string(),
            };
            if started.elapsed() > UNAVAILABLE_AFTER {
                tracing::error!(error, units = units.len(), "gave up a batch: the database does not answer");
                return Err(Failure::Unavailable(error));
            }
            tracing::warn!(error, "a batch is tried again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }
}

/// Why a batch was not written.
enum Failure {
    /// The database said no to the data; nothing was booked.
    Rejected(String),
    /// The database did not answer; whether something was booked is unknown.
    Unavailable(String),
}

/// Whether the connection can't be used again.
pub(super) fn is_lost(error: &DieselError) -> bool {
    matches!(
        error,
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
            | DieselError::BrokenTransactionManager
    ) || !matches!(error, DieselError::DatabaseError(..))
}

/// Whether trying the same again would fail the same way.
fn is_final(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => false,
            DatabaseErrorKind::Unknown => !passes(information.message()),
            _ => true,
        },
        DieselError::NotFound
        | DieselError::QueryBuilderError(_)
        | DieselError::DeserializationError(_)
        | DieselError::SerializationError(_) => true,
        _ => false,
    }
}

/// Failures that PostgreSQL has no other name for here and that pass by themselves.
fn passes(message: &str) -> bool {
    [
        "deadlock",
        "terminating connection",
        "shutting down",
        "starting up",
        "recovery mode",
        "timeout",
        "too many clients",
        "connection slots",
        "No space left on device",
        "could not extend",
        "out of memory",
        // A statement that somebody in charge of the database cancelled, or that took too long.
        "canceling statement",
    ]
    .iter()
    .any(|cause| message.contains(cause))
}
