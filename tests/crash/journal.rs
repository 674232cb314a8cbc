//! What was asked under which key, and what was answered: the clients' side of the story.

use std::collections::BTreeSet;
use std::fmt;

use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::Value;
use tests::Result;
use uuid::Uuid;

use crate::client::Client;
use crate::session::{Session, Who};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Quote,
    Accept,
    PayIn,
    Claim,
    Ready(Uuid),
    Confirm(Uuid),
    Reject(Uuid),
    Cancel(Uuid),
    /// That a transfer between the books be made.
    Propose,
    /// The approval of one, which makes it.
    Transfer,
}

impl Ask {
    /// Whether others may have been first, so that a refusal is a right answer.
    pub const fn is_contested(self) -> bool {
        matches!(self, Self::Ready(_) | Self::Confirm(_) | Self::Reject(_) | Self::Cancel(_))
    }
}

/// A request as it can be sent any number of times.
#[derive(Clone, Debug)]
pub struct Request {
    pub ask: Ask,
    pub who: Who,
    pub path: String,
    pub body: Option<Value>,
    pub key: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub replayed: bool,
}

/// What came of sending a request once.
pub enum Outcome {
    Acknowledged(Answer),
    Refused(Answer),
    /// Whether it was carried out is not known.
    Unanswered,
}

/// What one client was told.
#[derive(Default)]
pub struct Journal {
    pub acknowledged: Vec<(Request, Answer)>,
    pub refused: Vec<(Request, Answer)>,
    /// Keys of requests that got no answer at least once: they may have been carried out without it.
    pub doubtful: BTreeSet<String>,
    /// Keys of those that are never sent again: what becomes of them is left to the server.
    pub abandoned: BTreeSet<String>,
    /// Sendings that got no answer.
    pub unanswered: usize,
    /// Answers to a second sending of what had got none; of these, so many came from the key's first answer.
    pub recovered: usize,
    pub recovered_as_answered: usize,
}

impl Journal {
    /// Keeps an answer. A refusal is a fault where nobody else could have been first.
    pub fn keep(&mut self, request: Request, outcome: Outcome) -> Result<Option<Answer>> {
        match outcome {
            Outcome::Acknowledged(answer) => {
                self.acknowledged.push((request, answer.clone()));
                Ok(Some(answer))
            }
            Outcome::Refused(answer) => {
                let kind = answer.body["type"].as_str().unwrap_or_default();
                let legitimate =
                    request.ask.is_contested() && answer.status == 409 && !kind.ends_with("/still-running");
                if !legitimate {
                    return Err(format!("{request:?} was refused: {answer:?}").into());
                }
                self.refused.push((request, answer));
                Ok(None)
            }
            Outcome::Unanswered => {
                self.unanswered += 1;
                self.doubtful.insert(request.key);
                Ok(None)
            }
        }
    }
}

/// Sends an answered request once more: the answer has to be the first one, and to say so.
pub async fn repeat(session: &Session, request: &Request, first: &Answer) -> Result {
    match session.ask(request).await? {
        Outcome::Unanswered => Ok(()),
        Outcome::Acknowledged(again) => {
            let expected = Answer { replayed: true, ..first.clone() };
            if again == expected { Ok(()) } else { Err(format!("{request:?}: {expected:?} became {again:?}").into()) }
        }
        Outcome::Refused(answer) => Err(format!("{request:?} was answered {first:?}, and then {answer:?}").into()),
    }
}

/// Repeats requests of all clients, chosen by chance.
pub async fn repeat_some(session: &Session, clients: &[Client], count: usize, random: &mut StdRng) -> Result {
    let all: Vec<&(Request, Answer)> = clients.iter().flat_map(|client| &client.journal.acknowledged).collect();
    let chosen: Vec<&(Request, Answer)> = all.sample(random, count).copied().collect();
    for some in chosen.chunks(16) {
        try_join_all(some.iter().map(|(request, answer)| repeat(session, request, answer))).await?;
    }
    Ok(())
}

/// Sums over all clients.
#[derive(Default)]
pub struct Tally {
    pub acknowledged: usize,
    pub refused: usize,
    pub unanswered: usize,
    recovered: usize,
    recovered_as_answered: usize,
}

impl Tally {
    pub fn of<'a>(journals: impl Iterator<Item = &'a Journal>) -> Self {
        journals.fold(Self::default(), |sum, journal| Self {
            acknowledged: sum.acknowledged + journal.acknowledged.len(),
            refused: sum.refused + journal.refused.len(),
            unanswered: sum.unanswered + journal.unanswered,
            recovered: sum.recovered + journal.recovered,
            recovered_as_answered: sum.recovered_as_answered + journal.recovered_as_answered,
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} acknowledged, {} refused, {} sendings unanswered; {} of those answered later, {} from the kept answer",
            self.acknowledged, self.refused, self.unanswered, self.recovered, self.recovered_as_answered
        )
    }
}
