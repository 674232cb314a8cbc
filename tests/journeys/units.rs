//! Units of a project: registered by an operator, issued and passed on in the book, read by an auditor.

use ledger::{
    AccountCode, Amount, BookId, BookSettings, Chart, Currency, Entry, EntryBuilder, EntryKind, IdempotencyKey, Ledger,
    Money, NewLot, UnitCode, UnitOfWork,
};
use serde_json::{Value, json};
use tests::Result;
use tests::server::{NewProject, Staff, TestServer};

const KIND: EntryKind = EntryKind::new("units");
const CHART: &str = include_str!("../../config/chart-of-accounts.toml");

/// The server's own book, written by another process as a bulk load does.
async fn book(server: &TestServer) -> Result<Ledger> {
    let settings = BookSettings {
        book: BookId::FIRST,
        name: "teranga".to_owned(),
        chart: Chart::from_toml(CHART)?,
        clock: server.clock.clone(),
        observer: None,
    };
    Ok(Ledger::open(server.test.database()?, settings).await?.0)
}

async fn post(ledger: &Ledger, entry: EntryBuilder) -> Result {
    ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry.build()?)).await?;
    Ok(())
}

async fn register(staff: &Staff, unit: &Value) -> Result<tests::server::Answer> {
    staff.caller.post("/operator/units").json(unit).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_table_is_read_from_the_book_and_shows_nobody_by_name() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let project = awa.opened(&NewProject::at("caisse-thies"), &caisse).await?;

    let unit = json!({ "code": "unit:well-1", "name": "A well, first round", "project": project.id });
    let registered = register(&staff, &unit).await?.expect(201);
    assert_eq!((&registered["code"], &registered["decimals"]), (&"unit:well-1".into(), &0.into()));
    assert_eq!(register(&staff, &unit).await?.expect(200), registered, "saying it again changes nothing");
    let mut other = unit.clone();
    other["decimals"] = 2.into();
    register(&staff, &other).await?.problem(409, "code-taken");
    for (field, value) in
        [("code", "well-1".into()), ("name", "".into()), ("decimals", 7.into()), ("project", json!(uuid::Uuid::nil()))]
    {
        let mut faulty = unit.clone();
        faulty["code"] = "unit:well-2".into();
        faulty[field] = value;
        register(&staff, &faulty).await?.problem(422, "invalid-request");
    }
    let listed = staff.caller.get("/operator/units?limit=1").send().await?.expect(200);
    assert_eq!(listed["items"], json!([registered]));

    let ledger = book(&server).await?;
    let unit = ledger.unit(&UnitCode::try_new("unit:well-1")?).await?.ok_or("the unit is registered")?;
    let units = |count| Amount::from_minor(count, unit);
    let issuer = AccountCode::held_by("assets:units-issued", project.id)?;
    let holder = awa.wallet_account().await?.replace("wallets", "holdings");
    let (holder, other) = (AccountCode::try_new(&holder)?, AccountCode::try_new("liabilities:holdings:moussa")?);
    let cost = Some(Money::from_minor(10_000, Currency::EUR));
    let lot = NewLot { amount: units(30), acquired_on: "2026-01-31".parse()?, cost };
    let issued = Entry::builder(KIND, ledger.today())
        .debit(issuer, units(50))
        .credit_lots(holder.clone(), vec![lot])
        .credit(other.clone(), units(20));
    post(&ledger, issued).await?;
    post(
        &ledger,
        Entry::builder(KIND, ledger.today()).debit(holder.clone(), units(10)).credit(other.clone(), units(10)),
    )
    .await?;

    let auditor = staff.auditor(30).await?;
    let read = async |path: &str| -> Result<Value> {
        Ok(auditor.caller.get(&format!("/audit{path}")).send().await?.expect(200))
    };
    let table = read("/units/unit:well-1/cap-table?limit=1").await?;
    assert_eq!(table["issued"], json!({ "amount": "50", "unit": "unit:well-1" }));
    let next = table["next"].as_str().unwrap_or_default();
    let rest = read(&format!("/units/unit:well-1/cap-table?cursor={next}")).await?;
    let held = |page: &Value| page["holders"][0]["held"]["amount"].as_str().map(ToOwned::to_owned);
    let mut amounts = [held(&table), held(&rest)];
    amounts.sort();
    assert_eq!((amounts, &rest["next"]), ([Some("20".to_owned()), Some("30".to_owned())], &Value::Null));
    let stranger = staff.auditor_of(&json!({})).await?;
    let hidden = stranger.caller.get("/audit/units/unit:well-1/cap-table").send().await?.expect(200);
    for holding in hidden["holders"].as_array().into_iter().flatten() {
        let account = holding["account"].as_str().unwrap_or_default();
        assert!(account.starts_with("liabilities:holdings:"), "{account}");
        assert!(![holder.as_str(), other.as_str()].contains(&account), "{account}");
    }
    assert_eq!(hidden["holders"].as_array().map(Vec::len), Some(2));
    let before = read("/units/unit:well-1/cap-table?as_of_sequence=1").await?;
    assert_eq!(before["holders"].as_array().map(Vec::len), Some(2));

    let entry = read("/entries/2").await?;
    let lot = json!({
        "lot": "1-1", "acquired_on": "2026-01-31", "amount": { "amount": "10", "unit": "unit:well-1" },
        "cost": { "amount": "33.33", "currency": "EUR" },
    });
    assert_eq!(entry["postings"][0]["lots"], json!([lot]));
    let balance = read(&format!("/accounts/{holder}/balance?currency=unit:well-1")).await?;
    assert_eq!(balance["on_normal_side"], json!({ "amount": "20", "unit": "unit:well-1" }));
    let statement = read(&format!("/accounts/{holder}/statement?currency=unit:well-1")).await?;
    assert_eq!(statement["closing"], json!({ "amount": "20", "unit": "unit:well-1" }));
    assert_eq!(read("/feed").await?["items"][1]["postings"][0]["lots"], json!([lot]));
    assert_eq!(read("/verification").await?["holds"], true);
    // Nobody's bank has a statement of units.
    for path in [
        format!("/accounts/{holder}/balance?currency=unit:lunar-1"),
        format!("/accounts/{holder}/statement.camt053.xml?currency=unit:well-1"),
        "/units/well-1/cap-table".to_owned(),
    ] {
        auditor.caller.get(&format!("/audit{path}")).send().await?.problem(422, "invalid-request");
    }
    let unknown = auditor.caller.get("/audit/units/unit:lunar-1/cap-table").send().await?;
    unknown.problem(404, "not-found");
    drop(ledger);
    server.stop().await
}
