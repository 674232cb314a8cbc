//! Parts of a book: each can be checked alone, and together they are the whole.

use std::path::Path;
use std::process::Command;

use chrono::Duration;
use ledger::{
    Currency, Entry, EntryKind, Error, Export, Extent, Format, IdempotencyKey, Money, Sequence, Subjects, UnitOfWork,
};
use platform::clock::Clock;
use platform::testing::TestDatabase;

use super::file;
use crate::fixture::{LedgerFixture, Result, account, euro, open, unit};

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";

/// A book of three days with three entries each.
pub(super) async fn three_days() -> Result<LedgerFixture> {
    let test = TestDatabase::create().await?;
    let database = test.database()?;
    let clock = Clock::fixed("2026-03-01T10:00:00Z".parse()?);
    let (ledger, writer) = open(&database, clock.clone()).await?;
    for _ in 0..3 {
        for (cents, wallet) in [(150, AMINA), (40, "liabilities:wallets:bintou"), (7, AMINA)] {
            ledger.post(unit(&ledger, wallet, BANK, euro(cents))).await?;
        }
        clock.advance(Duration::days(1));
    }
    Ok(LedgerFixture { test, database, ledger, writer })
}

async fn between(fixture: &LedgerFixture, first: i64, last: i64) -> Result<Export> {
    let extent = Extent::WHOLE.from(Sequence::new(first)).through(Sequence::new(last));
    Ok(fixture.ledger.export(extent, Subjects::AsTheyAre).await?)
}

fn hledger(path: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("hledger").arg("-f").arg(path).args(arguments).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_journal_is_checked_alone_and_behind_the_part_before_it() -> Result {
    let fixture = three_days().await?;
    let directory = tempfile::tempdir()?;
    // The cut is in the middle of a day.
    let first = file(&between(&fixture, 1, 5).await?, Format::Hledger).await?;
    let second = file(&between(&fixture, 6, 9).await?, Format::Hledger).await?;
    let path = directory.path().join("part.journal");
    let joined = [first, second.clone()].concat();
    let gap = [file(&between(&fixture, 1, 4).await?, Format::Hledger).await?, second.clone()].concat();
    for (journal, opening_moves) in [(second, true), (joined, false), (gap, true)] {
        std::fs::write(&path, journal)?;
        hledger(&path, &["check", "--strict"])?;
        let moved = hledger(&path, &["register", "desc:balances after", "amt:>0"])?;
        assert_eq!(!moved.trim().is_empty(), opening_moves, "{moved}");
    }
    let lines = [
        file(&between(&fixture, 1, 5).await?, Format::JsonLines).await?,
        file(&between(&fixture, 6, 9).await?, Format::JsonLines).await?,
    ];
    assert_eq!(lines.concat(), file(&between(&fixture, 1, 9).await?, Format::JsonLines).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_view_gives_the_same_bytes_while_the_book_grows() -> Result {
    let fixture = three_days().await?;
    let mut before = Vec::new();
    for format in Format::ALL {
        before.push(file(&between(&fixture, 2, 8).await?, format).await?);
    }
    let franc = Money::from_minor(5, Currency::XOF);
    fixture.ledger.post(unit(&fixture.ledger, "liabilities:wallets:coumba", BANK, franc)).await?;
    for (format, before) in Format::ALL.into_iter().zip(before) {
        assert!(file(&between(&fixture, 2, 8).await?, format).await? == before, "{format:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_many_postings_is_never_cut_by_a_page() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let postings = |count: usize| {
        let mut entry = Entry::builder(EntryKind::new("many"), ledger.today());
        for _ in 0..count / 2 {
            entry = entry.debit(account(BANK), euro(1)).credit(account(AMINA), euro(1));
        }
        entry.build()
    };
    let counts = [9_998, 10_000, 10_000, 9_000, 10_000, 2, 10_000];
    for count in counts {
        ledger.post(UnitOfWork::new(IdempotencyKey::generate(), postings(count)?)).await?;
    }
    let lines = file(&ledger.export(Extent::WHOLE, Subjects::AsTheyAre).await?, Format::JsonLines).await?;
    let found: Vec<usize> = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Ok(serde_json::from_slice::<serde_json::Value>(line)?["postings"].as_array().map_or(0, Vec::len)))
        .collect::<Result<_>>()?;
    assert_eq!(found, counts);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_is_an_error_and_an_empty_book_is_none() -> Result {
    let fixture = three_days().await?;
    let ledger = &fixture.ledger;
    let ahead = ledger.export(Extent::WHOLE.through(Sequence::new(10)), Subjects::AsTheyAre).await;
    assert!(matches!(ahead, Err(Error::SequenceAhead { head: 9, asked: 10 })));
    for first in [0, 11] {
        let none = ledger.export(Extent::WHOLE.from(Sequence::new(first)), Subjects::AsTheyAre).await;
        assert!(matches!(none, Err(Error::NoExtent { .. })), "{first}");
    }
    let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 3, day).ok_or("no day");
    let second = Extent::WHOLE.from(Sequence::new(4)).through(Sequence::new(6));
    assert_eq!(ledger.booked_on(day(2)?, day(2)?).await?, second);
    assert!(matches!(ledger.booked_on(day(2)?, day(4)?).await, Err(Error::DayNotOver { .. })));
    let before_all = chrono::NaiveDate::from_ymd_opt(2026, 2, 1).ok_or("no day")?;
    assert!(matches!(ledger.booked_on(before_all, before_all).await, Err(Error::NoExtent { .. })));
    let empty = LedgerFixture::new().await?;
    for format in Format::ALL {
        file(&empty.ledger.export(Extent::WHOLE, Subjects::AsTheyAre).await?, format).await?;
    }
    Ok(())
}
