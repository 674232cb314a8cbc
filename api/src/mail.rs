//! Messages to people, delivered from the outbox: mail by lettre, text messages through a gateway, both into files during
//! development.
//!
//! What they say is in [`letter`], made of the texts of [`crate::languages`]; a new template needs its texts there, and
//! nothing here.

pub(crate) mod bounce;
mod gateway;
mod letter;
pub(crate) mod settings;
mod smtp;

use std::path::{Path, PathBuf};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::{AsyncFileTransport, AsyncTransport, Tokio1Executor};
use onboarding::Notice;
use platform::outbox::{Deliver, Delivery, Failure};
use uuid::Uuid;

use self::gateway::{Files, Gateway, HttpGateway};
use self::letter::{Letter, text_message};
use self::settings::{MailSettings, MailTransport, SmsSettings};
use self::smtp::Server;

const CONTENT_LANGUAGE: HeaderName = HeaderName::new_from_ascii_str("Content-Language");
/// Answering machines leave what says this alone (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// A hundred bits and more.
const BOUNDARY_LETTERS: usize = 30;

enum Way {
    File(PathBuf),
    Smtp(Server),
}

/// Delivers notices.
pub(crate) struct Postman {
    way: Way,
    from: Mailbox,
    gateway: Option<Box<dyn Gateway>>,
}

impl Postman {
    pub(crate) fn try_new(mail: &MailSettings, sms: &SmsSettings, directory: &Path) -> Result<Self, String> {
        let from = mail.from.parse().map_err(|_| "mail.from is no mail address".to_owned())?;
        let way = match mail.transport {
            MailTransport::Smtp => Way::Smtp(Server::try_new(mail)?),
            MailTransport::File => {
                let directory = directory.join("mail");
                std::os::unix::fs::DirBuilderExt::mode(std::fs::DirBuilder::new().recursive(true), 0o700)
                    .create(&directory)
                    .map_err(|error| error.to_string())?;
                Way::File(directory)
            }
        };
        let gateway: Option<Box<dyn Gateway>> = match (HttpGateway::try_new(sms)?, &way) {
            (Some(gateway), _) => Some(Box::new(gateway)),
            (None, Way::File(directory)) => Some(Box::new(Files(directory.clone()))),
            (None, Way::Smtp(_)) => None,
        };
        Ok(Self { way, from, gateway })
    }

    async fn mail(&self, id: Uuid, notice: &Notice) -> Result<(), Failure> {
        let to = notice.to.parse().map_err(|_| Failure::lasting("the address cannot be used"))?;
        let Letter { subject, text, html } =
            Letter::try_new(notice).map_err(|error| Failure::lasting(error.to_string()))?;
        let parts = MultiPart::alternative().boundary(boundary());
        let message = Message::builder()
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .raw_header(HeaderValue::new(CONTENT_LANGUAGE, notice.language.code().to_owned()))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .multipart(parts.singlepart(SinglePart::plain(text)).singlepart(SinglePart::html(html)))
            .map_err(|_| Failure::lasting("the mail cannot be written"))?;
        match &self.way {
            Way::File(directory) => AsyncFileTransport::<Tokio1Executor>::new(directory)
                .send(message)
                .await
                .map(drop)
                .map_err(|error| Failure::passing(error.to_string())),
            Way::Smtp(server) => server.send(message).await,
        }
    }

    async fn text_message(&self, id: Uuid, notice: &Notice) -> Result<(), Failure> {
        let text = text_message(notice).map_err(|error| Failure::lasting(error.to_string()))?;
        match &self.gateway {
            Some(gateway) => gateway.send(id, &notice.to, &text).await,
            None => Err(Failure::passing("no gateway for text messages is set up")),
        }
    }
}

/// What divides the parts of a mail: nobody can have guessed it to write it into a text, and who looks for a code in a mail
/// finds no other figures.
fn boundary() -> String {
    (0..BOUNDARY_LETTERS).map(|_| char::from(rand::random_range(b'a'..=b'z'))).collect()
}

impl Deliver for Postman {
    fn deliver<'a>(&'a self, id: Uuid, topic: &'a str, payload: &'a serde_json::Value) -> Delivery<'a> {
        Box::pin(async move {
            let notice: Notice =
                serde_json::from_value(payload.clone()).map_err(|_| Failure::lasting("the message is no notice"))?;
            match topic {
                "mail" => self.mail(id, &notice).await,
                "phone" => self.text_message(id, &notice).await,
                _ => Err(Failure::lasting(format!("nobody delivers {topic}"))),
            }
        })
    }
}
