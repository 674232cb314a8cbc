//! A statement of many lines against as many postings: how fast it is loaded and matched, and in what memory.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use ledger::reconciliation::{Reconciliation, RunRules, StatementFormat, Tolerances};
use ledger::{
    AccountCode, BookId, BookSettings, Chart, Currency, Entry, EntryKind, IdempotencyKey, Ledger, Money, UnitOfWork,
};
use platform::cipher::Cipher;
use platform::clock::Clock;
use uuid::Uuid;

use crate::quantity::{Grouped, nanoseconds};
use crate::server::{self, Base, Server};
use crate::workload::CHART;
use crate::{Result, machine, report};

/// What the bank calls the account.
const IBAN: &str = "DE02120300000000202051";
/// Entries that are handed in at once while the book is filled; nobody measures that.
const FILL_UNITS: u64 = 2_000;
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How many lines.
#[derive(Args, Clone, Debug)]
pub struct ReconciliationOptions {
    /// Postings in the book, and about as many lines on the statement.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=5_000_000))]
    lines: u64,
    /// Where the bench's own PostgreSQL lives; the bench's database in it is made anew.
    #[arg(long)]
    data_directory: Option<PathBuf>,
    /// The directory of PostgreSQL's programs; looked for when not named.
    #[arg(long)]
    binaries: Option<PathBuf>,
}

/// Measures and prints.
pub fn run(options: &ReconciliationOptions) -> Result {
    let machine = machine::describe();
    let server = Server::start(options.data_directory.as_deref(), options.binaries.as_deref())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let measured = runtime.block_on(measure(&server, options.lines, &machine));
    let dropped = runtime.block_on(server.drop_all());
    measured.and(dropped)
}

async fn measure(server: &Server, lines: u64, machine: &str) -> Result {
    server.renew(Base::First).await?;
    let client = server.connect().await?;
    println!("machine     {machine}");
    println!("PostgreSQL  {}", server::settings(&client).await?);
    let settings = BookSettings {
        book: BookId::FIRST,
        name: "bench".to_owned(),
        chart: Chart::from_toml(CHART)?,
        clock: Clock::system(),
        observer: None,
    };
    let (ledger, _writer) = Ledger::open(server.database(Base::First)?, settings).await?;
    report::progress(&format!("booking {} postings", Grouped(lines)));
    let account = AccountCode::try_new("assets:safeguarding:bank")?;
    fill(&ledger, &account, lines).await?;
    client.batch_execute("vacuum analyze").await?;
    client.batch_execute("checkpoint").await?;
    let path = std::env::temp_dir().join(format!("teranga-bench-{}.xml", std::process::id()));
    report::progress("writing the bank's statement");
    let written = write_statement(&path, lines)?;
    let measured = reconcile(server, &ledger, &account, &path, written).await;
    // Whatever happened, the disk is given back.
    fs::remove_file(&path)?;
    measured
}

async fn reconcile(server: &Server, ledger: &Ledger, account: &AccountCode, path: &Path, written: u64) -> Result {
    let cipher = Cipher::try_new(&Cipher::generate_key())?;
    let reconciliation = Reconciliation::new(ledger.clone(), cipher, |_| None);
    let person = Uuid::now_v7();
    reconciliation.open_account(account, Currency::EUR, IBAN, ledger::Sequence::new(0)).await?;
    // Filling took memory that reconciling does not.
    if let Err(error) = machine::forget_peak() {
        report::progress(&format!("the peak of memory includes the filling: {error}"));
    }
    let memory = BackendMemory::watch(server.process_id());
    let bytes = fs::metadata(path)?.len();
    let started = Instant::now();
    let file = File::open(path)?;
    reconciliation.load(account, Currency::EUR, &StatementFormat::Camt053, file, person).await?;
    let loaded = started.elapsed();
    told("loaded", written, loaded, &format!("{} MiB of camt.053", bytes >> 20));
    let started = Instant::now();
    let rules = RunRules { tolerances: Tolerances::try_new(3, 1)?, ..RunRules::default() };
    let run = reconciliation.run(account, Currency::EUR, &rules, person).await?;
    let matched: i64 = run.matched.iter().map(|(_, count)| count).sum();
    told("reconciled", written, started.elapsed(), &format!("{} matches", Grouped(u64::try_from(matched)?)));
    for (rule, count) in &run.matched {
        println!("  {:<28}{:>12}", rule.name(), Grouped(u64::try_from(*count)?));
    }
    println!("  {:<28}{:>12}", "breaks opened", Grouped(u64::try_from(run.opened)?));
    println!("  {:<28}{:>12}", "searches given up", Grouped(run.given_up as u64));
    println!("  {:<28}{:>12}", "not searched", Grouped(u64::try_from(run.not_searched)?));
    let started = Instant::now();
    let again = reconciliation.run(account, Currency::EUR, &rules, person).await?;
    told("run again", 0, started.elapsed(), &format!("{} opened", again.opened));
    println!(
        "memory      {} MiB this process at most, {} MiB a backend at most",
        machine::peak_kib() / 1_024,
        memory.most_mib()
    );
    let standing = reconciliation.standing(account, Currency::EUR, ledger.today()).await?;
    if !standing.unexplained.is_zero() {
        return Err(format!("{} {} are not explained", standing.unexplained, Currency::EUR).into());
    }
    Ok(())
}

