//! Exports, accepted and agreed with by the programs of those who read them.

use std::collections::BTreeMap;
use std::process::Command;

use crate::fixture::{LedgerFixture, Result, account, euro, unit};
use futures_util::TryStreamExt;
use ledger::{
    Amount, AsOf, Currency, Entry, EntryKind, Export, Extent, Format, IdempotencyKey, Money, Subjects, UnitOfWork,
};

mod check;
mod pack;
mod parts;
mod sample;
mod subjects;

async fn file(export: &Export, format: Format) -> Result<Vec<u8>> {
    let pieces: Vec<Vec<u8>> = export.stream(format).try_collect().await?;
    Ok(pieces.concat())
}

async fn whole(fixture: &LedgerFixture) -> Result<Export> {
    Ok(fixture.ledger.export(Extent::WHOLE, Subjects::AsTheyAre).await?)
}

/// The example of a remittance with a change of currency, with all its decimals.
fn paid_out(fixture: &LedgerFixture) -> Result<UnitOfWork> {
    let franc = |units| Money::from_minor(units, Currency::XOF);
    let entry = Entry::builder(EntryKind::new("remittance-paid-out"), fixture.ledger.today())
        .description("example; with a | bar")
        .debit(account("liabilities:in-transit:eur-xof"), euro(10_150))
        .credit(account("equity:fx-position"), euro(10_000))
        .credit(account("revenue:fees:eur-xof"), euro(150))
        .debit(account("equity:fx-position"), franc(65_596))
        .credit(account("liabilities:payables:caisse-thies"), franc(65_268))
        .credit(account("revenue:fx-margin:eur-xof"), franc(328))
        .build()?;
    Ok(UnitOfWork::new(IdempotencyKey::generate(), entry))
}

#[tokio::test(flavor = "multi_thread")]
async fn hledger_accepts_the_journal_strictly_and_agrees_to_the_minor_unit() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    ledger.post(unit(ledger, "liabilities:in-transit:eur-xof", "assets:pay-in:bank", euro(10_150))).await?;
    ledger.post(paid_out(&fixture)?).await?;
    let dinar = Money::from_minor(1_234, Currency::try_new("TND")?);
    // More than one page of entries.
    let many = (0..2_100).map(|_| unit(ledger, "liabilities:wallets:amina", "assets:pay-in:bank", dinar)).collect();
    for answer in ledger.post_all(many).await? {
        answer?;
    }
    let directory = std::env::temp_dir().join(format!("teranga-journal-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let path = directory.join("book.journal");
    std::fs::write(&path, file(&whole(&fixture).await?, Format::Hledger).await?)?;
    let hledger = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("hledger").arg("-f").arg(&path).args(arguments).output().map_err(|error| {
            format!("hledger is needed to show that it accepts the journal (Debian's package hledger): {error}")
        })?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    hledger(&["check", "--strict", "ordereddates"])?;
    let theirs = hledger(&["balance", "--flat", "--no-total", "--empty", "--layout=bare", "-O", "csv"])?;
    let theirs: BTreeMap<(String, String), String> = theirs
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches('"')).collect();
            ((cells[0].to_owned(), cells[1].to_owned()), cells[2].to_owned())
        })
        .collect();
    let ours: BTreeMap<(String, String), String> = ledger
        .trial_balance(AsOf::Now)
        .await?
        .balances
        .iter()
        .map(|balance| {
            let amount = Amount::from_minor(balance.debit_positive_minor, balance.commodity);
            ((balance.account.to_string(), balance.commodity.to_string()), amount.to_string())
        })
        .collect();
    for (key, amount) in &ours {
        let zero = amount.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        match theirs.get(key) {
            Some(other) if zero => assert!(other.bytes().all(|byte| matches!(byte, b'0' | b'.')), "{key:?}: {other}"),
            Some(other) => assert_eq!(other, amount, "{key:?}"),
            None => assert!(zero, "hledger does not know {key:?}"),
        }
    }
    for (key, amount) in &theirs {
        let zero = amount.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        assert!(zero || ours.contains_key(key), "only hledger knows {key:?}");
    }
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
