//! One client: a migrant's app, the operator's bank feed and an institution's till, in turns.

use std::sync::Arc;

use chrono::Utc;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tests::Result;
use uuid::Uuid;

use crate::journal::{Answer, Ask, Journal, Outcome, Request, repeat};
use crate::preparation::Cast;
use crate::session::{Session, Who};

/// Payouts that one claim asks for.
const CLAIMED_AT_ONCE: u32 = 5;

/// What a client has learnt that it could do next.
#[derive(Clone)]
enum Step {
    Accept { quote: String },
    PayIn { reference: String, amount: Value },
    Settle { payout: Uuid },
    Cancel { remittance: Uuid },
    Approve { book: i64, proposal: Uuid, digest: Value },
}

pub struct Client {
    number: usize,
    migrant: usize,
    beneficiary: Uuid,
    project: Uuid,
    random: StdRng,
    keys: usize,
    steps: Vec<Step>,
    /// Requests that got no answer, to be sent again with their keys.
    open: Vec<Request>,
    pub journal: Journal,
}

impl Client {
    pub fn new(number: usize, migrant: usize, cast: &Cast, seed: u64) -> Self {
        Self {
            number,
            migrant,
            beneficiary: cast.migrants[migrant].beneficiary,
            project: cast.project,
            random: StdRng::seed_from_u64(seed),
            keys: 0,
            steps: Vec::new(),
            open: Vec::new(),
            journal: Journal::default(),
        }
    }

    /// Works until the session ends or a request gets no answer.
    pub async fn work(mut self, session: Arc<Session>) -> Result<Self> {
        if self.send_open(&session).await? {
            self.look_back(&session).await?;
            while !session.is_over() {
                let request = self.next();
                if !self.send(&session, request).await? {
                    break;
                }
            }
        }
        Ok(self)
    }

    /// Sends what is open once more; now everything has to be answered.
    pub async fn catch_up(&mut self, session: &Session) -> Result {
        if self.send_open(session).await? { Ok(()) } else { Err("a running server gave no answer".into()) }
    }

    async fn send_open(&mut self, session: &Session) -> Result<bool> {
        while let Some(request) = self.open.pop() {
            // Recovery has to bring it to its end without being asked.
            if request.ask == Ask::Transfer && self.random.random_bool(0.6) {
                self.journal.abandoned.insert(request.key);
                continue;
            }
            if !self.send(session, request).await? {
                return Ok(false);
            }
            self.journal.recovered += 1;
        }
        Ok(true)
    }

    /// Sends a request and learns from the answer; whether there was one.
    async fn send(&mut self, session: &Session, request: Request) -> Result<bool> {
        let outcome = session.ask(&request).await?;
        if matches!(outcome, Outcome::Unanswered) {
            self.open.push(request.clone());
        }
        let answered = !matches!(outcome, Outcome::Unanswered);
        if let Some(answer) = self.journal.keep(request.clone(), outcome)? {
            self.journal.recovered_as_answered += usize::from(answer.replayed);
            self.learn(&request, &answer)?;
        }
        Ok(answered)
    }

    /// Repeats something that was answered, and takes up a payout whose claim may have lost its answer.
    async fn look_back(&mut self, session: &Session) -> Result {
        if let Some((request, answer)) = self.journal.acknowledged.choose(&mut self.random) {
            repeat(session, request, answer).await?;
        }
        if self.random.random_bool(0.2)
            && let Some(page) = session.read(Who::Partner, "/partner/payouts?state=submitted&limit=100").await?
        {
            let items = page["items"].as_array().ok_or("a page has items")?;
            if let Some(payout) = items.choose(&mut self.random) {
                self.steps.push(Step::Settle { payout: id(payout)? });
            }
        }
        Ok(())
    }

    fn learn(&mut self, request: &Request, answer: &Answer) -> Result {
        let body = &answer.body;
        match request.ask {
            Ask::Quote => self.steps.push(Step::Accept { quote: id(body)?.to_string() }),
            Ask::Accept => {
                let reference = body["reference"].as_str().ok_or("a remittance has a reference")?.to_owned();
                self.steps.push(Step::PayIn { reference, amount: body["to_pay"].clone() });
                self.perhaps(0.08, Step::Cancel { remittance: id(body)? });
            }
            Ask::PayIn => {
                if let Some(remittance) = body["remittance"].as_str() {
                    self.perhaps(0.15, Step::Cancel { remittance: remittance.parse()? });
                }
            }
            Ask::Claim => {
                for payout in body.as_array().ok_or("a claim answers a list")? {
                    let payout = id(payout)?;
                    self.steps.push(Step::Settle { payout });
                    // A till that loses track settles twice, and not always in the same way.
                    self.perhaps(0.05, Step::Settle { payout });
                }
            }
            Ask::Ready(payout) => self.steps.push(Step::Settle { payout }),
            Ask::Propose => {
                let book = body["book"].as_i64().ok_or("a proposal is for a book")?;
                self.steps.push(Step::Approve { book, proposal: id(body)?, digest: body["digest"].clone() });
            }
            Ask::Confirm(_) | Ask::Reject(_) | Ask::Cancel(_) | Ask::Transfer => {}
        }
        Ok(())
    }

