//! Whom and what the load needs, made once over the surfaces: an institution, rates, a project, migrants.

use std::time::{Duration, Instant};

use chrono::{Duration as Span, Utc};
use serde_json::{Value, json};
use tests::Result;
use uuid::Uuid;

use crate::client::id;
use crate::house::House;
use crate::session::{Credential, client, token, token_of};

const INSTITUTION: &str = "caisse-thies";

pub struct Cast {
    pub operator: Credential,
    pub colleague: Credential,
    pub partner: Credential,
    pub auditor: Credential,
    pub project: Uuid,
    pub migrants: Vec<Migrant>,
}

pub struct Migrant {
    pub contact: String,
    pub password: String,
    pub beneficiary: Uuid,
}

/// Somebody who is signed in.
struct Hand<'a> {
    http: &'a reqwest::Client,
    base: &'a str,
    token: String,
}

impl Hand<'_> {
    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        let asked = self
            .http
            .post(format!("{}{path}", self.base))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", format!("preparation-{}", Uuid::now_v7()));
        let asked = if body.is_null() { asked } else { asked.json(&body) };
        Ok(asked.send().await?.error_for_status()?.json().await?)
    }
}

impl Cast {
    pub async fn prepare(house: &House, migrants: usize) -> Result<Self> {
        let http = client()?;
        let base = house.base.as_str();
        let operator = serde_json::from_slice(&std::fs::read(house.data().join("first-operator.json"))?)?;
        let staff = Hand { http: &http, base, token: token(&http, base, "operator", &operator).await? };
        // As long as there is nobody else, an operator lets an institution in alone.
        let partner = institution(&staff).await?;
        let colleague = staff.post("/operator/operators", json!({ "name": "Binta Sow" })).await?;
        let colleague = serde_json::from_value(colleague["credential"].clone())?;
        set_rate(&staff).await?;
        let grant = json!({ "auditor": "Nafi Sarr", "ends_at": Utc::now() + Span::days(1), "books": [1, 2] });
        let auditor = serde_json::from_value(staff.post("/operator/audit-grants", grant).await?)?;
        let mut known = Vec::with_capacity(migrants);
        for number in 0..migrants {
            known.push(migrant(house, &http, number).await?);
        }
        let (_, owner) = known.first().ok_or("a project has an owner")?;
        let till = Hand { http: &http, base, token: token(&http, base, "partner", &partner).await? };
        let project = open_project(owner, &till).await?;
        let migrants = known.into_iter().map(|(migrant, _)| migrant).collect();
        Ok(Self { operator, colleague, partner, auditor, project, migrants })
    }
}

async fn institution(staff: &Hand<'_>) -> Result<Credential> {
    let profile = json!({
        "code": INSTITUTION, "name": "Caisse de Thiès", "country": "SN", "regions": ["Thiès"],
        "languages": ["fr", "wo"], "products": ["cash-payout", "account-payout", "savings"],
    });
    let institution = id(&staff.post("/operator/institutions", profile).await?)?;
    for step in ["approval", "launch"] {
        staff.post(&format!("/operator/institutions/{institution}/{step}"), Value::Null).await?;
    }
    let issued = staff.post(&format!("/operator/institutions/{institution}/credentials"), Value::Null).await?;
    Ok(serde_json::from_value(issued)?)
}

async fn set_rate(staff: &Hand<'_>) -> Result {
    let rate = json!({ "base": "EUR", "counter": "USD", "rate": "1.0850", "set_at": Utc::now() });
    staff.post("/operator/rates", json!({ "rates": [rate] })).await.map(drop)
}

/// A project that stays open, and is large enough for all that is allocated to it.
async fn open_project(owner: &Hand<'_>, till: &Hand<'_>) -> Result<Uuid> {
    let euro = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    let project = json!({
        "title": "A well for Keur Massar", "summary": "Clean water for 300 households.",
        "institution": INSTITUTION, "minimum": euro("100.00"), "maximum": euro("1000000.00"),
        "deadline": Utc::now() + Span::days(30),
        "milestones": [{ "title": "Drilled", "share_basis_points": 10_000, "supplier": "Forages Moussa Diop" }],
    });
    let project = id(&owner.post("/mobile/projects", project).await?)?;
    let decision = json!({ "decision": "approve", "checklist": ["the owner is known here"] });
    till.post(&format!("/partner/projects/{project}/vetting"), decision).await?;
    owner.post(&format!("/mobile/projects/{project}/opening"), Value::Null).await?;
    Ok(project)
}

async fn migrant<'a>(house: &'a House, http: &'a reqwest::Client, number: usize) -> Result<(Migrant, Hand<'a>)> {
    let base = house.base.as_str();
    let contact = format!("migrant-{number}@example.org");
    let password = "baobab-au-bord-du-fleuve".to_owned();
    let registration = json!({ "contact": contact, "password": password, "language": "en" });
    http.post(format!("{base}/mobile/registrations")).json(&registration).send().await?.error_for_status()?;
    let confirmation = json!({ "contact": contact, "code": code(house, &contact).await? });
    let confirmed = http.post(format!("{base}/mobile/registrations/confirmation")).json(&confirmation);
    confirmed.send().await?.error_for_status()?;
    let sign_in = json!({ "contact": contact, "password": password });
    let token = token_of(http.post(format!("{base}/mobile/tokens")).json(&sign_in)).await?;
    let identity = json!({
        "name": "Awa Ndiaye", "birth_date": "1990-04-02", "address": "12 rue de la Paix, Lyon", "country": "FR",
    });
    let stated = http.put(format!("{base}/mobile/me/identity")).bearer_auth(&token).json(&identity);
    stated.send().await?.error_for_status()?;
    let hand = Hand { http, base, token };
    let family = json!({ "name": "Fatou Ndiaye", "channel": "cash", "institution": INSTITUTION });
    let beneficiary = id(&hand.post("/mobile/beneficiaries", family).await?)?;
    Ok((Migrant { contact, password, beneficiary }, hand))
}

/// The code that was mailed to a contact.
async fn code(house: &House, contact: &str) -> Result<String> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        for file in std::fs::read_dir(house.data().join("mail"))? {
            let text = std::fs::read_to_string(file?.path())?;
            if text.contains(&format!("To: {contact}"))
                && let Some((_, rest)) = text.split_once("Your code is ")
                && let Some(code) = rest.get(..6)
            {
                return Ok(code.to_owned());
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("no code was mailed to {contact}").into())
}
