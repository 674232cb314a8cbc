//! What is booked stays as it is, and who changes it with more rights is found.

use crate::fixture::{LedgerFixture, Result, euro, unit};
use diesel_async::SimpleAsyncConnection;

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";

async fn with_entries() -> Result<LedgerFixture> {
    let fixture = LedgerFixture::new().await?;
    for cents in [100, 250, 40] {
        fixture.ledger.post(unit(&fixture.ledger, AMINA, BANK, euro(cents))).await?;
    }
    Ok(fixture)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_role_cannot_change_or_delete_what_is_booked() -> Result {
    let fixture = with_entries().await?;
    let mut connection = fixture.database.connection().await?;
    for statement in [
        "update ledger.entries set kind = 'other'",
        "delete from ledger.entries",
        "truncate ledger.entries",
        "update ledger.postings set amount_minor = 1",
        "delete from ledger.postings",
        "truncate ledger.postings",
        "delete from ledger.accounts",
        "update ledger.accounts set floor_minor = null",
        "delete from ledger.books",
        "alter table ledger.postings disable trigger all",
        "drop table ledger.postings",
    ] {
        let error = connection.batch_execute(statement).await.expect_err(statement);
        assert!(
            error.to_string().contains("permission denied") || error.to_string().contains("must be owner"),
            "{error}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn even_the_owner_meets_the_triggers() -> Result {
    let fixture = with_entries().await?;
    let mut owner = fixture.test.owner().await?;
    for statement in
        ["update ledger.entries set kind = 'other'", "delete from ledger.postings", "truncate ledger.postings"]
    {
        let error = owner.batch_execute(statement).await.expect_err(statement);
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    let unbalanced = "insert into ledger.postings values (1, 1, 978, 4, 1, 5, 395)";
    let error = owner.batch_execute(unbalanced).await.expect_err(unbalanced);
    assert!(error.to_string().contains("does not balance"), "{error}");
    let below = "update ledger.accounts set balance_minor = 1 where code = 'liabilities:wallets:amina'";
    let error = owner.batch_execute(below).await.expect_err(below);
    assert!(error.to_string().contains("accounts_floor_kept"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditors_role_reads_and_nothing_else() -> Result {
    let fixture = with_entries().await?;
    let mut owner = fixture.test.owner().await?;
    owner.batch_execute("set role teranga_reader; select count(*) from ledger.postings").await?;
    for statement in ["insert into ledger.books values (2, 'x', 0, 0, now())", "select * from platform.outbox"] {
        let error = owner.batch_execute(statement).await.expect_err(statement);
        assert!(error.to_string().contains("permission denied"), "{error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_finds_what_a_superuser_changed() -> Result {
    for (tampering, sequence) in [
        ("update ledger.postings set amount_minor = amount_minor + 1 where sequence = 2 and ordinal = 1", Some(2)),
        ("update ledger.postings set balance_minor = balance_minor + 1 where sequence = 2 and ordinal = 2", Some(2)),
        ("delete from ledger.postings where sequence = 2 and ordinal = 2", Some(2)),
        ("delete from ledger.postings where sequence = 3", Some(3)),
        ("delete from ledger.entries where sequence = 2", Some(2)),
        ("delete from ledger.entries where sequence = 3; delete from ledger.postings where sequence = 3", None),
        ("update ledger.postings set commodity = 952 where sequence = 1", Some(1)),
        ("update ledger.postings set account = 3 - account where sequence = 1", Some(1)),
        ("update ledger.entries set booked_at = booked_at - interval '1 day' where sequence = 3", Some(3)),
        ("update ledger.accounts set balance_minor = balance_minor - 5 where account = 2", Some(3)),
        ("update ledger.books set last_sequence = 4", Some(4)),
        ("update ledger.accounts set floor_minor = 200 where code = 'liabilities:wallets:amina'", Some(1)),
    ] {
        let fixture = with_entries().await?;
        let untouched = fixture.ledger.verify(|_, _| {}).await?;
        assert!(untouched.holds(), "{untouched:?}");
        let mut owner = fixture.test.owner().await?;
        owner.batch_execute(&format!("set session_replication_role = replica; {tampering}")).await?;
        let verification = fixture.ledger.verify(|_, _| {}).await?;
        let found = verification.first_difference().ok_or_else(|| format!("not found: {tampering}"))?;
        if sequence.is_some() {
            assert_eq!(found.sequence, sequence, "{tampering}: {found}");
        }
    }
    Ok(())
}