    fn perhaps(&mut self, probability: f64, step: Step) {
        if self.random.random_bool(probability) {
            self.steps.push(step);
        }
    }

    fn next(&mut self) -> Request {
        if !self.steps.is_empty() && self.random.random_bool(0.8) {
            let chosen = self.random.random_range(0..self.steps.len());
            let step = self.steps.swap_remove(chosen);
            return self.step(step);
        }
        match self.random.random_range(0..10) {
            0..5 => self.quote(),
            5..8 => self.claim(),
            _ => self.transfer(),
        }
    }

    /// Money at the bank is to go from one book to the other; a few name what is no account there.
    fn transfer(&mut self) -> Request {
        const BANK: &str = "assets:pay-in:bank";
        let destination = if self.random.random_bool(0.1) { "assets:pay-in-by:typing-error" } else { BANK };
        let (from, to) = if self.random.random_bool(0.5) { (1, 2) } else { (2, 1) };
        let amount = self.random.random_range(1..=100);
        let amount = match self.random.random_bool(0.5) {
            true => json!({ "amount": format!("{amount}.00"), "currency": "EUR" }),
            false => json!({ "amount": amount.to_string(), "currency": "XOF" }),
        };
        let to = json!({ "book": to, "account": destination });
        let body = json!({
            "reason": "what the other book's till needs",
            "action": { "kind": "transfer", "from": BANK, "to": to, "amount": amount },
        });
        self.request(Ask::Propose, Who::Operator, format!("/operator/books/{from}/proposals"), Some(body))
    }

    fn step(&mut self, step: Step) -> Request {
        let migrant = Who::Migrant(self.migrant);
        match step {
            Step::Accept { quote } => {
                let body = json!({ "quote": quote, "beneficiary": self.beneficiary });
                self.request(Ask::Accept, migrant, "/mobile/remittances".to_owned(), Some(body))
            }
            Step::PayIn { reference, amount } => {
                // A bank that reports the same twice.
                self.perhaps(0.05, Step::PayIn { reference: reference.clone(), amount: amount.clone() });
                let body = json!({
                    "provider": "bank",
                    "provider_reference": format!("statement {reference}"),
                    "amount": amount,
                    "value_date": Utc::now().date_naive(),
                    "text": format!("virement {reference} merci"),
                });
                self.request(Ask::PayIn, Who::Operator, "/operator/pay-ins".to_owned(), Some(body))
            }
            Step::Cancel { remittance } => {
                let path = format!("/mobile/remittances/{remittance}/cancellation");
                self.request(Ask::Cancel(remittance), migrant, path, None)
            }
            Step::Settle { payout } => self.settle(payout),
            Step::Approve { book, proposal, digest } => {
                let path = format!("/operator/books/{book}/proposals/{proposal}/approval");
                self.request(Ask::Transfer, Who::Colleague, path, Some(json!({ "digest": digest })))
            }
        }
    }

    fn settle(&mut self, payout: Uuid) -> Request {
        let path = |what: &str| format!("/partner/payouts/{payout}/{what}");
        match self.random.random_range(0..100) {
            0..55 => self.request(Ask::Confirm(payout), Who::Partner, path("confirmation"), None),
            55..75 => {
                let body = json!({ "reason": "name-differs" });
                self.request(Ask::Reject(payout), Who::Partner, path("rejection"), Some(body))
            }
            _ => self.request(Ask::Ready(payout), Who::Partner, path("ready"), None),
        }
    }

    fn quote(&mut self) -> Request {
        let amount = self.random.random_range(20..=200);
        let (corridor, amount) = match self.random.random_range(0..4) {
            0 => ("usd-xof", json!({ "amount": format!("{amount}.00"), "currency": "USD" })),
            1 => ("xof-xof", json!({ "amount": format!("{amount}000"), "currency": "XOF" })),
            _ => ("eur-xof", json!({ "amount": format!("{amount}.00"), "currency": "EUR" })),
        };
        let mut body = json!({ "corridor": corridor, "side": "send", "amount": amount });
        if corridor == "eur-xof" && self.random.random_bool(0.5) {
            body["allocations"] = json!([{ "project": self.project, "share_basis_points": 1_250 }]);
        }
        self.request(Ask::Quote, Who::Migrant(self.migrant), "/mobile/quotes".to_owned(), Some(body))
    }

    fn claim(&mut self) -> Request {
        let body = json!({ "limit": CLAIMED_AT_ONCE });
        self.request(Ask::Claim, Who::Partner, "/partner/payouts/claims".to_owned(), Some(body))
    }

    fn request(&mut self, ask: Ask, who: Who, path: String, body: Option<Value>) -> Request {
        self.keys += 1;
        Request { ask, who, path, body, key: format!("client-{}-{}", self.number, self.keys) }
    }
}

/// The id of what was answered.
pub fn id(body: &Value) -> Result<Uuid> {
    Ok(body["id"].as_str().ok_or("an answer has an id")?.parse()?)
}
