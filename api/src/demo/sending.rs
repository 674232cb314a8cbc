//! Quotes, acceptances, pay-ins and cancellations of the shipped remittances.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::institutions::REFERRING;
use super::pay_ins;
use super::projects::Projects;
use super::rows::{Outcome, RemittanceRow};
use super::senders::People;
use super::{AT_ONCE, Failure, Stage, text};

/// A remittance that was accepted.
pub(super) struct Sent<'a> {
    pub(super) row: &'a RemittanceRow,
    pub(super) id: String,
    pub(super) reference: String,
    pub(super) to_pay: Value,
}

/// Somebody's beneficiary: sender, name, institution.
type BeneficiaryKey = (String, String, String);

/// Accepts and pays in everything. What is for projects goes first: a campaign may end soon.
pub(super) async fn send_all<'a>(
    stage: &Stage,
    people: &People,
    projects: &Projects,
    family: &str,
    rows: &'a [RemittanceRow],
) -> Result<Vec<Sent<'a>>, Failure> {
    let beneficiaries = Mutex::new(HashMap::new());
    let (for_projects, for_families): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.project.is_some());
    let mut sent = Vec::with_capacity(rows.len() + 1);
    for part in [for_projects, for_families] {
        stage.step("quotes are accepted", part.len());
        let accepted: Vec<Sent<'a>> = stream::iter(part)
            .map(|row| {
                let beneficiaries = &beneficiaries;
                async move {
                    let beneficiary = beneficiary(stage, people, row, beneficiaries).await?;
                    accept(stage, people, projects, row, &beneficiary).await
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        pay_ins::pay_in(stage, &accepted).await?;
        sent.extend(accepted);
    }
    // And one to the account that the family got.
    if let Some(row) = rows.iter().find(|row| row.sender == REFERRING && row.corridor == "eur-xof") {
        let accepted = accept(stage, people, projects, row, family).await?;
        pay_ins::pay_in(stage, std::slice::from_ref(&accepted)).await?;
        sent.push(accepted);
    }
    Ok(sent)
}

async fn beneficiary(
    stage: &Stage,
    people: &People,
    row: &RemittanceRow,
    known: &Mutex<HashMap<BeneficiaryKey, String>>,
) -> Result<String, Failure> {
    let key = (row.sender.clone(), row.beneficiary.clone(), row.institution.clone());
    if let Some(id) = known.lock().await.get(&key) {
        return Ok(id.clone());
    }
    let body = json!({
        "name": row.beneficiary, "channel": row.channel,
        "account": row.account, "institution": row.institution,
    });
    let made = stage.client.post(people.caller(&row.sender)?, "/v1/mobile/beneficiaries", &body).await?;
    let id = text(&made, "/id")?;
    known.lock().await.insert(key, id.clone());
    Ok(id)
}

async fn accept<'a>(
    stage: &Stage,
    people: &People,
    projects: &Projects,
    row: &'a RemittanceRow,
    beneficiary: &str,
) -> Result<Sent<'a>, Failure> {
    let (client, sender) = (&stage.client, people.caller(&row.sender)?);
    let mut allocations = Vec::new();
    if let (Some(project), Some(share)) = (&row.project, row.share_basis_points) {
        allocations.push(json!({"project": projects.id(project)?, "share_basis_points": share}));
    }
    let request = json!({
        "corridor": row.corridor, "side": row.side,
        "amount": {"amount": row.amount, "currency": row.currency()},
        "allocations": allocations,
    });
    let quote = client.post(sender, "/v1/mobile/quotes", &request).await?;
    let acceptance = json!({"quote": text(&quote, "/id")?, "beneficiary": beneficiary});
    let remittance = client.post(sender, "/v1/mobile/remittances", &acceptance).await?;
    stage.bar.inc(1);
    Ok(Sent {
        row,
        id: text(&remittance, "/id")?,
        reference: text(&remittance, "/reference")?,
        to_pay: remittance.get("to_pay").cloned().unwrap_or_default(),
    })
}

/// Some think better of it within the half hour, or never pay.
pub(super) async fn cancel_some(stage: &Stage, people: &People, sent: &[Sent<'_>]) -> Result<(), Failure> {
    let given_up: Vec<_> =
        sent.iter().filter(|sent| matches!(sent.row.outcome, Outcome::Cancelled | Outcome::Unpaid)).collect();
    stage.step("some are cancelled", given_up.len());
    for sent in given_up {
        let path = format!("/v1/mobile/remittances/{}/cancellation", sent.id);
        stage.client.post(people.caller(&sent.row.sender)?, &path, &Value::Null).await?;
        stage.bar.inc(1);
    }
    Ok(())
}
