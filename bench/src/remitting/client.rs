use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use uuid::Uuid;

use crate::Result;

/// Somebody with a token.
#[derive(Clone)]
pub(super) struct Caller(String);

/// Speaks to the house; its connections are kept alive.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    pub(super) fn new(base: &str) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned() }
    }

    /// Signs in by client credentials.
    pub(super) async fn sign_in_client(&self, audience: &str, credential: &Value) -> Result<Caller> {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            text(credential, "/client_id")?,
            text(credential, "/client_secret")?
        );
        let path = format!("/v1/{audience}/oauth/token");
        let request = self.http.post(format!("{}{path}", self.base));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
        Ok(Caller(text(&answered(&path, request).await?, "/access_token")?))
    }

    /// Signs in by contact and password.
    pub(super) async fn sign_in(&self, contact: &str, password: &str) -> Result<Caller> {
        let body = serde_json::json!({"contact": contact, "password": password});
        Ok(Caller(text(&self.post_openly("/v1/mobile/tokens", &body).await?, "/access_token")?))
    }

    /// Posts without a token.
    pub(super) async fn post_openly(&self, path: &str, body: &Value) -> Result<Value> {
        answered(path, self.http.post(format!("{}{path}", self.base)).json(body)).await
    }

    /// Posts under a fresh key.
    pub(super) async fn post(&self, caller: &Caller, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&caller.0);
        answered(path, request.header("Idempotency-Key", Uuid::now_v7().to_string()).json(body)).await
    }

    /// Puts.
    pub(super) async fn put(&self, caller: &Caller, path: &str, body: &Value) -> Result<Value> {
        answered(path, self.http.put(format!("{}{path}", self.base)).bearer_auth(&caller.0).json(body)).await
    }
}

async fn answered(path: &str, request: RequestBuilder) -> Result<Value> {
    read(path, request.send().await?).await
}

async fn read(path: &str, response: Response) -> Result<Value> {
    let status = response.status();
    let body = response.bytes().await?;
    if !status.is_success() {
        return Err(format!("{path} answered {status}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? })
}

/// The text at a pointer of an answer.
pub(super) fn text(answer: &Value, pointer: &str) -> Result<String> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(ToOwned::to_owned);
    found.ok_or_else(|| format!("an answer has no text at {pointer}").into())
}
