//! A book of three days in every format, whole and in parts, for the programs that read these formats to check.
//!
//! `cargo run -p ledger --example formats -- DIRECTORY`

use std::path::{Path, PathBuf};

use chrono::Duration;
use diesel_async::SimpleAsyncConnection;
use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::{Signer, SigningKey};
use futures_util::TryStreamExt;
use ledger::{
    AccountCode, Amount, BookId, BookSettings, Chart, Currency, Entry, EntryBuilder, EntryKind, Export, Extent, Format,
    HoldId, IdempotencyKey, Ledger, LogSigner, ManifestSigner, Money, NewLot, NewUnit, Pieces, PseudonymKey, Sequence,
    Subjects, Unit, UnitCode, UnitOfWork,
};
use platform::clock::Clock;
use platform::testing::TestDatabase;
use uuid::Uuid;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CHART: &str = include_str!("../../config/chart-of-accounts.toml");
const BANK: &str = "assets:pay-in:bank";
const TRANSIT: &str = "liabilities:in-transit:eur-xof";
/// What only some entries have; the book has room for it, whoever writes it.
const RARE: &str = "
    insert into ledger.holds (book_id, hold_id, commodity, account, amount_minor, remaining_minor, expires_at,
        placed_sequence, last_sequence)
    select 1, '0190f7a0-0000-7000-8000-000000000001', commodity, account, 100, 0, '2026-12-31', 5, 6
    from ledger.accounts
    where account = 1;
    insert into ledger.hold_changes (book_id, ordinal, commodity, sequence, account, hold_id, change, amount_minor)
    select 1, 1, commodity, change.sequence, account, '0190f7a0-0000-7000-8000-000000000001', change.name, 100
    from ledger.accounts, (values (5, 'placed'), (6, 'released')) as change (sequence, name)
    where account = 1;
    insert into ledger.reversals (book_id, reverses, sequence) values (1, 4, 7);
    insert into ledger.adjustments (book_id, sequence, first_approver, second_approver)
    values (1, 7, '0190f7a0-0000-7000-8000-000000000002', '0190f7a0-0000-7000-8000-000000000003');";

/// The smallest part of each currency is worth that of the euro.
struct AtPar;

impl ledger::RatesOfTheDay for AtPar {
    fn base(&self) -> Currency {
        Currency::EUR
    }

    fn in_base(&self, amount: Money) -> Option<Money> {
        Some(Money::from_minor(amount.minor(), Currency::EUR))
    }
}

/// The key that vouches for packs.
struct Seal(SigningKey);

impl Seal {
    fn new() -> Self {
        Self(SigningKey::from_bytes(&[7; 32]))
    }
}

impl ManifestSigner for Seal {
    fn public_key(&self) -> String {
        self.0.verifying_key().to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

fn account(code: &str) -> Result<AccountCode> {
    Ok(AccountCode::try_new(code)?)
}

fn begin(ledger: &Ledger, kind: &'static str) -> EntryBuilder {
    Entry::builder(EntryKind::new(kind), ledger.today()).subject(Uuid::now_v7())
}

fn day(ledger: &Ledger) -> Result<Vec<Entry>> {
    let euro = |cents| Money::from_minor(cents, Currency::EUR);
    let franc = |units| Money::from_minor(units, Currency::XOF);
    let dinar = Money::from_minor(1_234, Currency::try_new("TND")?);
    let wallet = AccountCode::held_by("liabilities:wallets", Uuid::from_u128(0x0190_f7a0))?;
    let funded = begin(ledger, "remittance-funded")
        .description("a \"quoted\" \\ line; with a | bar, <angles> & caf\u{e9}s")
        .metadata(serde_json::json!({ "key": "value: 1", "number": 12 }))
        .debit(account(BANK)?, euro(10_150))
        .credit(account(TRANSIT)?, euro(10_150));
    let paid_out = begin(ledger, "remittance-paid-out")
        .debit(account(TRANSIT)?, euro(10_150))
        .credit(account("equity:fx-position")?, euro(10_000))
        .credit(account("revenue:fees:eur-xof")?, euro(150))
        .debit(account("equity:fx-position")?, franc(65_596))
        .credit(account("liabilities:payables:caisse-thies")?, franc(65_268))
        .credit(account("revenue:fx-margin:eur-xof")?, franc(328));
    let settled = Entry::builder(EntryKind::new("settled"), ledger.today() - Duration::days(1))
        .debit(account("assets:safeguarding:-hyphen-")?, dinar)
        .credit(wallet, dinar);
    Ok(vec![funded.build()?, paid_out.build()?, settled.build()?])
}

/// Units of a project, issued with and without a cost, and passed on in parts that cannot be divided evenly.
fn units(ledger: &Ledger, solar: Unit) -> Result<Vec<Entry>> {
    let units = |count| Amount::from_minor(count, solar);
    let euro = |cents| Some(Money::from_minor(cents, Currency::EUR));
    let issuer = || account("assets:units-issued:solar");
    let [amina, babacar] = [1, 2].map(|number| AccountCode::held_by("liabilities:holdings", Uuid::from_u128(number)));
    let (amina, babacar) = (amina?, babacar?);
    let lot = |count, cost| NewLot { amount: units(count), acquired_on: ledger.today() - Duration::days(90), cost };
    let issued = begin(ledger, "units-issued")
        .debit(issuer()?, units(2_000))
        .credit_lots(amina.clone(), vec![lot(300, euro(10_000)), lot(900, euro(0)), lot(100, None)])
        .credit(babacar.clone(), units(700));
    let passed_on = begin(ledger, "units-sold")
        .debit(amina.clone(), units(1_050))
        .credit(babacar.clone(), units(1_050))
        .debit(account(BANK)?, Money::from_minor(777, Currency::EUR))
        .credit(account(TRANSIT)?, Money::from_minor(777, Currency::EUR));
    let taken_back = begin(ledger, "units-redeemed").debit(babacar, units(701)).credit(issuer()?, units(701));
    Ok(vec![issued.build()?, passed_on.build()?, taken_back.build()?])
}

async fn write(pieces: Pieces, path: PathBuf) -> Result {
    let pieces: Vec<Vec<u8>> = pieces.try_collect().await?;
    Ok(std::fs::write(path, pieces.concat())?)
}

async fn write_all(export: &Export, directory: &Path) -> Result {
    std::fs::create_dir_all(directory)?;
    for format in Format::ALL {
        write(export.stream(format), directory.join(format.file_name())).await?;
    }
    for (code, currency) in [(BANK, Currency::EUR), ("assets:safeguarding:-hyphen-", Currency::try_new("TND")?)] {
        let statement = export.statement_camt053(&account(code)?, currency).await?;
        write(statement, directory.join(format!("{currency}.camt053.xml"))).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("name a directory to write to")?);
    let test = TestDatabase::create().await?;
    let clock = Clock::fixed("2026-03-30T22:00:00Z".parse()?);
    let settings = BookSettings {
        book: BookId::FIRST,
        name: "example".to_owned(),
        chart: Chart::from_toml(CHART)?,
        clock: clock.clone(),
        observer: None,
    };
    let (ledger, writer) = Ledger::open(test.database()?, settings).await?;
    let new = NewUnit {
        code: UnitCode::try_new("unit:solar-1")?,
        name: "Sun over Thi\u{e8}s".to_owned(),
        decimals: 2,
        subject: Uuid::from_u128(0x5017),
    };
    let (solar, _) = ledger.register_unit(new).await?;
    for _ in 0..3 {
        for entry in day(&ledger)?.into_iter().chain(units(&ledger, solar)?) {
            ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry)).await?;
        }
        clock.advance(Duration::days(1));
    }
    test.owner().await?.batch_execute(RARE).await?;
    let whole = ledger.export(Extent::WHOLE, Subjects::AsTheyAre).await?;
    write_all(&whole, &directory.join("whole")).await?;
    whole.pack(&directory.join("whole.tar"), &AtPar, &Seal::new()).await?;
    // The cut is in the middle of the second day.
    let first = ledger.export(Extent::WHOLE.through(Sequence::new(8)), Subjects::AsTheyAre).await?;
    write_all(&first, &directory.join("first")).await?;
    let second = ledger.export(Extent::WHOLE.from(Sequence::new(9)), Subjects::AsTheyAre).await?;
    write_all(&second, &directory.join("second")).await?;
    drop((whole, first, second, ledger));
    writer.finished().await;
    prove(&directory).await
}

