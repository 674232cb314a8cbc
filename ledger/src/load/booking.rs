//! Booking: chunks in flight, answered in the order of the file.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::draft::UnitsByCode;
use super::reading::{self, Chunk, Identity, Place};
use super::store::{self, End, Reached};
use super::told::{LineFault, LoadProgress, RefusedLine, Stage};
use super::{LoadError, LoadFile, LoadMode, LoadOutcome, LoadReport, LoadWitness};
use crate::{Ledger, MAX_QUEUED_UNITS, Outcome, PostError, Receipt, UnitOfWork};

/// Chunks that wait in the writer's queue at once: two batches, and one that collects.
const CHUNKS_IN_FLIGHT: usize = 6;
/// Entries after which the place that was reached is kept.
const KEEP_EVERY: u64 = 5_000;
/// How long a full queue is given to drain.
const PAUSE_WHEN_BUSY: Duration = Duration::from_millis(50);

type Answers = Result<Vec<Result<Receipt, PostError>>, PostError>;

/// A chunk that the writer has.
struct Flight {
    lines: Vec<Line>,
    end: Place,
    answers: Pin<Box<dyn Future<Output = Answers> + Send>>,
}

/// An entry that was handed in, or why it was not.
struct Line {
    line: u64,
    reference: Option<String>,
    fault: Option<LineFault>,
}

struct Booking<'a> {
    ledger: &'a Ledger,
    identity: &'a Identity,
    mode: LoadMode,
    report: LoadReport,
    reached: Reached,
    kept_at: u64,
}

/// Books the file from a place on.
pub(super) async fn book(
    ledger: &Ledger,
    file: &LoadFile,
    (identity, units): (&Identity, &Arc<UnitsByCode>),
    from: Option<Reached>,
    witness: &mut dyn LoadWitness,
) -> Result<LoadReport, LoadError> {
    let reached = from.unwrap_or(Reached { place: Place::START, booked: 0, refused: 0 });
    let report = LoadReport { resumed_at_line: from.map(|reached| reached.place.line), ..LoadReport::default() };
    let mut booking = Booking { ledger, identity, mode: file.mode, report, reached, kept_at: 0 };
    let mut chunks = reading::start(file, units, reached.place);
    let mut flights = VecDeque::with_capacity(CHUNKS_IN_FLIGHT);
    // What stops an all-or-nothing load must not have others behind it that are booked after it.
    let most = match file.mode {
        LoadMode::EntryByEntry => CHUNKS_IN_FLIGHT,
        LoadMode::AllOrNothing => 1,
    };
    while let Some(chunk) = chunks.recv().await {
        if flights.len() == most && !booking.land(&mut flights, witness).await? {
            return Ok(booking.report);
        }
        let flight = booking.hand_in(chunk?).await?;
        flights.push_back(flight);
    }
    while !flights.is_empty() {
        if !booking.land(&mut flights, witness).await? {
            return Ok(booking.report);
        }
    }
    identity.check(file).await?;
    store::keep(ledger, identity, booking.reached, End::Reached).await?;
    Ok(booking.report)
}

impl Booking<'_> {
    /// Puts a chunk into the writer's queue. Others write too, and find room there: a full queue is waited for.
    async fn hand_in(&self, chunk: Chunk) -> Result<Flight, LoadError> {
        let mut units = Vec::with_capacity(chunk.items.len());
        let mut lines = Vec::with_capacity(chunk.items.len());
        for item in chunk.items {
            let fault = item.unit.map(|unit| units.push(unit)).err();
            lines.push(Line { line: item.line, reference: item.reference, fault });
        }
        loop {
            while self.ledger.queue_length() + units.len() > MAX_QUEUED_UNITS {
                tokio::time::sleep(PAUSE_WHEN_BUSY).await;
            }
            let mut answers = post(self.ledger.clone(), units.clone());
            // The first poll puts the units into the queue, so chunks stand there in the order of the file.
            match futures_util::poll!(&mut answers) {
                std::task::Poll::Pending => return Ok(Flight { lines, end: chunk.end, answers }),
                std::task::Poll::Ready(Err(PostError::Busy { .. })) => tokio::time::sleep(PAUSE_WHEN_BUSY).await,
                std::task::Poll::Ready(answers) => {
                    let answers = Box::pin(std::future::ready(answers));
                    return Ok(Flight { lines, end: chunk.end, answers });
                }
            }
        }
    }

    /// Waits for the oldest chunk and counts what became of it; `false` when the load is over.
    async fn land(&mut self, flights: &mut VecDeque<Flight>, witness: &mut dyn LoadWitness) -> Result<bool, LoadError> {
        let Some(Flight { lines, end, answers }) = flights.pop_front() else { return Ok(true) };
        let mut answers = answers.await?.into_iter();
        let refused_before = self.report.refused;
        for Line { line, reference, fault } in lines {
            let refused = match fault {
                Some(fault) => RefusedLine::by_fault(line, reference, &fault),
                None => match answers.next().unwrap_or_else(no_answer) {
                    Ok(receipt) => {
                        self.count(&receipt);
                        continue;
                    }
                    Err(PostError::Refused(refusal)) => RefusedLine::by_ledger(line, reference, &refusal),
                    Err(PostError::Rejected(detail)) => RefusedLine::by_database(line, reference, detail),
                    Err(error) => return Err(error.into()),
                },
            };
            self.report.refused += 1;
            self.reached.refused += 1;
            witness.refused(&refused).map_err(LoadError::Witness)?;
        }
        if self.mode == LoadMode::AllOrNothing && self.report.refused > refused_before {
            self.report.outcome = LoadOutcome::Stopped;
            return Ok(false);
        }
        self.reached.place = end;
        self.keep_now_and_then().await?;
        witness.reached(LoadProgress {
            stage: Stage::Booking,
            bytes: end.byte,
            of_bytes: self.identity.bytes,
            accepted: self.reached.booked,
            refused: self.reached.refused,
        });
        Ok(true)
    }

    fn count(&mut self, receipt: &Receipt) {
        self.reached.booked += 1;
        match receipt.outcome {
            Outcome::AlreadyBooked => self.report.already_booked += 1,
            // Loads never ask for dry runs.
            Outcome::WouldBeBooked => {}
            Outcome::Booked => {
                self.report.booked += 1;
                let first = self.report.sequences.map_or(receipt.sequence, |(first, _)| first);
                self.report.sequences = Some((first, receipt.sequence));
            }
        }
    }

    async fn keep_now_and_then(&mut self) -> Result<(), LoadError> {
        let answered = self.reached.booked + self.reached.refused;
        if answered >= self.kept_at + KEEP_EVERY {
            self.kept_at = answered;
            store::keep(self.ledger, self.identity, self.reached, End::Ahead).await?;
        }
        Ok(())
    }
}

fn post(ledger: Ledger, units: Vec<UnitOfWork>) -> Pin<Box<dyn Future<Output = Answers> + Send>> {
    Box::pin(async move { ledger.post_all(units).await })
}

fn no_answer() -> Result<Receipt, PostError> {
    Err(PostError::Unavailable("the writer gave no answer".to_owned()))
}
