//! What clients hold while the server lives: tokens, and the way to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::Result;
use uuid::Uuid;

use crate::house::House;
use crate::journal::{Answer, Outcome, Request};
use crate::preparation::Cast;

/// Longer than the server takes for any request, so that it answers first.
const PATIENCE: Duration = Duration::from_secs(45);

/// As whom somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    Migrant(usize),
    Partner,
    Operator,
    /// Another operator, who approves.
    Colleague,
    Auditor,
}

pub struct Session {
    http: reqwest::Client,
    base: String,
    migrants: Vec<String>,
    partner: String,
    operator: String,
    colleague: String,
    auditor: String,
    over: AtomicBool,
}

/// A credential of a client, as OAuth has it.
#[derive(Clone, serde::Deserialize)]
pub struct Credential {
    pub client_id: Uuid,
    pub client_secret: String,
}

impl Session {
    /// Signs everybody in.
    pub async fn open(house: &House, cast: &Cast) -> Result<Self> {
        let http = client()?;
        let base = &house.base;
        let migrants = cast.migrants.iter().map(|migrant| {
            let body = json!({ "contact": migrant.contact, "password": migrant.password });
            let asked = http.post(format!("{base}/mobile/tokens")).json(&body);
            async move { token_of(asked).await }
        });
        Ok(Self {
            migrants: try_join_all(migrants).await?,
            partner: token(&http, base, "partner", &cast.partner).await?,
            operator: token(&http, base, "operator", &cast.operator).await?,
            colleague: token(&http, base, "operator", &cast.colleague).await?,
            auditor: token(&http, base, "audit", &cast.auditor).await?,
            http,
            base: base.clone(),
            over: AtomicBool::new(false),
        })
    }

    /// Tells the clients to come home.
    pub fn close(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Sends a request once. Whatever is no answer, and every answer that the server failed, leaves it open.
    pub async fn ask(&self, request: &Request) -> Result<Outcome> {
        let mut asked = self
            .http
            .request(Method::POST, format!("{}{}", self.base, request.path))
            .bearer_auth(self.token(request.who))
            .header("Idempotency-Key", &request.key);
        if let Some(body) = &request.body {
            asked = asked.json(body);
        }
        let Ok(response) = asked.send().await else { return Ok(Outcome::Unanswered) };
        let status = response.status();
        let replayed = response.headers().contains_key("Idempotency-Replayed");
        let Ok(body) = response.bytes().await else { return Ok(Outcome::Unanswered) };
        if status.is_server_error() {
            return Ok(Outcome::Unanswered);
        }
        let answer = Answer { status: status.as_u16(), body: serde_json::from_slice(&body)?, replayed };
        Ok(if status.is_success() { Outcome::Acknowledged(answer) } else { Outcome::Refused(answer) })
    }

    /// Reads; nothing when the server does not answer.
    pub async fn read(&self, who: Who, path: &str) -> Result<Option<Value>> {
        let asked = self.http.get(format!("{}{path}", self.base)).bearer_auth(self.token(who));
        let Ok(response) = asked.send().await else { return Ok(None) };
        let status = response.status();
        if status.is_server_error() {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(format!("{path} answered {status}").into());
        }
        Ok(response.json().await.ok())
    }

    fn token(&self, who: Who) -> &str {
        match who {
            Who::Migrant(number) => &self.migrants[number],
            Who::Partner => &self.partner,
            Who::Operator => &self.operator,
            Who::Colleague => &self.colleague,
            Who::Auditor => &self.auditor,
        }
    }
}

/// A client for HTTP.
pub fn client() -> Result<reqwest::Client> {
    platform::tls::install_provider();
    Ok(reqwest::Client::builder().timeout(PATIENCE).build()?)
}

/// A token for client credentials.
pub async fn token(http: &reqwest::Client, base: &str, audience: &str, credential: &Credential) -> Result<String> {
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        credential.client_id, credential.client_secret
    );
    let asked = http.post(format!("{base}/{audience}/oauth/token"));
    token_of(asked.header("Content-Type", "application/x-www-form-urlencoded").body(form)).await
}

/// The token that a sign-in answers.
pub async fn token_of(asked: reqwest::RequestBuilder) -> Result<String> {
    let answer: Value = asked.send().await?.error_for_status()?.json().await?;
    Ok(answer["access_token"].as_str().ok_or("a sign-in answers a token")?.to_owned())
}
