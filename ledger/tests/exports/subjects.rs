//! Who appears in an export, and as whom.

use futures_util::TryStreamExt;
use ledger::{
    AccountCode, Currency, Entry, EntryKind, Extent, Format, IdempotencyKey, PseudonymKey, Subjects, UnitOfWork,
};
use uuid::Uuid;

use super::file;
use crate::fixture::{LedgerFixture, Result, account, euro};

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_shows_a_person_whom_the_grant_does_not_show() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let person = Uuid::now_v7();
    let wallet = AccountCode::held_by("liabilities:wallets", person)?;
    let entry = Entry::builder(EntryKind::new("credited"), ledger.today())
        .subject(person)
        .metadata(serde_json::json!({ "person": person }))
        .debit(account("assets:pay-in:bank"), euro(500))
        .credit(wallet.clone(), euro(500))
        .build()?;
    ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry)).await?;
    let key = PseudonymKey::for_grant(b"the house's secret", Uuid::from_u128(7));
    let export = ledger.export(Extent::WHOLE, Subjects::Pseudonyms(key)).await?;
    let shown = ledger.export(Extent::WHOLE, Subjects::AsTheyAre).await?;
    let line: serde_json::Value = serde_json::from_slice(&file(&export, Format::JsonLines).await?)?;
    let pseudonym = line["subject"].as_str().ok_or("no subject")?.to_owned();
    let their_wallet = format!("liabilities:wallets:{pseudonym}");
    assert_eq!(line["postings"][1]["account"], their_wallet.as_str());
    assert_eq!(line["metadata"], serde_json::Value::Null);
    let person = person.to_string();
    for format in Format::ALL {
        let text = file(&export, format).await?;
        assert!(!contains(&text, &person) && !contains(&text, &person[1..]), "{format:?}");
        // The forms in the log name accounts by number and commitment, and nobody at all.
        if format == Format::Log {
            continue;
        }
        assert!(contains(&text, &pseudonym[1..]), "{format:?}");
        assert!(contains(&file(&shown, format).await?, &person[1..]), "{format:?}");
    }
    // The statement is asked for by the name that the export shows; a real one cannot be tried out.
    let their_wallet = AccountCode::try_new(&their_wallet)?;
    let statement: Vec<Vec<u8>> = export.statement_camt053(&their_wallet, Currency::EUR).await?.try_collect().await?;
    assert!(contains(&statement.concat(), "<Amt Ccy=\"EUR\">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>"));
    assert!(!contains(&statement.concat(), &person));
    assert!(export.statement_camt053(&wallet, Currency::EUR).await.is_err());
    Ok(())
}
