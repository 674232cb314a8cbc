//! Who is a guardian: one or two, who each accepted, and whom nobody brings in alone.

use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, Migrant};

use crate::family::{Family, ask, invited, join, text};

fn of<'a>(child: &'a Value, id: &str) -> &'a Value {
    let guardians = child["guardians"].as_array().map(Vec::as_slice).unwrap_or_default();
    guardians.iter().find(|one| one["person"] == id).unwrap_or(&Value::Null)
}

async fn name(by: &Migrant, child: &str, member: &str) -> Result<Answer> {
    by.caller.post(&format!("/mobile/children/{child}/guardians")).json(&json!({ "member": member })).send().await
}

async fn step(by: &Migrant, child: &str, guardian: &Value, step: &str) -> Result<Answer> {
    by.caller.post(&format!("/mobile/children/{child}/guardians/{}/{step}", text(&guardian["id"]))).send().await
}

async fn accept(who: &Migrant, child: &str) -> Result<Answer> {
    who.caller.post(&format!("/mobile/children/{child}/guardianship")).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardian_who_has_not_accepted_is_none() -> Result {
    let family = Family::new().await?;
    let khady = family.register(Some(&family.member(&family.binta).await?)).await?;
    let (id, binta) = (text(&khady["id"]), family.binta.id().await?.to_string());
    assert_eq!(of(&khady, &binta)["state"], "named");
    family.deposit(&id, "100.00 EUR").await?.expect(201);
    ask(&family.binta, &id, "school", "5.00 EUR").await?.problem(403, "forbidden");
    // As long as she has not, there is nobody to agree to what is above the limit.
    ask(&family.awa, &id, "school", "60.00 EUR").await?.problem(403, "two-people");
    let codou = family.server.migrant("Codou").await?;
    accept(&codou, &id).await?.problem(404, "not-found");
    join(&codou, &invited(&family.awa, &family.household).await?).await?.expect(200);
    accept(&codou, &id).await?.problem(404, "not-found");
    name(&family.awa, &id, &family.member(&codou).await?).await?.problem(409, "wrong-state");
    accept(&family.binta, &id).await?.expect(200);
    assert_eq!(accept(&family.binta, &id).await?.expect(200)["is_guardian"], true);
    ask(&family.binta, &id, "school", "5.00 EUR").await?.expect(201);
    let member = family.member(&family.binta).await?;
    let leave = format!("/mobile/households/{}/members/{member}/removal", family.household);
    family.binta.caller.post(&leave).send().await?.problem(409, "wrong-state");
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_household_is_not_to_be_a_guardian_any_more() -> Result {
    let family = Family::new().await?;
    let member = family.member(&family.binta).await?;
    let khady = text(&family.register(Some(&member)).await?["id"]);
    let leave = format!("/mobile/households/{}/members/{member}/removal", family.household);
    family.binta.caller.post(&leave).send().await?.expect(204);
    accept(&family.binta, &khady).await?.problem(404, "not-found");
    join(&family.binta, &invited(&family.awa, &family.household).await?).await?.expect(200);
    accept(&family.binta, &khady).await?.problem(404, "not-found");
    let read = family.awa.caller.get(&format!("/mobile/children/{khady}")).send().await?.expect(200);
    assert_eq!(of(&read, &family.binta.id().await?.to_string()), &Value::Null);
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_guardians_place_needs_the_other_ones_word() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("100.00 EUR").await?;
    let codou = family.server.migrant("Codou").await?;
    join(&codou, &invited(&family.awa, &family.household).await?).await?.expect(200);
    let (awa, binta) = (&family.awa, &family.binta);
    let id = codou.id().await?.to_string();
    name(&codou, &khady, &family.member(&codou).await?).await?.problem(403, "forbidden");
    let named = name(binta, &khady, &family.member(&codou).await?).await?.expect(200);
    let new = of(&named, &id).clone();
    assert_eq!((&new["state"], &new["waits_for_consent"]), (&"named".into(), &true.into()));
    step(binta, &khady, &new, "consent").await?.problem(403, "two-people");
    step(&codou, &khady, &new, "consent").await?.problem(403, "forbidden");
    let by_staff = format!("/operator/guardians/{}/consent", text(&new["id"]));
    family.staff.caller.post(&by_staff).send().await?.problem(409, "wrong-state");
    accept(&codou, &khady).await?.expect(200);
    step(awa, &khady, &new, "consent").await?.expect(200);
    // Two are enough: she waits for the place.
    ask(&codou, &khady, "school", "5.00 EUR").await?.problem(403, "forbidden");
    let asked = ask(binta, &khady, "school", "60.00 EUR").await?.expect(201);
    let own = of(&named, &binta.id().await?.to_string()).clone();
    step(awa, &khady, &own, "end").await?.problem(403, "forbidden");
    let after = step(binta, &khady, &own, "end").await?.expect(200);
    assert_eq!((&of(&after, &id)["state"], &after["is_guardian"]), (&"active".into(), &false.into()));
    ask(binta, &khady, "school", "5.00 EUR").await?.problem(403, "forbidden");
    // What who has left asked for is nobody's wish any more.
    crate::family::answer(&awa.caller, &asked, "approval").await?.problem(409, "wrong-state");
    let asked = ask(awa, &khady, "school", "60.00 EUR").await?.expect(201);
    assert_eq!(crate::family::answer(&codou.caller, &asked, "approval").await?.expect(200)["state"], "ordered");
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_other_guardian_is_left_our_staff_agree() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("100.00 EUR").await?;
    let (awa, binta) = (&family.awa, &family.binta);
    let read = awa.caller.get(&format!("/mobile/children/{khady}")).send().await?.expect(200);
    for who in [awa, binta] {
        let own = of(&read, &who.id().await?.to_string()).clone();
        step(who, &khady, &own, "end").await?.expect(200);
        step(who, &khady, &own, "end").await?.expect(200);
    }
    ask(awa, &khady, "school", "5.00 EUR").await?.problem(403, "forbidden");
    // A head of the household names one; the money waits meanwhile.
    name(binta, &khady, &family.member(binta).await?).await?.problem(403, "forbidden");
    let named = name(awa, &khady, &family.member(binta).await?).await?.expect(200);
    accept(binta, &khady).await?.expect(200);
    ask(binta, &khady, "school", "5.00 EUR").await?.problem(403, "forbidden");
    let waiting = family.staff.caller.get("/operator/guardians").send().await?.expect(200);
    assert_eq!((&waiting[0]["child"], &waiting[0]["active_guardians"]), (&khady.as_str().into(), &0.into()));
    let id = text(&of(&named, &binta.id().await?.to_string())["id"]);
    assert_eq!(waiting[0]["id"], id.as_str());
    family.staff.caller.post(&format!("/operator/guardians/{id}/consent")).send().await?.expect(204);
    family.staff.caller.post(&format!("/operator/guardians/{id}/consent")).send().await?.expect(204);
    assert_eq!(family.staff.caller.get("/operator/guardians").send().await?.expect(200), json!([]));
    ask(binta, &khady, "school", "5.00 EUR").await?.expect(201);
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardians_password_alone_changes_no_guardian() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("50.00 EUR").await?;
    let codou = family.server.migrant("Codou").await?;
    join(&codou, &invited(&family.awa, &family.household).await?).await?.expect(200);
    let (member, binta) = (family.member(&codou).await?, family.binta.id().await?.to_string());
    family.server.clock.advance(chrono::Duration::hours(2));
    let thief = family.awa.signed_in().await?;
    name(&thief, &khady, &member).await?.problem(403, "device-not-proven");
    let read = thief.caller.get(&format!("/mobile/children/{khady}")).send().await?.expect(200);
    let binta = of(&read, &binta).clone();
    step(&thief, &khady, &binta, "consent").await?.problem(403, "device-not-proven");
    step(&thief, &khady, &binta, "end").await?.problem(403, "device-not-proven");
    let head = format!("/mobile/households/{}/members/{member}/headship", family.household);
    thief.caller.post(&head).send().await?.problem(403, "device-not-proven");
    family.server.stop().await
}
