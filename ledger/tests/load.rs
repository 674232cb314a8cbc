//! Bulk load: every entry once, by the same rules, whatever cuts it off.

mod rate;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::fixture::{LedgerFixture, Result, account, euro, unit};
use ledger::{
    AsOf, Currency, Ledger, LoadError, LoadFile, LoadFormat, LoadMode, LoadOutcome, LoadProgress, LoadReport,
    LoadSource, LoadWitness, MAX_LINE_BYTES, RefusedLine,
};
use tokio::sync::Notify;

const BANK: &str = "assets:pay-in:bank";
const CSV_HEADER: &str = "reference,kind,effective_date,description,account,debit,credit,currency\n";

/// A file that is removed with its test.
struct Source(LoadFile);

impl Source {
    fn new(name: &str, format: LoadFormat, text: &[u8]) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let path: PathBuf = std::env::temp_dir().join(format!("teranga-load-{}-{number}", std::process::id()));
        std::fs::File::create(&path)?.write_all(text)?;
        Ok(Self(LoadFile { path, format, source: LoadSource::try_new(name)?, mode: LoadMode::EntryByEntry }))
    }

    fn all_or_nothing(mut self) -> Self {
        self.0.mode = LoadMode::AllOrNothing;
        self
    }

    async fn load(&self, ledger: &Ledger) -> Result<(LoadReport, Vec<RefusedLine>)> {
        let mut witness = Witness::default();
        let report = ledger.load(&self.0, &mut witness).await?;
        Ok((report, witness.refused))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0.path);
    }
}

#[derive(Default)]
struct Witness {
    refused: Vec<RefusedLine>,
    /// After how many entries somebody is told to cut the load off.
    cut: Option<(u64, Arc<Notify>)>,
}

impl LoadWitness for Witness {
    fn reached(&mut self, progress: LoadProgress) {
        assert!(progress.bytes <= progress.of_bytes, "{progress:?}");
        if let Some((accepted, cut)) = &self.cut
            && progress.accepted >= *accepted
        {
            cut.notify_one();
        }
    }

    fn refused(&mut self, line: &RefusedLine) -> std::io::Result<()> {
        self.refused.push(line.clone());
        Ok(())
    }
}

fn json(reference: &str, debit: &str, credit: &str, amount: &str) -> String {
    format!(
        "{{\"reference\":\"{reference}\",\"kind\":\"opening-balance\",\"effective_date\":\"2019-12-31\",\"postings\":[\
         {{\"account\":\"{debit}\",\"debit\":\"{amount}\",\"currency\":\"EUR\"}},\
         {{\"account\":\"{credit}\",\"credit\":\"{amount}\",\"currency\":\"EUR\"}}]}}\n"
    )
}

fn wallet(number: usize) -> String {
    format!("liabilities:wallets:w{number}")
}

