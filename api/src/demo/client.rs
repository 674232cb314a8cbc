//! A client as anybody would write one: JSON, tokens, a fresh key for each thing to be done.

use std::net::SocketAddr;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use uuid::Uuid;

use super::{Failure, text};

/// Somebody with a token.
#[derive(Clone)]
pub(super) struct Caller {
    token: String,
}

/// Speaks to the server.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        platform::tls::install_provider();
        let reachable =
            if address.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], address.port())) } else { address };
        Self { http: reqwest::Client::new(), base: format!("http://{reachable}") }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Signs in by client credentials.
    pub(super) async fn sign_in_client(&self, audience: &str, credential: &Value) -> Result<Caller, Failure> {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            text(credential, "/client_id")?,
            text(credential, "/client_secret")?
        );
        let path = format!("/v1/{audience}/oauth/token");
        let request = self.request(Method::POST, &path).header("Content-Type", "application/x-www-form-urlencoded");
        let answer = read(&path, request.body(form).send().await?).await?;
        Ok(Caller { token: text(&answer, "/access_token")? })
    }

    /// Signs in by contact and password.
    pub(super) async fn sign_in(&self, contact: &str, password: &str) -> Result<Caller, Failure> {
        let body = serde_json::json!({"contact": contact, "password": password});
        let answer = self.post_openly("/v1/mobile/tokens", &body).await?;
        Ok(Caller { token: text(&answer, "/access_token")? })
    }

    /// Posts without a token.
    pub(super) async fn post_openly(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        read(path, self.request(Method::POST, path).json(body).send().await?).await
    }

    /// Posts under a fresh key.
    pub(super) async fn post(&self, caller: &Caller, path: &str, body: &Value) -> Result<Value, Failure> {
        self.post_with_key(caller, path, body, &Uuid::now_v7().to_string()).await
    }

    /// Posts under a key that says what is to be done.
    pub(super) async fn post_with_key(
        &self,
        caller: &Caller,
        path: &str,
        body: &Value,
        key: &str,
    ) -> Result<Value, Failure> {
        let request = self.request(Method::POST, path).bearer_auth(&caller.token).header("Idempotency-Key", key);
        read(path, request.json(body).send().await?).await
    }

    /// Posts a file under a fresh key.
    pub(super) async fn post_file(
        &self,
        caller: &Caller,
        path: &str,
        media_type: &str,
        file: String,
    ) -> Result<Value, Failure> {
        let key = Uuid::now_v7().to_string();
        let request = self.request(Method::POST, path).bearer_auth(&caller.token).header("Idempotency-Key", key);
        read(path, request.header("Content-Type", media_type).body(file).send().await?).await
    }

    /// Puts.
    pub(super) async fn put(&self, caller: &Caller, path: &str, body: &Value) -> Result<Value, Failure> {
        read(path, self.request(Method::PUT, path).bearer_auth(&caller.token).json(body).send().await?).await
    }

    /// Reads with a token.
    pub(super) async fn get(&self, caller: &Caller, path: &str) -> Result<Value, Failure> {
        read(path, self.request(Method::GET, path).bearer_auth(&caller.token).send().await?).await
    }

    /// Reads without a token.
    pub(super) async fn get_openly(&self, path: &str) -> Result<Value, Failure> {
        read(path, self.request(Method::GET, path).send().await?).await
    }

    /// Reads a file with a token, piece by piece, into a place.
    pub(super) async fn download(&self, caller: &Caller, path: &str, place: &std::path::Path) -> Result<(), Failure> {
        use std::io::Write as _;
        let response = self.request(Method::GET, path).bearer_auth(&caller.token).send().await?;
        let mut response = response.error_for_status()?;
        let mut file = std::fs::File::create(place)?;
        while let Some(piece) = response.chunk().await? {
            file.write_all(&piece)?;
        }
        Ok(())
    }
}

async fn read(path: &str, response: Response) -> Result<Value, Failure> {
    let status = response.status();
    let body = response.bytes().await?;
    if status.is_success() {
        return Ok(if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? });
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem.get("detail").and_then(Value::as_str).unwrap_or("without a reason");
    Err(format!("{path} answered {status}: {detail}").into())
}
