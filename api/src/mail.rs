//! Messages to people, delivered from the outbox: mail by lettre, into files during development.

use std::path::{Path, PathBuf};

use lettre::message::{Mailbox, Message};
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use onboarding::{
    CONFIRMATION_TEMPLATE, DEVICE_CODE_TEMPLATE, Language, NEW_DEVICE_TEMPLATE, Notice, PASSWORD_CHANGED_TEMPLATE,
    RECOVERED_TEMPLATE, RECOVERY_BEGUN_TEMPLATE, RECOVERY_CODE_TEMPLATE, REGISTERED_ALREADY_TEMPLATE,
    SECOND_FACTOR_GUESSED_TEMPLATE, SECOND_FACTORS_CHANGED_TEMPLATE, TOKEN_REUSED_TEMPLATE,
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
        (DEVICE_CODE_TEMPLATE, Language::En) => Ok((
            "Your code for a new device",
            format!("Your code is {code}.\n\nIt proves a device that has signed in with your password, and is good for 15 minutes. If you did not sign in, change your password: somebody knows it.\n"),
        )),
        (DEVICE_CODE_TEMPLATE, Language::Fr) => Ok((
            "Votre code pour un nouvel appareil",
            format!("Votre code est {code}.\n\nIl confirme un appareil qui s'est connecté avec votre mot de passe et il est valable 15 minutes. Si ce n'était pas vous, changez votre mot de passe : quelqu'un le connaît.\n"),
        )),
        (NEW_DEVICE_TEMPLATE, Language::En) => Ok((
            "A new device has signed in",
            "A device has just signed in to your account. If it was not you, sign it out in the app under Devices and change your password.\n".to_owned(),
        )),
        (NEW_DEVICE_TEMPLATE, Language::Fr) => Ok((
            "Un nouvel appareil s'est connecté",
            "Un appareil vient de se connecter à votre compte. Si ce n'était pas vous, déconnectez-le dans l'application, sous Appareils, et changez votre mot de passe.\n".to_owned(),
        )),
        (TOKEN_REUSED_TEMPLATE, Language::En) => Ok((
            "A device was signed out for your safety",
            "One of your devices was signed out, since somebody else seems to have copied what keeps it signed in. Sign in again, and change your password if you do not know why.\n".to_owned(),
        )),
        (TOKEN_REUSED_TEMPLATE, Language::Fr) => Ok((
            "Un appareil a été déconnecté pour votre sécurité",
            "Un de vos appareils a été déconnecté : quelqu'un d'autre semble avoir copié ce qui le garde connecté. Reconnectez-vous, et changez votre mot de passe si vous n'en connaissez pas la raison.\n".to_owned(),
        )),
        (SECOND_FACTORS_CHANGED_TEMPLATE, Language::En) => Ok((
            "Your second factors were changed",
            "A second factor was added to your account or removed from it. If it was not you, change your password in the app now.\n".to_owned(),
        )),
        (SECOND_FACTORS_CHANGED_TEMPLATE, Language::Fr) => Ok((
            "Vos seconds facteurs ont changé",
            "Un second facteur a été ajouté à votre compte ou en a été retiré. Si ce n'était pas vous, changez tout de suite votre mot de passe dans l'application.\n".to_owned(),
        )),
        (SECOND_FACTOR_GUESSED_TEMPLATE, Language::En) => Ok((
            "Somebody knows your password",
            "Somebody signed in with your password and tried several wrong codes. They are not in. If it was not you, change your password now.\n".to_owned(),
        )),
        (SECOND_FACTOR_GUESSED_TEMPLATE, Language::Fr) => Ok((
            "Quelqu'un connaît votre mot de passe",
            "Quelqu'un s'est connecté avec votre mot de passe et a essayé plusieurs codes faux. Cette personne n'est pas entrée. Si ce n'était pas vous, changez votre mot de passe maintenant.\n".to_owned(),
        )),
        (PASSWORD_CHANGED_TEMPLATE, Language::En) => Ok((
            "Your password was changed",
            "Your password was changed, and your other devices were signed out. If it was not you, recover your account in the app at once.\n".to_owned(),
        )),
        (PASSWORD_CHANGED_TEMPLATE, Language::Fr) => Ok((
            "Votre mot de passe a changé",
            "Votre mot de passe a été changé et vos autres appareils ont été déconnectés. Si ce n'était pas vous, récupérez tout de suite votre compte dans l'application.\n".to_owned(),
        )),
        (RECOVERY_CODE_TEMPLATE, Language::En) => Ok((
            "Your code to recover your account",
            format!("Your code is {code}.\n\nIt begins the recovery of your account and is good for 15 minutes. If you did not ask for it, there is nothing to do. We never ask for it by phone or message.\n"),
        )),
        (RECOVERY_CODE_TEMPLATE, Language::Fr) => Ok((
            "Votre code pour récupérer votre compte",
            format!("Votre code est {code}.\n\nIl commence la récupération de votre compte et il est valable 15 minutes. Si vous ne l'avez pas demandé, il n'y a rien à faire. Nous ne le demandons jamais par téléphone ni par message.\n"),
        )),
        (RECOVERY_BEGUN_TEMPLATE, Language::En) => Ok((
            "The recovery of your account has begun",
            "Somebody, perhaps you, recovers your account and will be able to set a new password. If it is not you, open the app and stop it there with your password.\n".to_owned(),
        )),
        (RECOVERY_BEGUN_TEMPLATE, Language::Fr) => Ok((
            "La récupération de votre compte a commencé",
            "Quelqu'un, peut-être vous, récupère votre compte et pourra choisir un nouveau mot de passe. Si ce n'est pas vous, ouvrez l'application et arrêtez-la avec votre mot de passe.\n".to_owned(),
        )),
        (RECOVERED_TEMPLATE, Language::En) => Ok((
            "Your account was recovered",
            "Your account has a new password, and all devices were signed out. If it was not you, write to us at once.\n".to_owned(),
        )),
        (RECOVERED_TEMPLATE, Language::Fr) => Ok((
            "Votre compte a été récupéré",
            "Votre compte a un nouveau mot de passe et tous les appareils ont été déconnectés. Si ce n'était pas vous, écrivez-nous tout de suite.\n".to_owned(),
        )),
        (other, _) => Err(format!("there is no text {other}")),
    }
}
