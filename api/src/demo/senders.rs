//! People who register by mail, confirm, sign in and say who they are.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::rows::{self, SenderRow};
use super::{AT_ONCE, Caller, Failure, Stage};

/// How long a mail may take.
const MAIL_WITHIN: Duration = Duration::from_secs(30);

/// Who is signed in, by contact.
pub(super) struct People(HashMap<String, Caller>);

impl People {
    pub(super) fn caller(&self, contact: &str) -> Result<&Caller, Failure> {
        self.0.get(contact).ok_or_else(|| "a sender of the shipped data did not register".into())
    }
}

pub(super) async fn register(stage: &mut Stage) -> Result<People, Failure> {
    let senders = rows::senders()?;
    let new: BTreeMap<String, String> = senders
        .iter()
        .filter(|sender| stage.kept.password(&sender.contact).is_none())
        .map(|sender| (sender.contact.clone(), password()))
        .collect();
    let fresh: Vec<String> = new.keys().cloned().collect();
    stage.kept.keep_passwords(new)?;
    stage.step("people register", senders.len());
    let stage = &*stage;
    let signed_in = stream::iter(&senders)
        .map(|sender| async { enter(stage, sender, fresh.contains(&sender.contact)).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(People(signed_in))
}

async fn enter(stage: &Stage, sender: &SenderRow, fresh: bool) -> Result<(String, Caller), Failure> {
    let (client, contact) = (&stage.client, &sender.contact);
    let password = stage.kept.password(contact).ok_or("a password was not kept")?;
    let caller = match client.sign_in(contact, password).await {
        Ok(caller) if !fresh => caller,
        _ => {
            let registration = json!({"contact": contact, "password": password, "language": sender.language});
            client.post_openly("/v1/mobile/registrations", &registration).await?;
            let code = code_for(&stage.directory.join("mail"), contact).await?;
            let confirmation = json!({"contact": contact, "code": code});
            client.post_openly("/v1/mobile/registrations/confirmation", &confirmation).await?;
            client.sign_in(contact, password).await?
        }
    };
    let identity = json!({
        "name": sender.name, "birth_date": sender.birth_date,
        "address": sender.address, "country": sender.country,
    });
    client.put(&caller, "/v1/mobile/me/identity", &identity).await?;
    stage.bar.inc(1);
    Ok((contact.clone(), caller))
}

fn password() -> String {
    let bytes: [u8; 12] = rand::random();
    hex::encode(bytes)
}

/// The code of the newest mail to a contact, once it is there.
async fn code_for(mails: &Path, contact: &str) -> Result<String, Failure> {
    let until = tokio::time::Instant::now() + MAIL_WITHIN;
    loop {
        if let Some(code) = look_for_code(mails, contact)? {
            return Ok(code);
        }
        if tokio::time::Instant::now() > until {
            return Err("a confirmation mail did not arrive".into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn look_for_code(mails: &Path, contact: &str) -> Result<Option<String>, Failure> {
    let mut newest = None;
    for file in std::fs::read_dir(mails)? {
        let file = file?;
        let mail = std::fs::read_to_string(file.path())?;
        let to_contact = mail.lines().any(|line| line.starts_with("To: ") && line.contains(contact));
        let text = mail.split_once("\r\n\r\n").map_or("", |(_, text)| text);
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6).map(ToOwned::to_owned);
        let written = file.metadata()?.modified()?;
        if let (true, Some(code)) = (to_contact, code)
            && newest.as_ref().is_none_or(|(known, _)| *known < written)
        {
            newest = Some((written, code));
        }
    }
    Ok(newest.map(|(_, code)| code))
}