fn told(what: &str, lines: u64, time: Duration, more: &str) {
    let rate = u128::from(lines) * 1_000_000_000 / u128::from(nanoseconds(time).max(1));
    let rate = u64::try_from(rate).unwrap_or(u64::MAX);
    println!("{what:<12}{} lines in {} ms, {} a second, {more}", Grouped(lines), time.as_millis(), Grouped(rate));
}

/// What one posting is like, and how the bank has it.
struct Payment {
    number: u64,
    cents: i64,
    day: chrono::NaiveDate,
}

/// How the bank tells of a payment.
enum Told {
    /// With its reference.
    Named,
    /// Without.
    Unnamed,
    /// With its reference and a cent less.
    Short,
    /// In one line with the next one.
    WithNext,
    /// Within the line of the one before.
    WithLast,
    /// Not at all.
    Missing,
}

impl Payment {
    fn new(number: u64, of: u64) -> Result<Self> {
        let cents = 100 + i64::try_from(number * 7_919 % 1_000_003)?;
        let start = chrono::NaiveDate::from_ymd_opt(2025, 1, 1).ok_or("a date")?;
        let day = start + chrono::Days::new(number * 365 / of);
        Ok(Self { number, cents, day })
    }

    fn told(&self) -> Told {
        match (self.number % 5_000, self.number % 1_000) {
            (4_990, _) => Told::WithNext,
            (4_991, _) => Told::WithLast,
            (_, 0) => Told::Missing,
            (_, 1..=30) => Told::Unnamed,
            (_, 31..=35) => Told::Short,
            _ => Told::Named,
        }
    }
}

async fn fill(ledger: &Ledger, account: &AccountCode, count: u64) -> Result {
    let other = AccountCode::try_new("equity:capital")?;
    let mut next = 0;
    while next < count {
        let until = count.min(next + FILL_UNITS);
        let units = (next..until).map(|number| {
            let payment = Payment::new(number, count)?;
            let amount = Money::from_minor(payment.cents, Currency::EUR);
            let entry = Entry::builder(EntryKind::new("payment"), payment.day)
                .debit(account.clone(), amount)
                .credit(other.clone(), amount)
                .description(format!("TRG-{number:010}"))
                .build()?;
            Ok(UnitOfWork::new(IdempotencyKey::generate(), entry))
        });
        for answer in ledger.post_all(units.collect::<Result<_>>()?).await? {
            answer?;
        }
        next = until;
    }
    Ok(())
}

/// A payment's line on the statement: its cents and its reference.
fn line(payment: &Payment, count: u64) -> Result<Option<(i64, String)>> {
    let named = || format!("TRG-{:010}", payment.number);
    let unnamed = || "NOTPROVIDED".to_owned();
    Ok(match payment.told() {
        Told::Named => Some((payment.cents, named())),
        Told::Short => Some((payment.cents - 1, named())),
        Told::WithNext if payment.number + 1 < count => {
            Some((payment.cents + Payment::new(payment.number + 1, count)?.cents, unnamed()))
        }
        Told::Unnamed | Told::WithNext => Some((payment.cents, unnamed())),
        Told::WithLast | Told::Missing => None,
    })
}

/// Writes the bank's statement; answers its lines.
fn write_statement(path: &Path, count: u64) -> Result<u64> {
    let mut closing = 0;
    let mut lines = 0;
    for number in 0..count {
        if let Some((cents, _)) = line(&Payment::new(number, count)?, count)? {
            closing += cents;
            lines += 1;
        }
    }
    let mut file = BufWriter::new(File::create(path)?);
    let balance = |code: &str, cents: i64, day: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd>\
             <Dt><Dt>{day}</Dt></Dt></Bal>",
            Money::from_minor(cents, Currency::EUR)
        )
    };
    write!(
        file,
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId>\
         </GrpHdr><Stmt><Id>1</Id><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{}{}",
        balance("OPBD", 0, "2025-01-01"),
        balance("CLBD", closing, "2026-01-01")
    )?;
    for number in 0..count {
        let payment = Payment::new(number, count)?;
        let Some((cents, reference)) = line(&payment, count)? else { continue };
        let day = payment.day;
        write!(
            file,
            "<Ntry><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><ValDt><Dt>{day}</Dt>\
             </ValDt><AcctSvcrRef>{number}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId>\
             </Refs><RmtInf><Ustrd>pour la famille, merci</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>",
            Money::from_minor(cents, Currency::EUR)
        )?;
    }
    write!(file, "</Stmt></BkToCstmrStmt></Document>")?;
    file.flush()?;
    Ok(lines)
}

/// The most that a process of PostgreSQL had in memory of its own, looked at every now and then.
struct BackendMemory(Arc<AtomicU64>);

impl BackendMemory {
    fn watch(postmaster: Option<u32>) -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let seen = Arc::downgrade(&most);
        std::thread::spawn(move || {
            let Some(postmaster) = postmaster else { return };
            let children = format!("/proc/{postmaster}/task/{postmaster}/children");
            while let Some(most) = seen.upgrade() {
                for child in fs::read_to_string(&children).unwrap_or_default().split_whitespace() {
                    most.fetch_max(machine::kib_of(child, "RssAnon"), Ordering::Relaxed);
                }
                drop(most);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Self(most)
    }

    fn most_mib(&self) -> u64 {
        self.0.load(Ordering::Relaxed) / 1_024
    }
}
