use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::outbox::{Message, enqueue_in};

use crate::person::CONTACT;
use crate::schema::people;
use crate::{Error, Language, Notice, PersonId};

/// The template of the message that a document was decided.
pub const DOCUMENT_REVIEWED_TEMPLATE: &str = "document-reviewed";
/// The template of the message that a document expires soon.
pub const DOCUMENT_EXPIRES_SOON_TEMPLATE: &str = "document-expires-soon";
/// The template of the message that a document expired and the tier fell with it.
pub const DOCUMENT_EXPIRED_TEMPLATE: &str = "document-expired";

/// Tells a person, in the caller's transaction.
pub(super) async fn notify_in(
    connection: &mut AsyncPgConnection,
    cipher: &Cipher,
    person: PersonId,
    template: &str,
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
    let arguments = std::collections::BTreeMap::new();
    let notice = Notice { to, language, template: template.to_owned(), code: None, arguments };
    Ok(enqueue_in(connection, &[Message::try_new(topic, &notice, cipher)?]).await?)
}
