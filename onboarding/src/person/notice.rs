//! Messages to people, and when they are sent.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::outbox::{Message, enqueue_in};
use serde::{Deserialize, Serialize};

use super::{CONTACT, Language, PersonId};
use crate::Error;
use crate::schema::people;

/// The template of the message that carries the code of a registration.
pub const CONFIRMATION_TEMPLATE: &str = "confirmation-code";
/// The template of the message to somebody who registers a second time.
pub const REGISTERED_ALREADY_TEMPLATE: &str = "registered-already";
/// The template of the message that tells of a sign-in on a further device.
pub const NEW_DEVICE_TEMPLATE: &str = "new-device";
/// The template of the message that carries the code by which a device is proven.
pub const DEVICE_CODE_TEMPLATE: &str = "device-code";
/// The template of the message that a device was signed out, because somebody else used its token.
pub const TOKEN_REUSED_TEMPLATE: &str = "token-reused";
/// The template of the message that a second factor was added or removed.
pub const SECOND_FACTORS_CHANGED_TEMPLATE: &str = "second-factors-changed";
/// The template of the message that somebody who knows the password guesses at the second factor.
pub const SECOND_FACTOR_GUESSED_TEMPLATE: &str = "second-factor-guessed";
/// The template of the message that the password was changed.
pub const PASSWORD_CHANGED_TEMPLATE: &str = "password-changed";
/// The template of the message that carries the code by which a recovery begins.
pub const RECOVERY_CODE_TEMPLATE: &str = "recovery-code";
/// The template of the message that a recovery has begun, and how to stop it.
pub const RECOVERY_BEGUN_TEMPLATE: &str = "recovery-begun";
/// The template of the message that an account was recovered.
pub const RECOVERED_TEMPLATE: &str = "recovered";

/// A message to a person, as it lies sealed in the outbox: topic `mail` or `phone`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Address or number.
    pub to: String,
    /// The language to write in.
    pub language: Language,
    /// Which text.
    pub template: String,
    /// The code, where the text has one.
    pub code: Option<String>,
    /// What else the text names, by the names of its variables.
    #[serde(default)]
    pub arguments: BTreeMap<String, String>,
}

/// Puts a message to a person into the outbox, in their language and in the caller's transaction.
pub(crate) async fn notify_in(
    connection: &mut AsyncPgConnection,
    cipher: &Cipher,
    person: PersonId,
    template: &str,
    code: Option<String>,
) -> Result<(), Error> {
    let (kind, sealed, language): (String, Vec<u8>, String) = people::table
        .find(person)
        .select((people::contact_kind, people::sealed_contact, people::language))
        .first(connection)
        .await?;
    let topic = match kind.as_str() {
        "mail" => "mail",
        "phone" => "phone",
        _ => return Err(Error::Corrupt("a kind of contact")),
    };
    let language = Language::try_new(&language).map_err(|_| Error::Corrupt("a language"))?;
    let to = cipher.decrypt(CONTACT, &sealed)?;
    let notice = Notice { to, language, template: template.to_owned(), code, arguments: BTreeMap::new() };
    Ok(enqueue_in(connection, &[Message::try_new(topic, &notice, cipher)?]).await?)
}
