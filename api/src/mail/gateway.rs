//! Text messages: who brings them to phones.

use std::path::PathBuf;
use std::time::Duration;

use platform::outbox::{Delivery, Failure};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use uuid::Uuid;

use super::settings::SmsSettings;

/// How long a gateway may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// Brings text messages to phones. The id is the same over all attempts.
pub(super) trait Gateway: Send + Sync {
    /// Hands over one message; `to` is in E.164 form.
    fn send<'a>(&'a self, id: Uuid, to: &'a str, text: &'a str) -> Delivery<'a>;
}

/// During development: each message becomes a file beside the mails.
pub(super) struct Files(pub(super) PathBuf);

impl Gateway for Files {
    fn send<'a>(&'a self, id: Uuid, to: &'a str, text: &'a str) -> Delivery<'a> {
        let path = self.0.join(format!("{id}.txt"));
        Box::pin(async move {
            let written = tokio::fs::write(path, format!("To: {to}\n\n{text}\n")).await;
            written.map_err(|error| Failure::passing(error.to_string()))
        })
    }
}

/// A gateway that takes messages as JSON over HTTP: one of a provider's, or a small program before it.
pub(super) struct HttpGateway {
    client: Client,
    url: Url,
    token: Option<SecretString>,
}

/// What the gateway is sent.
#[derive(Serialize)]
struct TextMessage<'a> {
    id: Uuid,
    to: &'a str,
    text: &'a str,
}

impl HttpGateway {
    /// The gateway of the settings, where they name one.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub(super) fn try_new(settings: &SmsSettings) -> Result<Option<Self>, String> {
        let Some(url) = &settings.gateway_url else { return Ok(None) };
        let url = Url::parse(url).map_err(|error| format!("sms.gateway_url: {error}"))?;
        let token = match &settings.token_file {
            None => settings.token.clone(),
            Some(file) => {
                let token = std::fs::read_to_string(file);
                let token = token.map_err(|error| format!("sms.token_file {}: {error}", file.display()))?;
                Some(token.trim().to_owned().into())
            }
        };
        platform::tls::install_provider();
        // A redirection would carry the token, and what is in the message, to somebody else.
        let client = Client::builder().redirect(Policy::none()).timeout(ANSWERS_WITHIN).build();
        let client = client.map_err(|error| format!("sms.gateway_url: {error}"))?;
        Ok(Some(Self { client, url, token }))
    }
}

impl Gateway for HttpGateway {
    fn send<'a>(&'a self, id: Uuid, to: &'a str, text: &'a str) -> Delivery<'a> {
        Box::pin(async move {
            let mut request = self.client.post(self.url.clone()).header("Idempotency-Key", id.to_string());
            if let Some(token) = &self.token {
                request = request.bearer_auth(token.expose_secret());
            }
            // The error may quote the address of the gateway, and that a secret.
            let answer = request.json(&TextMessage { id, to, text }).send().await;
            let status = answer.map_err(|_| Failure::passing("the gateway cannot be reached"))?.status();
            let told = format!("the gateway answered {}", status.as_u16());
            match status {
                _ if status.is_success() => Ok(()),
                _ if is_lasting(status) => Err(Failure::Lasting(told)),
                _ => Err(Failure::Passing(told)),
            }
        })
    }
}

/// Whether it refuses this message for good; what refuses us, or the address that we know, passes.
fn is_lasting(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::GONE | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}
