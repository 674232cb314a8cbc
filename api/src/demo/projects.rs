//! Two community projects: a school that is built, and a well that is not.

use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};

use super::institutions::sign_in;
use super::senders::People;
use super::{Failure, Stage, list, text};

const OWNER: &str = "cheikh.mbaye@example.org";
const INSTITUTION: &str = "caisse-thies";
/// How long the campaign of the well runs: long enough for what is allocated to it to arrive.
const WELL_ENDS_AFTER: chrono::Duration = chrono::Duration::seconds(20);
/// How long after its deadline everything must be back.
const REFUNDS_WITHIN: Duration = Duration::from_secs(60);

/// The ids of both.
pub(super) struct Projects {
    pub(super) school: String,
    pub(super) well: String,
}

impl Projects {
    /// The project of that word in the shipped data.
    pub(super) fn id(&self, word: &str) -> Result<&str, Failure> {
        match word {
            "school" => Ok(&self.school),
            "well" => Ok(&self.well),
            other => Err(format!("the shipped data names a project {other:?}").into()),
        }
    }
}

/// Both are handed in, vetted and opened.
pub(super) async fn open(stage: &Stage, people: &People) -> Result<Projects, Failure> {
    stage.step("projects are vetted and opened", 2);
    let euro = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let school = json!({
        "title": "Trois salles de classe à Keur Mousseu",
        "summary": "L'école du village accueille 140 enfants dans une seule salle. Trois salles en dur, construites par \
                    une entreprise de Thiès, avec des latrines séparées pour les filles.",
        "institution": INSTITUTION,
        "minimum": euro("300.00"), "maximum": euro("3000.00"),
        "deadline": Utc::now() + chrono::Duration::days(90),
        "milestones": [
            {"title": "Fondations et murs", "share_basis_points": 6000, "supplier": "Entreprise Diagne et Fils"},
            {"title": "Toiture et mobilier", "share_basis_points": 4000, "supplier": "Menuiserie Sarr"},
        ],
    });
    let well = json!({
        "title": "Un forage solaire à Ndiaganiao",
        "summary": "Un forage de 60 mètres avec pompe solaire et deux bornes-fontaines.",
        "institution": INSTITUTION,
        "minimum": euro("20000.00"), "maximum": euro("25000.00"),
        "deadline": Utc::now() + WELL_ENDS_AFTER,
        "milestones": [{"title": "Forage", "share_basis_points": 10000, "supplier": "Hydraulique du Sahel"}],
    });
    Ok(Projects { school: begin(stage, people, &school).await?, well: begin(stage, people, &well).await? })
}

async fn begin(stage: &Stage, people: &People, project: &Value) -> Result<String, Failure> {
    let (client, owner) = (&stage.client, people.caller(OWNER)?);
    let id = text(&client.post(owner, "/v1/mobile/projects", project).await?, "/id")?;
    let institution = sign_in(stage, INSTITUTION).await?;
    let checklist = ["the land belongs to the village", "the suppliers' offers were seen", "the committee was met"];
    let approval = json!({"decision": "approve", "checklist": checklist});
    client.post(&institution, &format!("/v1/partner/projects/{id}/vetting"), &approval).await?;
    client.post(owner, &format!("/v1/mobile/projects/{id}/opening"), &Value::Null).await?;
    stage.bar.inc(1);
    Ok(id)
}

/// The school has its minimum: the campaign is closed, the first milestone reported, approved by two parties, and its
/// supplier paid through the institution.
pub(super) async fn build(stage: &Stage, people: &People, projects: &Projects) -> Result<(), Failure> {
    stage.step("the school is built", 5);
    let (client, owner) = (&stage.client, people.caller(OWNER)?);
    let path = format!("/v1/mobile/projects/{}/closing", projects.school);
    let funded = client.post(owner, &path, &Value::Null).await?;
    stage.bar.inc(1);
    let milestone = text(&funded, "/milestones/0/id")?;
    let evidence =
        json!({"evidence": "Photos et procès-verbal de réception des murs, signés par le comité du village."});
    client.post(owner, &format!("/v1/mobile/milestones/{milestone}/report"), &evidence).await?;
    stage.bar.inc(1);
    let institution = sign_in(stage, INSTITUTION).await?;
    let approval = format!("milestones/{milestone}/approval");
    client.post(&institution, &format!("/v1/partner/{approval}"), &Value::Null).await?;
    stage.bar.inc(1);
    client.post(&stage.operator, &format!("/v1/operator/{approval}"), &Value::Null).await?;
    stage.bar.inc(1);
    for disbursement in list(&client.get(&institution, "/v1/partner/disbursements").await?)? {
        if text(&disbursement, "/state")? == "ordered" {
            let path = format!("/v1/partner/disbursements/{}/payment", text(&disbursement, "/id")?);
            client.post(&institution, &path, &json!({"reference": "VIR-2026-0147"})).await?;
        }
    }
    stage.bar.inc(1);
    Ok(())
}

/// The well misses its minimum at its deadline; everything that was given to it comes back by itself.
pub(super) async fn wait_for_failure(stage: &Stage, projects: &Projects) -> Result<(), Failure> {
    stage.step("the well fails, and gives everything back", 2);
    let path = format!("/v1/public/projects/{}", projects.well);
    let deadline = text(&stage.client.get_openly(&path).await?, "/deadline")?.parse::<chrono::DateTime<Utc>>()?;
    let until_deadline = (deadline - Utc::now()).to_std().unwrap_or_default();
    let until = tokio::time::Instant::now() + until_deadline + REFUNDS_WITHIN;
    loop {
        let well = stage.client.get_openly(&path).await?;
        let failed = text(&well, "/state")? == "failed";
        if failed {
            stage.bar.set_position(1);
        }
        if failed && text(&well, "/raised/amount")? == "0.00" {
            stage.bar.set_position(2);
            return Ok(());
        }
        if tokio::time::Instant::now() > until {
            return Err("the well's money is not back".into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
