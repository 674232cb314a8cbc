//! Institutions fetch what they have to pay, and pay it or cannot.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::institutions::sign_in;
use super::rows::Outcome;
use super::sending::Sent;
use super::{AT_ONCE, Caller, Failure, Stage, list, text};

/// Payouts that are fetched at once.
const FETCHED_AT_ONCE: u32 = 100;

pub(super) async fn pay_all(stage: &Stage, sent: &[Sent<'_>]) -> Result<(), Failure> {
    let outcomes: HashMap<&str, Outcome> = sent.iter().map(|sent| (sent.id.as_str(), sent.row.outcome)).collect();
    let to_pay = outcomes.values().filter(|outcome| matches!(outcome, Outcome::Paid | Outcome::Rejected)).count();
    stage.step("institutions pay out", to_pay);
    let institutions: BTreeSet<&str> = sent.iter().map(|sent| sent.row.institution.as_str()).collect();
    for code in institutions {
        let institution = sign_in(stage, code).await?;
        loop {
            let claim = json!({"limit": FETCHED_AT_ONCE});
            let fetched = list(&stage.client.post(&institution, "/v1/partner/payouts/claims", &claim).await?)?;
            if fetched.is_empty() {
                break;
            }
            pay(stage, &institution, &fetched, &outcomes).await?;
        }
    }
    Ok(())
}

async fn pay(
    stage: &Stage,
    institution: &Caller,
    fetched: &[Value],
    outcomes: &HashMap<&str, Outcome>,
) -> Result<(), Failure> {
    stream::iter(fetched)
        .map(|payout| async move {
            let id = text(payout, "/id")?;
            let base = format!("/v1/partner/payouts/{id}");
            if outcomes.get(id.as_str()) == Some(&Outcome::Rejected) {
                let rejection = json!({"reason": "unknown-account"});
                stage.client.post(institution, &format!("{base}/rejection"), &rejection).await?;
            } else {
                if text(payout, "/channel")? == "cash" {
                    stage.client.post(institution, &format!("{base}/ready"), &Value::Null).await?;
                }
                stage.client.post(institution, &format!("{base}/confirmation"), &Value::Null).await?;
            }
            stage.bar.inc(1);
            Ok::<_, Failure>(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
