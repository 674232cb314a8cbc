//! Institutions that go live, and a family that gets an account at one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::senders::People;
use super::{Caller, Failure, Stage, list, text};

const INSTITUTIONS: &str = include_str!("institutions.toml");

/// The profiles of the shipped data.
#[derive(Deserialize)]
struct Profiles {
    institutions: Vec<Profile>,
}

/// A profile, as it is handed in.
#[derive(Serialize, Deserialize)]
struct Profile {
    code: String,
    name: String,
    country: String,
    regions: Vec<String>,
    languages: Vec<String>,
    products: Vec<String>,
}

/// Where the referred family lives.
const FAMILY_INSTITUTION: &str = "caisse-thies";
/// Who refers a family.
pub(super) const REFERRING: &str = "awa.ndiaye@example.org";

pub(super) async fn open(stage: &mut Stage) -> Result<(), Failure> {
    let Profiles { institutions } = toml::from_str(INSTITUTIONS)?;
    stage.step("institutions go live", institutions.len());
    for profile in institutions {
        if stage.kept.institution(&profile.code).is_none() {
            let (client, operator) = (&stage.client, &stage.operator);
            let body = serde_json::to_value(&profile)?;
            let applied = client.post(operator, "/v1/operator/institutions", &body).await?;
            let base = format!("/v1/operator/institutions/{}", text(&applied, "/id")?);
            client.post(operator, &format!("{base}/approval"), &Value::Null).await?;
            client.post(operator, &format!("{base}/launch"), &Value::Null).await?;
            let credential = client.post(operator, &format!("{base}/credentials"), &Value::Null).await?;
            stage.kept.keep_institution(&profile.code, credential)?;
        }
        stage.bar.inc(1);
    }
    Ok(())
}

/// Signs an institution in.
pub(super) async fn sign_in(stage: &Stage, code: &str) -> Result<Caller, Failure> {
    let credential = stage.kept.institution(code).ok_or_else(|| format!("{code} has no credential"))?;
    stage.client.sign_in_client("partner", credential).await
}

/// A mother in Thiès gets an account; answers the beneficiary that it became.
pub(super) async fn refer_a_family(stage: &Stage, people: &People) -> Result<String, Failure> {
    stage.step("a family gets an account", 5);
    let (client, awa) = (&stage.client, people.caller(REFERRING)?);
    let need = json!({"product": "savings", "country": "SN", "region": "Thiès", "language": "wo"});
    let proposed = list(&client.post(awa, "/v1/mobile/referrals", &need).await?)?;
    stage.bar.inc(1);
    let best = proposed.first().ok_or("nobody serves the family")?;
    let base = format!("/v1/mobile/referrals/{}", text(best, "/id")?);
    let member = json!({"family_member": "Ndèye Awa Diop"});
    client.post(awa, &format!("{base}/acceptance"), &member).await?;
    stage.bar.inc(1);
    let institution = sign_in(stage, FAMILY_INSTITUTION).await?;
    let waiting = list(&client.get(&institution, "/v1/partner/referrals").await?)?;
    stage.bar.inc(1);
    for referral in waiting {
        let path = format!("/v1/partner/referrals/{}/account", text(&referral, "/id")?);
        client.post(&institution, &path, &json!({"account_number": "THS-004711"})).await?;
    }
    stage.bar.inc(1);
    let beneficiary = client.post(awa, &format!("{base}/beneficiary"), &member).await?;
    stage.bar.inc(1);
    text(&beneficiary, "/id")
}
