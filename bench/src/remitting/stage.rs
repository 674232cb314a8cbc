//! Who is there before anybody sends: an operator, an institution, and senders with a beneficiary each.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::client::{Caller, Client, text};
use crate::Result;

/// Senders who take turns: acceptances of one sender wait for each other.
const SENDERS: usize = 256;
/// Requests that are on their way at once.
const AT_ONCE: usize = 16;
/// What all of them know.
const PASSWORD: &str = "baobab-au-bord-du-fleuve";
/// The institution that pays all of them out.
const INSTITUTION: &str = "caisse-thies";
/// How long all mails may take.
const MAILS_WITHIN: Duration = Duration::from_secs(120);

/// Somebody who sends, and the person to whom.
pub(super) struct Sender {
    pub(super) caller: Caller,
    pub(super) beneficiary: String,
}

/// Lets everybody in; answers the operator and the senders.
pub(super) async fn set(client: &Client, directory: &Path) -> Result<(Caller, Vec<Arc<Sender>>)> {
    let credential: Value = serde_json::from_slice(&std::fs::read(directory.join("first-operator.json"))?)?;
    let operator = client.sign_in_client("operator", &credential).await?;
    let institution = json!({
        "code": INSTITUTION, "name": "Caisse de Thiès", "country": "SN", "regions": ["Thiès"], "languages": ["fr"],
        "products": ["cash-payout"],
    });
    let applied = client.post(&operator, "/v1/operator/institutions", &institution).await?;
    let base = format!("/v1/operator/institutions/{}", text(&applied, "/id")?);
    for step in ["approval", "launch"] {
        client.post(&operator, &format!("{base}/{step}"), &Value::Null).await?;
    }
    let contacts: Vec<String> = (0..SENDERS).map(|number| format!("sender-{number:03}@example.org")).collect();
    at_once(&contacts, async |contact| {
        let body = json!({"contact": contact, "password": PASSWORD, "language": "en"});
        client.post_openly("/v1/mobile/registrations", &body).await
    })
    .await?;
    let codes = codes(&directory.join("mail"), contacts.len()).await?;
    let senders = at_once(&contacts, async |contact| enter(client, contact, &codes).await).await?;
    Ok((operator, senders))
}

async fn at_once<T>(contacts: &[String], step: impl AsyncFn(&String) -> Result<T>) -> Result<Vec<T>> {
    stream::iter(contacts).map(|contact| step(contact)).buffer_unordered(AT_ONCE).try_collect().await
}

async fn enter(client: &Client, contact: &str, codes: &HashMap<String, String>) -> Result<Arc<Sender>> {
    let code = codes.get(contact).ok_or_else(|| format!("no mail came to {contact}"))?;
    let body = json!({"contact": contact, "code": code});
    client.post_openly("/v1/mobile/registrations/confirmation", &body).await?;
    let caller = client.sign_in(contact, PASSWORD).await?;
    let identity = json!({
        "name": "Awa Ndiaye", "birth_date": "1990-04-02", "address": "12 rue de la Paix, Lyon", "country": "FR",
    });
    client.put(&caller, "/v1/mobile/me/identity", &identity).await?;
    let beneficiary = json!({"name": "Fatou Ndiaye", "channel": "cash", "institution": INSTITUTION});
    let made = client.post(&caller, "/v1/mobile/beneficiaries", &beneficiary).await?;
    Ok(Arc::new(Sender { caller, beneficiary: text(&made, "/id")? }))
}

/// The codes of all mails by contact, once so many are there.
async fn codes(mails: &Path, count: usize) -> Result<HashMap<String, String>> {
    let until = Instant::now() + MAILS_WITHIN;
    loop {
        let found = look_for_codes(mails)?;
        if found.len() >= count {
            return Ok(found);
        }
        if Instant::now() > until {
            return Err(format!("{} of {count} mails came", found.len()).into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn look_for_codes(mails: &Path) -> Result<HashMap<String, String>> {
    let mut codes = HashMap::new();
    for file in std::fs::read_dir(mails).into_iter().flatten() {
        let mail = std::fs::read_to_string(file?.path())?;
        let to = mail.lines().find_map(|line| line.strip_prefix("To: "));
        let text = mail.split_once("\r\n\r\n").map_or("", |(_, text)| text);
        let code = text.split(|character: char| !character.is_ascii_digit()).find(|digits| digits.len() == 6);
        if let (Some(to), Some(code)) = (to, code) {
            codes.insert(to.trim().trim_matches(['<', '>']).to_owned(), code.to_owned());
        }
    }
    Ok(codes)
}
