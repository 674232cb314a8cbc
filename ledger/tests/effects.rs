//! Effects: a change of state commits with its entry or not at all.

use crate::fixture::{LedgerFixture, Result, euro, transfer, unit};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use ledger::{Effect, EffectKind, IdempotencyKey, Outcome, PostError, Refusal, UnitOfWork};
use serde_json::json;

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";
const BABACAR: &str = "liabilities:wallets:babacar";

/// Hands out each parcel once.
static HANDED_OUT: EffectKind = EffectKind {
    name: "parcel-handed-out",
    statement: "with input as (
            select (r->>'unit')::int4 as unit, (r->>'entry')::uuid as entry, (r->'payload'->>'parcel')::int4 as parcel
            from jsonb_array_elements($1::jsonb) r
        )
        update parcels.parcels p
        set entry = input.entry
        from input
        where p.parcel = input.parcel
          and p.entry is null
        returning input.unit",
};

static BROKEN: EffectKind =
    EffectKind { name: "broken", statement: "select 1 / 0 as unit from jsonb_array_elements($1::jsonb)" };

async fn parcels(fixture: &LedgerFixture, count: i32) -> Result {
    let mut owner = fixture.test.owner().await?;
    owner
        .batch_execute(&format!(
            "create schema parcels;
             create table parcels.parcels (parcel int4 primary key, entry uuid);
             insert into parcels.parcels select generate_series(1, {count});
             grant usage on schema parcels to teranga_server;
             grant select, update on parcels.parcels to teranga_server;"
        ))
        .await?;
    Ok(())
}

async fn handed_out(fixture: &LedgerFixture) -> Result<i64> {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let mut owner = fixture.test.owner().await?;
    let text = "select count(*) from parcels.parcels p join ledger.entries e on e.entry_key = p.entry";
    let row: Count = diesel::sql_query(text).get_result(&mut owner).await?;
    Ok(row.count)
}

fn hand_out(fixture: &LedgerFixture, parcel: i32, from: &str, cents: i64) -> Result<UnitOfWork> {
    let to = if from == BANK { AMINA } else { BABACAR };
    let effect = Effect::try_new(&HANDED_OUT, &json!({ "parcel": parcel }))?;
    Ok(unit(&fixture.ledger, to, from, euro(cents)).causing(effect))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_one_thing_one_gets_it_and_only_its_entry_is_booked() -> Result {
    let fixture = LedgerFixture::new().await?;
    parcels(&fixture, 1).await?;
    let units = (0..10).map(|_| hand_out(&fixture, 1, BANK, 5)).collect::<Result<Vec<_>>>()?;
    let answers = fixture.ledger.post_all(units).await?;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let refused = |answer: &std::result::Result<_, PostError>| {
        matches!(answer, Err(PostError::Refused(Refusal::EffectNotApplicable { effect: "parcel-handed-out" })))
    };
    assert_eq!(answers.iter().filter(|answer| refused(answer)).count(), 9);
    assert_eq!(handed_out(&fixture).await?, 1);
    assert_eq!(fixture.ledger.head().await?.number(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_refused_for_its_money_changes_no_state_and_neighbours_stand() -> Result {
    let fixture = LedgerFixture::new().await?;
    parcels(&fixture, 4).await?;
    let answers = fixture
        .ledger
        .post_all(vec![
            hand_out(&fixture, 1, BANK, 100)?,
            // Amina has 100: too much, then enough.
            hand_out(&fixture, 2, AMINA, 101)?,
            hand_out(&fixture, 3, AMINA, 100)?,
        ])
        .await?;
    let booked: Vec<_> = answers.iter().map(std::result::Result::is_ok).collect();
    assert_eq!(booked, [true, false, true]);
    assert_eq!(handed_out(&fixture).await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_lived_on_another_one_falls_with_it_and_its_effect_is_undone() -> Result {
    let fixture = LedgerFixture::new().await?;
    parcels(&fixture, 2).await?;
    // The first would fund Amina, but its parcel does not exist; the second spends what she then does not have.
    let answers =
        fixture.ledger.post_all(vec![hand_out(&fixture, 99, BANK, 100)?, hand_out(&fixture, 1, AMINA, 100)?]).await?;
    assert!(matches!(answers[0], Err(PostError::Refused(Refusal::EffectNotApplicable { .. }))));
    assert!(matches!(answers[1], Err(PostError::Refused(Refusal::BelowFloor { .. }))));
    assert_eq!(handed_out(&fixture).await?, 0);
    assert_eq!(fixture.ledger.head().await?.number(), 0);
    // The parcel is still to be had.
    fixture.ledger.post(hand_out(&fixture, 1, BANK, 1)?).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_answered_and_does_not_ask_for_its_effect_again() -> Result {
    let fixture = LedgerFixture::new().await?;
    parcels(&fixture, 1).await?;
    let key = IdempotencyKey::generate();
    let effect = Effect::try_new(&HANDED_OUT, &json!({ "parcel": 1 }))?;
    let entry = transfer(&fixture.ledger, AMINA, BANK, euro(5));
    let unit = UnitOfWork::new(key, entry).causing(effect);
    assert_eq!(fixture.ledger.post(unit.clone()).await?.outcome, Outcome::Booked);
    assert_eq!(fixture.ledger.post(unit).await?.outcome, Outcome::AlreadyBooked);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_unit_does_not_hold_up_its_neighbours() -> Result {
    let fixture = LedgerFixture::new().await?;
    parcels(&fixture, 20).await?;
    let mut units = (1..=20).map(|parcel| hand_out(&fixture, parcel, BANK, 1)).collect::<Result<Vec<_>>>()?;
    let poison = unit(&fixture.ledger, AMINA, BANK, euro(1)).causing(Effect::try_new(&BROKEN, &json!({}))?);
    units.insert(7, poison);
    let answers = fixture.ledger.post_all(units).await?;
    assert!(matches!(answers[7], Err(PostError::Rejected(_))));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20);
    assert_eq!(handed_out(&fixture).await?, 20);
    assert_eq!(fixture.ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}
