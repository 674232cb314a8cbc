use diesel_async::SimpleAsyncConnection;
use ledger::reconciliation::{LoadedStatement, ReconciliationError, Succession};
use ledger::{Currency, Sequence};

use super::bank::{Bank, IBAN, line};
use crate::fixture::{Result, account, euro};

async fn count(bank: &Bank, table: &str) -> Result<i64> {
    use diesel_async::RunQueryDsl;
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let mut owner = bank.fixture.test.owner().await?;
    let Count { count } =
        diesel::sql_query(format!("select count(*) as count from ledger.{table}")).get_result(&mut owner).await?;
    Ok(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_statement_twice_is_already_loaded_and_a_changed_one_is_refused() -> Result {
    let mut bank = Bank::new().await?;
    let lines = [line(2, 10_000, "A-1"), line(3, -250, "")];
    let (format, file) = bank.next_statement(IBAN, &lines);
    let first = bank.load(&format, &file).await?;
    assert_eq!(first.statements, [LoadedStatement::Loaded { statement: 1, lines: 2 }]);
    let again = bank.load(&format, &file).await?;
    assert_eq!(again.statements, [LoadedStatement::AlreadyLoaded { statement: 1 }]);
    let changed = bank.load(&format, &file.replace("A-1", "A-2")).await;
    assert!(matches!(changed, Err(ReconciliationError::StatementChanged { .. })), "{changed:?}");
    assert_eq!(count(&bank, "reconciliation_items").await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_faulty_file_nothing_is_kept() -> Result {
    let mut bank = Bank::new().await?;
    let (format, file) = bank.next_statement(IBAN, &[line(2, 10_000, "A-1"), line(3, -250, "")]);
    let refused = bank.load(&format, &file.replace("-2.50", "-2.51")).await.expect_err("it does not add up");
    assert_eq!(
        refused.to_string(),
        "the file is refused: statement 1: opening and entries come to 97.49, its closing balance is 97.50 EUR"
    );
    let refused = bank.load(&format, &file.replace("-2.50", "-2,50")).await.expect_err("a faulty line");
    assert!(refused.to_string().contains("line 3"), "{refused}");
    let (elsewhere, file) = bank.next_statement("FR76", &[]);
    let refused = bank.load(&elsewhere, &file).await.expect_err("another account");
    assert!(refused.to_string().contains("FR76"), "{refused}");
    assert_eq!(count(&bank, "reconciliation_items").await?, 0);
    assert_eq!(count(&bank, "reconciliation_statements").await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_statement_shows_as_a_gap() -> Result {
    let mut bank = Bank::new().await?;
    bank.arrives(&[line(2, 100, "A")]).await?;
    bank.arrives(&[line(3, 200, "B")]).await?;
    let _missing = bank.next_statement(IBAN, &[line(4, 300, "C")]);
    bank.arrives(&[line(5, 400, "D")]).await?;
    let all = bank.reconciliation.statements(&bank.account, Currency::EUR, None, 200).await?;
    let seen: Vec<_> = all.iter().map(|one| (one.closing, one.lines, one.succession)).collect();
    let expected =
        [(euro(100), 1, Succession::First), (euro(300), 1, Succession::Continues), (euro(1_000), 1, Succession::Gap)];
    assert_eq!(seen, expected);
    let after = Some((all[1].closes_on, all[1].statement));
    let rest = bank.reconciliation.statements(&bank.account, Currency::EUR, after, 200).await?;
    assert_eq!(rest, all[2..]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_one_name_outside_and_the_name_one_account() -> Result {
    let mut bank = Bank::new().await?;
    let reconciliation = bank.reconciliation.clone();
    let spaced = reconciliation
        .open_account(&bank.account, Currency::EUR, "de02 1203 0000 0000 2020 51", Sequence::new(0))
        .await?;
    assert_eq!(spaced.external_account, IBAN);
    for (code, name) in [(bank.account.to_string(), "FR76"), ("equity:capital".to_owned(), IBAN)] {
        let refused = reconciliation.open_account(&account(&code), Currency::EUR, name, Sequence::new(0)).await;
        assert!(matches!(refused, Err(ReconciliationError::ExternalAccount { .. })), "{refused:?}");
    }
    let unknown =
        reconciliation.open_account(&account("assets:operating:none"), Currency::EUR, "FR76", Sequence::new(0)).await;
    assert!(matches!(unknown, Err(ReconciliationError::Ledger(ledger::Error::UnknownAccount { .. }))));
    bank.account = account("equity:capital");
    let (format, file) = bank.next_statement(IBAN, &[]);
    assert!(matches!(bank.load(&format, &file).await, Err(ReconciliationError::NotReconciled { .. })));
    assert_eq!(reconciliation.accounts().await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_loaded_and_decided_cannot_be_changed() -> Result {
    let mut bank = Bank::new().await?;
    bank.arrives(&[line(2, 100, "A"), line(2, 200, "B")]).await?;
    bank.run(&ledger::reconciliation::RunRules::default()).await?;
    let mut server = bank.fixture.database.connection().await?;
    let mut owner = bank.fixture.test.owner().await?;
    for (statement, owner_may) in [
        ("update ledger.reconciliation_items set amount_minor = 1", false),
        ("delete from ledger.reconciliation_items", false),
        ("update ledger.reconciliation_statements set closing_minor = 1", false),
        ("update ledger.reconciliation_matches set difference_minor = 1", false),
        ("delete from ledger.reconciliation_runs", false),
        ("truncate ledger.reconciliation_break_events", false),
        ("delete from ledger.reconciliation_unmatches", false),
        ("update ledger.reconciled_accounts set external_account = 'X'", true),
        ("delete from ledger.reconciliation_breaks", true),
    ] {
        let error = server.batch_execute(statement).await.expect_err(statement).to_string();
        assert!(error.contains("permission denied"), "{statement}: {error}");
        if !owner_may {
            let error = owner.batch_execute(statement).await.expect_err(statement).to_string();
            assert!(error.contains("append-only"), "{statement}: {error}");
        }
    }
    Ok(())
}
