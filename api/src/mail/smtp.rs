//! Mail to a server: how it is known to be the right one, and which of its refusals are worth another try.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use platform::outbox::Failure;
use secrecy::ExposeSecret;

use super::settings::{Encryption, MailSettings, SmtpUrl};

/// How long the server may take for one answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// A mail server.
pub(super) struct Server(AsyncSmtpTransport<Tokio1Executor>);

impl Server {
    /// The server of the settings; nothing is asked of it yet.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub(super) fn try_new(settings: &MailSettings) -> Result<Self, String> {
        let unusable = || "mail.smtp_url cannot be used".to_owned();
        let text = settings.smtp_url.as_ref().ok_or_else(unusable)?;
        let url = SmtpUrl::try_new(text).ok_or_else(unusable)?;
        // The error of a wrong URL may quote the password in it.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(text.expose_secret()).map_err(|_| unusable())?;
        let builder = match &settings.smtp_ca_file {
            None => builder,
            Some(file) => builder.tls(trusting(file, url)?),
        };
        Ok(Self(builder.timeout(Some(ANSWERS_WITHIN)).build()))
    }

    pub(super) async fn send(&self, message: Message) -> Result<(), Failure> {
        self.0.send(message).await.map(drop).map_err(|error| failure(&error))
    }
}

/// The encryption that the URL asks for, with an authority that vouches beside the known ones.
fn trusting(file: &Path, url: SmtpUrl) -> Result<Tls, String> {
    let unread = |error: &dyn std::fmt::Display| format!("mail.smtp_ca_file {}: {error}", file.display());
    let text = std::fs::read(file).map_err(|error| unread(&error))?;
    let certificate = Certificate::from_pem(&text).map_err(|error| unread(&error))?;
    let parameters = TlsParameters::builder(url.host).add_root_certificate(certificate).build_rustls();
    let parameters = parameters.map_err(|error| unread(&error))?;
    Ok(match url.encryption {
        Encryption::Wrapped => Tls::Wrapper(parameters),
        Encryption::Required => Tls::Required(parameters),
        Encryption::Opportunistic => Tls::Opportunistic(parameters),
        Encryption::None => Tls::None,
    })
}

/// What a failure means for the mail. The server's words stay out, since they may quote the address.
fn failure(error: &Error) -> Failure {
    let Some(code) = error.status().map(u16::from) else {
        return Failure::passing(format!("the mail server cannot be reached{}", cause(error)));
    };
    let told = format!("the mail server answered {code}");
    if is_lasting(code) { Failure::Lasting(told) } else { Failure::Passing(told) }
}

/// Whether a reply (RFC 5321, 4.2) refuses this mail for good: 5yz, but for those that refuse us, whom somebody has let
/// in by the next try: commands that are not known, and authentication (RFC 4954, 6).
const fn is_lasting(code: u16) -> bool {
    matches!(code, 500..=599) && !matches!(code, 500..=504 | 521 | 530 | 534 | 535 | 538)
}

/// What the connection failed by, where nobody's words are in it.
fn cause(error: &Error) -> String {
    let mut cause = error.source();
    while let Some(one) = cause {
        if let Some(error) = one.downcast_ref::<std::io::Error>() {
            return format!(": {error}");
        }
        cause = one.source();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::is_lasting;

    #[test]
    fn a_mailbox_that_is_not_there_is_final_and_a_wrong_password_is_not() {
        assert!([550, 551, 552, 553, 554, 556].into_iter().all(is_lasting));
        assert!(![421, 450, 451, 452, 454, 500, 502, 530, 535].into_iter().any(is_lasting));
    }
}
