//! Messages to people, delivered from the outbox: mail by lettre, into files during development.

mod letter;

use std::path::{Path, PathBuf};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use onboarding::Notice;
use platform::outbox::{Deliver, Delivery};
use secrecy::ExposeSecret;
use uuid::Uuid;

use self::letter::{Letter, text_message};
use crate::configuration::{MailSettings, MailTransport};

const CONTENT_LANGUAGE: HeaderName = HeaderName::new_from_ascii_str("Content-Language");
/// Answering machines leave what says this alone (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

enum Way {
    File(PathBuf),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

/// Delivers notices.
pub(crate) struct Postman {
    way: Way,
    from: Mailbox,
}

impl Postman {
    pub(crate) fn try_new(settings: &MailSettings, directory: &Path) -> Result<Self, String> {
        let from = settings.from.parse().map_err(|_| "mail.from is no mail address".to_owned())?;
        let way = match (settings.transport, &settings.smtp_url) {
            (MailTransport::Smtp, Some(url)) => {
                // The error of a wrong URL may quote the password in it.
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
                    .map_err(|_| "mail.smtp_url cannot be used".to_owned())?;
                Way::Smtp(transport.build())
            }
            _ => {
                let directory = directory.join("mail");
                std::os::unix::fs::DirBuilderExt::mode(std::fs::DirBuilder::new().recursive(true), 0o700)
                    .create(&directory)
                    .map_err(|error| error.to_string())?;
                Way::File(directory)
            }
        };
        Ok(Self { way, from })
    }

    async fn mail(&self, id: Uuid, notice: &Notice) -> Result<(), String> {
        let to = notice.to.parse().map_err(|_| "the address cannot be used".to_owned())?;
        let Letter { subject, text, html } = Letter::try_new(notice).map_err(|error| error.to_string())?;
        let message = Message::builder()
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .raw_header(HeaderValue::new(CONTENT_LANGUAGE, notice.language.code().to_owned()))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(text, html))
            .map_err(|_| "the mail cannot be written".to_owned())?;
        match &self.way {
            Way::File(directory) => AsyncFileTransport::<Tokio1Executor>::new(directory)
                .send(message)
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
            // The server's answer may quote the address.
            Way::Smtp(transport) => transport.send(message).await.map(drop).map_err(|error| match error.status() {
                Some(code) => format!("the mail server answered {code}"),
                None => "the mail server cannot be reached".to_owned(),
            }),
        }
    }

    /// During development a text message becomes a file beside the mails; there is no gateway yet.
    async fn text_message(&self, id: Uuid, notice: &Notice) -> Result<(), String> {
        let Way::File(directory) = &self.way else { return Err("no gateway for text messages is set up".to_owned()) };
        let text = text_message(notice).map_err(|error| error.to_string())?;
        let path = directory.join(format!("{id}.txt"));
        tokio::fs::write(path, format!("To: {}\n\n{text}", notice.to)).await.map_err(|error| error.to_string())
    }
}

impl Deliver for Postman {
    fn deliver<'a>(&'a self, id: Uuid, topic: &'a str, payload: &'a serde_json::Value) -> Delivery<'a> {
        Box::pin(async move {
            let notice: Notice =
                serde_json::from_value(payload.clone()).map_err(|_| "the message is no notice".to_owned())?;
            match topic {
                "mail" => self.mail(id, &notice).await,
                "phone" => self.text_message(id, &notice).await,
                _ => Err(format!("nobody delivers {topic}")),
            }
        })
    }
}
