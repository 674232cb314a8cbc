//! A family of a test's own: Awa in Lyon, Binta in Dakar, and Khady, who comes of age on 20 March 2026.

use chrono::Duration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, Caller, Migrant, Money, NewQuote, Partner, Staff, TestServer};

/// Days from the clocks' start to Khady's birthday.
pub(crate) const UNTIL_BIRTHDAY: i64 = 18;

/// A family with its institution, and 500 EUR in Awa's wallet.
pub(crate) struct Family {
    pub(crate) server: TestServer,
    pub(crate) staff: Staff,
    pub(crate) caisse: Partner,
    pub(crate) awa: Migrant,
    pub(crate) binta: Migrant,
    pub(crate) household: String,
}

impl Family {
    pub(crate) async fn new() -> Result<Self> {
        let server = TestServer::start().await?;
        let (staff, awa, binta) = (server.staff().await?, server.migrant("Awa").await?, server.migrant("Binta").await?);
        let caisse = staff.institution("caisse-thies").await?;
        let household = made(&awa).await?;
        let code = invited(&awa, &household).await?;
        join(&binta, &code).await?.expect(200);
        let family = Self { server, staff, caisse, awa, binta, household };
        family.fill_wallet("500.00 EUR").await?;
        Ok(family)
    }

    /// Puts money into Awa's wallet, as an operator does with a pay-in that fits nothing.
    pub(crate) async fn fill_wallet(&self, amount: &str) -> Result {
        let remittance = self.awa.accepted(&NewQuote::default(), &self.caisse).await?;
        let received = self.staff.receive(&format!("W-{}", remittance.id), amount, &remittance.reference).await?;
        self.staff.decide(&received.expect(201), "credit", &remittance.reference).await?.expect(200);
        Ok(())
    }

    /// Registers Khady with Awa as guardian: school up to 100, health up to 60 at the caisse; above 50 two agree.
    pub(crate) async fn register(&self, second: Option<&str>) -> Result<Value> {
        let body = json!({
            "name": "Khady Ndiaye", "birth_date": "2008-03-20", "limit": money("50.00 EUR"),
            "purposes": [
                { "purpose": "school", "ceiling": money("100.00 EUR") },
                { "purpose": "health", "ceiling": money("60.00 EUR"), "institution": self.caisse.code },
            ],
            "second_guardian": second,
        });
        let path = format!("/mobile/households/{}/children", self.household);
        Ok(self.awa.caller.post(&path).json(&body).send().await?.expect(201))
    }

    /// Khady with both guardians, and so much on her account.
    pub(crate) async fn khady_with(&self, amount: &str) -> Result<String> {
        let khady = self.register(Some(&self.member(&self.binta).await?)).await?;
        let id = text(&khady["id"]);
        let accepted = self.binta.caller.post(&format!("/mobile/children/{id}/guardianship")).send().await?.expect(200);
        assert_eq!(accepted["is_guardian"], true);
        self.deposit(&id, amount).await?.expect(201);
        Ok(id)
    }

    pub(crate) async fn deposit(&self, child: &str, amount: &str) -> Result<Answer> {
        let request = self.awa.caller.post(&format!("/mobile/children/{child}/deposits"));
        request.json(&json!({ "amount": money(amount) })).send().await
    }

    /// The id of a member of the household.
    pub(crate) async fn member(&self, who: &Migrant) -> Result<String> {
        let (person, household) = (who.id().await?.to_string(), read(&self.awa, &self.household).await?);
        let members = household["members"].as_array().cloned().unwrap_or_default();
        let found = members.iter().find(|member| member["person"] == person.as_str());
        Ok(text(&found.ok_or("no such member")?["id"]))
    }

    /// What is kept for a child, as `50.00 EUR`.
    pub(crate) async fn kept(&self, child: &str) -> Result<String> {
        let read = self.awa.caller.get(&format!("/mobile/children/{child}")).send().await?.expect(200);
        Ok(serde_json::from_value::<Money>(read["kept"]["balance"].clone())?.to_string())
    }

    /// Days pass; everybody signs in again.
    pub(crate) async fn after(self, days: i64) -> Result<Self> {
        self.server.clock.advance(Duration::days(days));
        let (staff, awa) = (self.server.staff().await?, self.awa.signed_in().await?);
        let (binta, caisse) = (self.binta.signed_in().await?, self.caisse.signed_in().await?);
        self.server.prove_device(&awa).await?;
        self.server.prove_device(&binta).await?;
        Ok(Self { staff, awa, binta, caisse, ..self })
    }

    /// Somebody with an account who says to be called so, born then.
    pub(crate) async fn person(&self, contact: &str, name: &str, birth_date: &str) -> Result<Migrant> {
        let person = self.server.migrant(contact).await?;
        let identity = json!({ "name": name, "birth_date": birth_date, "address": "Thiès", "country": "SN" });
        person.caller.request(Method::PUT, "/mobile/me/identity").json(&identity).send().await?.expect(204);
        Ok(person)
    }
}

pub(crate) fn money(amount: &str) -> Value {
    Money::of(amount).json()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A household of which somebody is the head.
pub(crate) async fn made(by: &Migrant) -> Result<String> {
    let made = by.caller.post("/mobile/households").json(&json!({ "name": "Famille Ndiaye" })).send().await?;
    Ok(text(&made.expect(201)["id"]))
}

pub(crate) async fn read(by: &Migrant, household: &str) -> Result<Value> {
    Ok(by.caller.get(&format!("/mobile/households/{household}")).send().await?.expect(200))
}

/// A code by which somebody joins.
pub(crate) async fn invited(by: &Migrant, household: &str) -> Result<String> {
    let made = by.caller.post(&format!("/mobile/households/{household}/invitations")).send().await?;
    Ok(text(&made.expect(201)["code"]))
}

pub(crate) async fn join(who: &Migrant, code: &str) -> Result<Answer> {
    who.caller.post("/mobile/invitations/acceptance").json(&json!({ "code": code })).send().await
}

/// Asks for something to be paid.
pub(crate) async fn ask(by: &Migrant, child: &str, purpose: &str, amount: &str) -> Result<Answer> {
    ask_at(by, child, purpose, amount, "caisse-thies").await
}

pub(crate) async fn ask_at(by: &Migrant, child: &str, purpose: &str, amount: &str, at: &str) -> Result<Answer> {
    let body = json!({
        "purpose": purpose, "amount": money(amount), "institution": at, "note": "Lycée Malick Sy, second term",
    });
    by.caller.post(&format!("/mobile/children/{child}/spendings")).json(&body).send().await
}

/// Answers a spending: `approval`, `cancellation`.
pub(crate) async fn answer(by: &Caller, spending: &Value, step: &str) -> Result<Answer> {
    by.post(&format!("/mobile/spendings/{}/{step}", text(&spending["id"]))).send().await
}
