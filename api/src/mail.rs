//! Messages to people, delivered from the outbox: mail by lettre, into files during development.

use std::path::{Path, PathBuf};

use lettre::message::{Mailbox, Message};
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use onboarding::{
    CONFIRMATION_TEMPLATE, DOCUMENT_EXPIRED_TEMPLATE, DOCUMENT_EXPIRES_SOON_TEMPLATE, DOCUMENT_REVIEWED_TEMPLATE,
    Language, Notice, REGISTERED_ALREADY_TEMPLATE,
};
use platform::outbox::{Deliver, Delivery};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::configuration::{MailSettings, MailTransport};

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
        let (subject, text) = letter(notice)?;
        let message = Message::builder()
            .message_id(Some(format!("<{id}@teranga>")))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .body(text)
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
        let (_, text) = letter(notice)?;
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

fn letter(notice: &Notice) -> Result<(&'static str, String), String> {
    let code = notice.code.as_deref().unwrap_or("");
    match (notice.template.as_str(), notice.language) {
        (CONFIRMATION_TEMPLATE, Language::En) => Ok((
            "Your code for Teranga",
            format!("Your code is {code}.\n\nIt is good for 15 minutes. We never ask for it by phone or message.\n"),
        )),
        (CONFIRMATION_TEMPLATE, Language::Fr) => Ok((
            "Votre code Teranga",
            format!(
                "Votre code est {code}.\n\nIl est valable 15 minutes. Nous ne le demandons jamais par téléphone ni par message.\n"
            ),
        )),
        (REGISTERED_ALREADY_TEMPLATE, Language::En) => Ok((
            "You are registered with Teranga already",
            "Somebody, perhaps you, has just tried to register with this contact. It is registered already: sign in \
             with your password. If it was not you, there is nothing to do.\n"
                .to_owned(),
        )),
        (REGISTERED_ALREADY_TEMPLATE, Language::Fr) => Ok((
            "Vous êtes déjà inscrit chez Teranga",
            "Quelqu'un, peut-être vous, vient d'essayer de s'inscrire avec ce contact. Il est déjà inscrit : connectez-vous \
             avec votre mot de passe. Si ce n'était pas vous, il n'y a rien à faire.\n"
                .to_owned(),
        )),
        (DOCUMENT_REVIEWED_TEMPLATE, Language::En) => Ok((
            "We have looked at your document",
            "Our staff have looked at what you sent us. The app shows what came of it.\n".to_owned(),
        )),
        (DOCUMENT_REVIEWED_TEMPLATE, Language::Fr) => Ok((
            "Nous avons examiné votre document",
            "Notre personnel a examiné ce que vous nous avez envoyé. L'application en montre le résultat.\n".to_owned(),
        )),
        (DOCUMENT_EXPIRES_SOON_TEMPLATE, Language::En) => Ok((
            "Your document expires soon",
            "A document that you showed us expires within thirty days. Send a new one in the app to keep your limits.\n"
                .to_owned(),
        )),
        (DOCUMENT_EXPIRES_SOON_TEMPLATE, Language::Fr) => Ok((
            "Votre document expire bientôt",
            "Un document que vous nous avez montré expire dans moins de trente jours. Envoyez-en un nouveau dans \
             l'application pour garder vos plafonds.\n"
                .to_owned(),
        )),
        (DOCUMENT_EXPIRED_TEMPLATE, Language::En) => Ok((
            "Your document has expired",
            "A document that you showed us has expired, and your limits are lower from now on. Send a new one in the app.\n"
                .to_owned(),
        )),
        (DOCUMENT_EXPIRED_TEMPLATE, Language::Fr) => Ok((
            "Votre document a expiré",
            "Un document que vous nous avez montré a expiré, et vos plafonds sont désormais plus bas. Envoyez-en un \
             nouveau dans l'application.\n"
                .to_owned(),
        )),
        (other, _) => Err(format!("there is no text {other}")),
    }
}