/// Another book as the house keeps it, with its log, packed whole and from the middle: `whole-proven.tar` and
/// `part-proven.tar`, with the public keys beside them.
async fn prove(directory: &Path) -> Result {
    let test = TestDatabase::create().await?;
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse()?);
    let settings = BookSettings {
        book: BookId::FIRST,
        name: "teranga".to_owned(),
        chart: Chart::from_toml(CHART)?,
        clock: clock.clone(),
        observer: None,
    };
    let (ledger, writer) = Ledger::open(test.database()?, settings).await?;
    let origin = "teranga.example/book/1";
    let signer = LogSigner::try_new(origin, [LogSigner::signing_key(origin, &[9; 32])?.as_str()])?;
    let new = NewUnit {
        code: UnitCode::try_new("unit:solar-1")?,
        name: "Sun".to_owned(),
        decimals: 2,
        subject: Uuid::from_u128(0x5017),
    };
    let (solar, _) = ledger.register_unit(new).await?;
    let hold = HoldId::generate();
    for _ in 0..3 {
        for entry in day(&ledger)?.into_iter().chain(units(&ledger, solar)?) {
            ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry)).await?;
        }
        clock.advance(Duration::days(1));
        ledger.keep_log(&signer).await?;
    }
    let reserving = Entry::builder(EntryKind::new("reserved"), ledger.today())
        .hold(
            hold,
            account("liabilities:payables:caisse-thies")?,
            Money::from_minor(1, Currency::XOF),
            clock.now() + Duration::days(9),
        )
        .build()?;
    ledger.post(UnitOfWork::new(IdempotencyKey::generate(), reserving)).await?;
    let releasing = Entry::builder(EntryKind::new("released"), ledger.today()).release_hold(hold).build()?;
    ledger.post(UnitOfWork::new(IdempotencyKey::generate(), releasing)).await?;
    let closed = ledger.today() - Duration::days(1);
    ledger.close_period(IdempotencyKey::generate(), closed, Uuid::from_u128(3)).await?;
    clock.advance(Duration::days(1));
    ledger.keep_log(&signer).await?;
    let pseudonyms = || Subjects::Pseudonyms(PseudonymKey::for_grant(b"house", Uuid::nil()));
    for (name, extent) in [
        ("whole-proven.tar", Extent::WHOLE),
        ("part-proven.tar", Extent::WHOLE.from(Sequence::new(4)).through(Sequence::new(11))),
    ] {
        ledger.export(extent, pseudonyms()).await?.pack(&directory.join(name), &AtPar, &Seal::new()).await?;
    }
    std::fs::write(directory.join("log.key"), signer.verifier_keys().join("\n"))?;
    std::fs::write(directory.join("house.pem"), Seal::new().public_key())?;
    drop(ledger);
    writer.finished().await;
    Ok(())
}
