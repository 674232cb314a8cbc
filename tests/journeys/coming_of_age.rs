//! The eighteenth birthday: guardians spend no more, and the account is handed over.

use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, Migrant};

use crate::family::{Family, UNTIL_BIRTHDAY, answer, ask, text};

async fn code_of_agent(family: &Family, number: &str, name: &str, born: &str) -> Result<Answer> {
    let body = json!({ "account_number": number, "name": name, "birth_date": born, "document": "national-card" });
    family.caisse.caller.post("/partner/handover-codes").json(&body).send().await
}

async fn take_over(who: &Migrant, code: &str) -> Result<Answer> {
    who.caller.post("/mobile/handovers").json(&json!({ "code": code })).send().await
}

async fn number(family: &Family, child: &str) -> Result<String> {
    let read = family.awa.caller.get(&format!("/mobile/children/{child}")).send().await?.expect(200);
    Ok(text(&read["kept"]["account_number"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_birthday_on_nobody_spends_and_the_grown_up_child_has_all_of_it() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("120.00 EUR").await?;
    let ordered = ask(&family.awa, &khady, "health", "20.00 EUR").await?.expect(201);
    let waiting = ask(&family.awa, &khady, "school", "60.00 EUR").await?.expect(201);
    let number = number(&family, &khady).await?;
    code_of_agent(&family, &number, "Khady Ndiaye", "2008-03-20").await?.problem(409, "wrong-state");
    let family = family.after(UNTIL_BIRTHDAY - 1).await?;
    ask(&family.awa, &khady, "school", "1.00 EUR").await?.expect(201);
    let family = family.after(1).await?;
    // At once, whether or not a worker has looked.
    ask(&family.awa, &khady, "school", "1.00 EUR").await?.problem(409, "wrong-state");
    answer(&family.binta.caller, &waiting, "approval").await?.problem(409, "wrong-state");
    family.deposit(&khady, "1.00 EUR").await?.problem(409, "wrong-state");
    let read = family.awa.caller.get(&format!("/mobile/children/{khady}")).send().await?.expect(200);
    assert_eq!(read["state"], "of-age");
    let state = "select count(*) from onboarding.children where state = 'of-age'";
    family
        .server
        .eventually("the end of protection", async || Ok((family.server.number(state).await? == 1).then_some(())))
        .await?;
    let path = format!("/mobile/spendings/{}", text(&waiting["id"]));
    assert_eq!(family.awa.caller.get(&path).send().await?.expect(200)["state"], "cancelled");

    // The agent sees her document; a wrong name, date or number are one answer.
    let wrong = [
        code_of_agent(&family, &number, "Khady Diop", "2008-03-20").await?,
        code_of_agent(&family, &number, "Khady Ndiaye", "2008-03-21").await?,
        code_of_agent(&family, "0000000000", "Khady Ndiaye", "2008-03-20").await?,
    ];
    let told: Vec<String> = wrong.iter().map(|answer| answer.problem(404, "not-found")).collect();
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    let issued = code_of_agent(&family, &number.to_lowercase(), "NDIAYE Khady", "2008-03-20").await?.expect(201);
    let code = text(&issued["code"]);
    // A guardian, or anybody else, gets nothing by it.
    take_over(&family.awa, &code).await?.problem(403, "forbidden");
    let stranger = family.person("Stranger", "Khady Sarr", "2008-03-20").await?;
    take_over(&stranger, &code).await?.problem(403, "forbidden");
    let grown_up = family.person("Khady", "Khady Ndiaye", "2008-03-20").await?;
    take_over(&grown_up, "0000-0000-0000").await?.faulty("/code", "wrong-code");
    let taken = take_over(&grown_up, &code).await?.expect(200);
    assert_eq!(taken["moved"], json!({ "amount": "99.00", "currency": "EUR" }));
    assert_eq!(
        (&taken["child"]["state"], grown_up.wallet().await?),
        (&"handed-over".into(), vec!["99.00 EUR".to_owned()])
    );
    assert_eq!(take_over(&grown_up, &code).await?.expect(200)["moved"]["amount"], "0.00", "it is done");
    take_over(&stranger, &code).await?.faulty("/code", "wrong-code");
    let own = grown_up.caller.get("/mobile/children").send().await?.expect(200);
    assert_eq!(own[0]["kept"]["balance"]["amount"], "0.00");
    let statement = format!("/mobile/children/{khady}/statement?currency=EUR");
    family.awa.caller.get(&statement).send().await?.problem(403, "forbidden");
    grown_up.caller.get(&statement).send().await?.expect(200);

    // What was ordered before and cannot be paid comes to her, not to a closed account.
    let decline = family.caisse.caller.post(&format!("/partner/child-payments/{}/decline", text(&ordered["id"])));
    decline.json(&json!({ "reason": "she is of age" })).send().await?.expect(200);
    assert_eq!(grown_up.wallet().await?, ["119.00 EUR"]);
    let verified = family.staff.auditor(1).await?.caller.get("/audit/verification").send().await?.expect(200);
    assert_eq!(verified["holds"], true, "{verified}");
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardians_code_takes_a_document_that_we_have_seen() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("10.00 EUR").await?;
    let path = format!("/mobile/children/{khady}/handover-code");
    family.awa.caller.post(&path).send().await?.problem(409, "wrong-state");
    let family = family.after(UNTIL_BIRTHDAY).await?;
    let codou = family.server.migrant("Codou").await?;
    codou.caller.post(&path).send().await?.problem(404, "not-found");
    let first = text(&family.awa.caller.post(&path).send().await?.expect(201)["code"]);
    let code = text(&family.binta.caller.post(&path).send().await?.expect(201)["code"]);
    let grown_up = family.person("Khady", "Khady Ndiaye", "2008-03-20").await?;
    take_over(&grown_up, &first).await?.faulty("/code", "wrong-code");
    let refused = take_over(&grown_up, &code).await?;
    assert!(refused.problem(403, "forbidden").contains("document"));
    assert_eq!(family.kept(&khady).await?, "10.00 EUR");
    let seen = format!("update onboarding.people set tier = 2 where person_id = '{}'", grown_up.id().await?);
    diesel_async::SimpleAsyncConnection::batch_execute(&mut family.server.test.owner().await?, &seen).await?;
    take_over(&grown_up, &code).await?.expect(200);
    assert_eq!(grown_up.wallet().await?, ["10.00 EUR"]);
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_nothing_on_it_is_closed_without_an_entry() -> Result {
    let family = Family::new().await?;
    let khady = text(&family.register(None).await?["id"]);
    let number = number(&family, &khady).await?;
    let family = family.after(UNTIL_BIRTHDAY + 400).await?;
    let code = text(&code_of_agent(&family, &number, "Khady Ndiaye", "2008-03-20").await?.expect(201)["code"]);
    let grown_up = family.person("Khady", "Khady Ndiaye", "2008-03-20").await?;
    let head = family.server.head().await?;
    let taken = take_over(&grown_up, &code).await?.expect(200);
    assert_eq!((&taken["child"]["state"], &taken["moved"]["amount"]), (&"handed-over".into(), &Value::from("0.00")));
    assert_eq!(family.server.head().await?, head);
    code_of_agent(&family, &number, "Khady Ndiaye", "2008-03-20").await?.problem(409, "wrong-state");
    family.server.stop().await
}