/// 20,000 entries: 100 wallets get 1 EUR each time; every thousandth entry is faulty in a way of its own.
fn history() -> (String, Vec<(u64, &'static str)>) {
    let mut text = String::new();
    let mut refused = Vec::new();
    for number in 0..20_000_usize {
        let (reference, to) = (format!("old-{number}"), wallet(number % 100));
        let line = number as u64 + 1;
        let good = json(&reference, BANK, &to, "1.00");
        let (entry, reason) = match number {
            1_000 => (good.replacen("1.00", "2.00", 1), Some("unbalanced")),
            2_000 => (good.replace("1.00", "1.0"), Some("amount")),
            3_000 => (good.replace(BANK, "assets:typing:error"), Some("unknown-account")),
            4_000 => (good.replace("EUR", "eur"), Some("currency")),
            5_000 => ("{\"kind\": \n".to_owned(), Some("format")),
            6_000 => (good.replace("2019-12-31", "2019-02-30"), Some("date")),
            7_000 => (json(&reference, &to, BANK, "999999.00"), Some("below-floor")),
            8_000 => (good.replace("old-8000", "old-7999"), Some("key-reused")),
            9_000 => (good.replace("kind", "kin"), Some("format")),
            10_000 => (good.replace("opening-balance", "Opening Balance"), Some("format")),
            11_000 => (good.replace("\"debit\":\"1.00\"", "\"debit\":1.00"), Some("format")),
            12_000 => (format!("{{\"reference\":\"{}\"}}\n", "x".repeat(MAX_LINE_BYTES as usize)), Some("format")),
            _ => (good, None),
        };
        text.push_str(&entry);
        refused.extend(reason.map(|reason| (line, reason)));
    }
    (text, refused)
}

fn places(refused: &[RefusedLine]) -> Vec<(u64, &'static str)> {
    refused.iter().map(|line| (line.line, line.reason)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_booked_once_and_each_refused_line_is_named() -> Result {
    let fixture = LedgerFixture::new().await?;
    let (text, expected) = history();
    let source = Source::new("old system", LoadFormat::JsonLines, text.as_bytes())?;
    let (report, refused) = source.load(&fixture.ledger).await?;
    assert_eq!(places(&refused), expected);
    assert_eq!(report.booked, 20_000 - expected.len() as u64);
    assert_eq!(report.outcome, LoadOutcome::Complete);
    assert_eq!(report.sequences.map(|(first, last)| (first.number(), last.number())), Some((1, 19_988)));
    assert_eq!(fixture.ledger.balance(&account(&wallet(1)), Currency::EUR, AsOf::Now).await?, euro(20_000));

    // Once more, then with the faults mended: nothing is booked twice.
    let (again, refused) = source.load(&fixture.ledger).await?;
    assert_eq!((again.booked, again.already_booked, again.resumed_at_line), (0, report.booked, None));
    assert_eq!(places(&refused), expected);
    let mended: String = (0..20_000).map(|n| json(&format!("old-{n}"), BANK, &wallet(n % 100), "1.00")).collect();
    let mended = Source::new("old system", LoadFormat::JsonLines, mended.as_bytes())?;
    let (mended, refused) = mended.load(&fixture.ledger).await?;
    assert_eq!((mended.booked, mended.already_booked, refused.len()), (12, report.booked, 0));
    assert_eq!(fixture.ledger.head().await?.number(), 20_000);
    assert_eq!(fixture.ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_off_goes_on_where_it_was() -> Result {
    let fixture = LedgerFixture::new().await?;
    let (text, expected) = history();
    let source = Source::new("old system", LoadFormat::JsonLines, text.as_bytes())?;
    for accepted in [6_000, 11_000] {
        let cut = Arc::new(Notify::new());
        let mut witness = Witness { cut: Some((accepted, Arc::clone(&cut))), ..Witness::default() };
        tokio::select! {
            biased;
            () = cut.notified() => {}
            _ = fixture.ledger.load(&source.0, &mut witness) => return Err("it was not cut off".into()),
        }
        while fixture.ledger.queue_length() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        assert!(fixture.ledger.head().await?.number() < 19_000, "something is left to load");
    }
    let (report, refused) = source.load(&fixture.ledger).await?;
    let resumed = report.resumed_at_line.ok_or("it starts anew")?;
    assert!(resumed > 5_000, "{resumed}");
    assert!(expected.ends_with(&places(&refused)), "{refused:?}");
    assert_eq!(fixture.ledger.head().await?.number(), 20_000 - expected.len() as i64);
    assert_eq!(fixture.ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_nothing_books_nothing_unless_it_would_book_everything() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    ledger.post(unit(ledger, &wallet(1), BANK, euro(500))).await?;
    let first = json("a", BANK, &wallet(2), "10.00") + &json("b", &wallet(1), &wallet(2), "4.00");
    // 1.00 EUR is left on the first wallet, 14.00 EUR on the second.
    let faulty = format!("{first}{}{}", json("c", &wallet(1), &wallet(2), "1.01"), json("d", BANK, "x:y", "1.00"));
    let source = Source::new("opening", LoadFormat::JsonLines, faulty.as_bytes())?.all_or_nothing();
    let (report, refused) = source.load(ledger).await?;
    assert_eq!((report.outcome, report.booked, report.refused), (LoadOutcome::NothingBooked, 0, 2));
    assert_eq!(places(&refused), [(3, "below-floor"), (4, "account")]);
    assert_eq!(refused[0].reference.as_deref(), Some("c"));
    assert_eq!(ledger.head().await?.number(), 1);

    let good = first + &json("c", &wallet(1), &wallet(2), "1.00") + &json("d", &wallet(2), BANK, "15.00");
    let source = Source::new("opening", LoadFormat::JsonLines, good.as_bytes())?.all_or_nothing();
    let (report, refused) = source.load(ledger).await?;
    assert_eq!((report.outcome, report.booked, refused.len()), (LoadOutcome::Complete, 4, 0));
    let (again, _) = source.load(ledger).await?;
    assert_eq!((again.booked, again.already_booked), (0, 4));
    assert_eq!(ledger.balance(&account(&wallet(2)), Currency::EUR, AsOf::Now).await?, euro(0));
    Ok(())
}

/// Takes the wallet's money after the check, when the load is about to book.
struct Rival {
    ledger: Ledger,
    refused: Vec<RefusedLine>,
}

impl LoadWitness for Rival {
    fn reached(&mut self, progress: LoadProgress) {
        if progress.stage == ledger::Stage::Booking && self.refused.is_empty() && progress.accepted == 1_000 {
            let ledger = self.ledger.clone();
            let taken = async move { ledger.post(unit(&ledger, BANK, &wallet(1), euro(100))).await };
            let posted = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(taken));
            assert!(posted.is_ok(), "{posted:?}");
        }
    }

    fn refused(&mut self, line: &RefusedLine) -> std::io::Result<()> {
        self.refused.push(line.clone());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_nothing_stops_and_says_so_when_the_book_moves_after_the_check() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let mut text: String = (0..1_000).map(|n| json(&format!("a{n}"), BANK, &wallet(1), "0.10")).collect();
    text += &(0..1_000).map(|n| json(&format!("b{n}"), &wallet(1), BANK, "0.10")).collect::<String>();
    text += &(0..1_000).map(|n| json(&format!("c{n}"), BANK, &wallet(2), "0.10")).collect::<String>();
    let source = Source::new("opening", LoadFormat::JsonLines, text.as_bytes())?.all_or_nothing();
    let mut rival = Rival { ledger: ledger.clone(), refused: Vec::new() };
    let report = ledger.load(&source.0, &mut rival).await?;
    assert_eq!(report.outcome, LoadOutcome::Stopped);
    // 99.00 EUR were left: the last ten withdrawals are refused, and nothing after their chunk is booked.
    assert_eq!((report.booked, report.refused), (1_990, 10));
    assert_eq!(rival.refused[0].line, 1_991);
    assert_eq!(report.sequences.map(|(first, last)| (first.number(), last.number())), Some((1, 1_991)));
    assert_eq!(ledger.balances_of(&account(&wallet(2))).await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_counts_holds_and_closed_periods() -> Result {
    use diesel_async::SimpleAsyncConnection;
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    ledger.post(unit(ledger, &wallet(1), BANK, euro(500))).await?;
    let mut owner = fixture.test.owner().await?;
    let hold = |id: u8, remaining: i64, expires: &str| {
        format!(
            "insert into ledger.holds (book_id, hold_id, commodity, account, amount_minor, remaining_minor, expires_at,
                placed_sequence, last_sequence)
            select 1, '00000000-0000-0000-0000-0000000000{id:02}', commodity, account, 500, {remaining}, {expires}, 1, 1
            from ledger.accounts
            where code = '{}';",
            wallet(1)
        )
    };
    let live = hold(1, 100, "now() + interval '1 day'") + &hold(2, 50, "now() + interval '1 day'");
    let over = hold(3, 300, "now() - interval '1 second'") + &hold(4, 0, "now() + interval '1 day'");
    owner.batch_execute(&(live + &over)).await?;
    let source = |amount: &str| {
        let text = json("a", &wallet(1), BANK, amount);
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
            Source::new("held", LoadFormat::JsonLines, text.as_bytes())?.all_or_nothing(),
        )
    };
    let (_, refused) = source("3.51")?.load(ledger).await?;
    assert_eq!(places(&refused), [(1, "below-floor")]);
    owner.batch_execute("update ledger.books set closed_through = '2019-12-31'").await?;
    let (_, refused) = source("3.50")?.load(ledger).await?;
    assert_eq!(places(&refused), [(1, "period-closed")]);
    owner.batch_execute("update ledger.books set closed_through = '2019-12-30'").await?;
    let (report, refused) = source("3.50")?.load(ledger).await?;
    assert_eq!((report.booked, refused.len()), (1, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_one_reference_are_an_entry_with_line_numbers_that_are_right() -> Result {
    let fixture = LedgerFixture::new().await?;
    let rows = |end: &str| {
        let rows = [
            "1,opening-balance,2020-01-31,\"a, quoted\",assets:pay-in:bank,7.00,,EUR",
            "1,,,,liabilities:wallets:w1,,4.00,EUR",
            "1,opening-balance,,,liabilities:wallets:w2,,3.00,EUR",
            "",
            "2,opening-balance,2020-01-31,,assets:pay-in:bank,1.00,,EUR",
            "2,another-kind,,,liabilities:wallets:w1,,1.00,EUR",
            "3,opening-balance,2020-01-31,,assets:pay-in:bank,1.00,,EUR",
            "3,opening-balance,2020-01-31,,liabilities:wallets:w1,,1.00",
            "4,opening-balance,2020-01-31,,assets:pay-in:bank,1.00,,EUR",
            "4,,,,liabilities:wallets:w1,,1.00,EUR",
            "5,opening-balance,2020-01-31,,assets:pay-in:bank,2.00,2.00,EUR",
            "5,,,,liabilities:wallets:w1,,2.00,EUR",
            ",opening-balance,2020-01-31,,assets:pay-in:bank,2.00,,EUR",
            "6,opening-balance,2020-01-31,,assets:pay-in:bank,2.00,,EUR",
            "6,,,,liabilities:wallets:w1,,2.00,EUR",
        ];
        format!("\u{feff}{}{end}{}{end}", CSV_HEADER.trim_end(), rows.join(end))
    };
    for (name, end, head) in [("unix", "\n", 2), ("windows", "\r\n", 4)] {
        let source = Source::new(name, LoadFormat::Csv, rows(end).as_bytes())?;
        let (report, refused) = source.load(&fixture.ledger).await?;
        let lines: Vec<_> = refused.iter().map(|line| (line.line, line.reason)).collect();
        assert_eq!(
            lines,
            [(7, "format"), (9, "format"), (10, "format"), (12, "amount"), (14, "format")],
            "{refused:?}"
        );
        assert_eq!(report.booked, 2);
        assert_eq!(fixture.ledger.head().await?.number(), head);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_on_where_they_were_cut_off() -> Result {
    let fixture = LedgerFixture::new().await?;
    for end in ["\n", "\r\n"] {
        let mut text = CSV_HEADER.replace('\n', end);
        for number in 0..8_000 {
            text += &format!("{number},opening-balance,2020-01-31,,assets:pay-in:bank,1.00,,EUR{end}");
            text += &format!("{number},,,,{},,1.00,EUR{end}", wallet(number % 10));
        }
        let name = format!("rows {}", end.len());
        let source = Source::new(&name, LoadFormat::Csv, text.as_bytes())?;
        // A witness that fails is one way to be cut off; the place was kept after 5,000 entries.
        let broken = text.replacen("6500,opening-balance", "6500,Opening", 1);
        let broken = Source::new(&name, LoadFormat::Csv, broken.as_bytes())?;
        let cut = fixture.ledger.load(&broken.0, &mut Failing).await;
        assert!(matches!(cut, Err(LoadError::Witness(_))), "{cut:?}");
        let (report, refused) = broken.load(&fixture.ledger).await?;
        assert_eq!(report.resumed_at_line, Some(10_002));
        assert_eq!(refused.iter().map(|line| line.line).collect::<Vec<_>>(), [13_002]);
        let (report, _) = source.load(&fixture.ledger).await?;
        assert_eq!((report.booked, report.already_booked, report.refused), (1, 7_999, 0));
    }
    assert_eq!(fixture.ledger.head().await?.number(), 16_000);
    Ok(())
}

struct Failing;

impl LoadWitness for Failing {
    fn reached(&mut self, _: LoadProgress) {}

    fn refused(&mut self, _: &RefusedLine) -> std::io::Result<()> {
        Err(std::io::Error::other("the disk is full"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_refused_whole_when_it_cannot_be_told_what_it_is() -> Result {
    let fixture = LedgerFixture::new().await?;
    let text = json("a", BANK, &wallet(1), "1.00");
    let source = Source::new("first", LoadFormat::JsonLines, text.as_bytes())?;
    source.load(&fixture.ledger).await?;
    let renamed = Source::new("second", LoadFormat::JsonLines, text.as_bytes())?;
    let error = fixture.ledger.load(&renamed.0, &mut Failing).await;
    assert!(matches!(error, Err(LoadError::LoadedAs { source_name }) if source_name == "first"));

    let directory = LoadFile { path: std::env::temp_dir(), ..source.0.clone() };
    let error = fixture.ledger.load(&directory, &mut Failing).await;
    assert!(matches!(error, Err(LoadError::NoFile { .. })), "{error:?}");

    let headers = [("reference,what\n", true), ("reference,kind\n", false), ("", false), ("kind,kind\n", true)];
    for (header, is_unknown) in headers {
        let source = Source::new("headers", LoadFormat::Csv, header.as_bytes())?;
        let error = fixture.ledger.load(&source.0, &mut Failing).await;
        let as_expected = match error {
            Err(LoadError::Column { .. }) => is_unknown,
            Err(LoadError::MissingColumn { .. }) => !is_unknown,
            _ => false,
        };
        assert!(as_expected, "{header:?}");
    }
    let endless = format!("{CSV_HEADER}1,\"{}", "x,\n".repeat(2 << 20));
    let source = Source::new("endless", LoadFormat::Csv, endless.as_bytes())?;
    let error = fixture.ledger.load(&source.0, &mut Failing).await;
    assert!(matches!(error, Err(LoadError::EndlessRow { line: 2, .. })), "{error:?}");
    assert_eq!(fixture.ledger.head().await?.number(), 1);
    Ok(())
}
