//! The writer's statements: set-based, prepared, a few a batch.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::accounts::{Account, Accounts, Slot};
use super::batch::{Booked, Candidate, Decision, sequence};
use super::prepared::{Bind, Prepared};
use crate::account::{AccountCode, AccountKind};
use crate::log::account_commitment;
use crate::unit_of_work::EffectKind;
use crate::{BookId, Currency, Refusal};

/// Where a book stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: i64,
    pub(super) account: i64,
    pub(super) booked_at: DateTime<Utc>,
}

/// Takes the book's lock until the transaction ends.
pub(super) async fn lock_head(connection: &mut AsyncPgConnection, book: BookId) -> QueryResult<Head> {
    const TEXT: &str =
        "select last_sequence, last_account, last_booked_at from ledger.books where book_id = $1 for update";
    head(connection, TEXT, book).await
}

/// Reads the book's head without a lock.
pub(super) async fn read_head(connection: &mut AsyncPgConnection, book: BookId) -> QueryResult<Head> {
    const TEXT: &str = "select last_sequence, last_account, last_booked_at from ledger.books where book_id = $1";
    head(connection, TEXT, book).await
}

async fn head(connection: &mut AsyncPgConnection, text: &'static str, book: BookId) -> QueryResult<Head> {
    let (sequence, account, booked_at) =
        Prepared::<(BigInt, BigInt, Timestamptz)>::new(text, vec![Bind::SmallInt(book.number())])
            .get_result(connection)
            .await?;
    Ok(Head { sequence, account, booked_at })
}

/// Makes the book if it is not there.
pub(super) async fn ensure_book(connection: &mut AsyncPgConnection, book: BookId, name: &str) -> QueryResult<()> {
    const TEXT: &str =
        "insert into ledger.books (book_id, name) select $1, unnest($2::text[]) on conflict (book_id) do nothing";
    Prepared::<()>::new(TEXT, vec![Bind::SmallInt(book.number()), Bind::Texts(&[name])]).execute(connection).await?;
    Ok(())
}

/// The accounts of those codes, as far as they are opened.
pub(super) async fn load_accounts(
    connection: &mut AsyncPgConnection,
    book: BookId,
    wanted: &[(AccountCode, Currency)],
) -> QueryResult<Vec<Account>> {
    const TEXT: &str = "select a.code, a.commodity, a.account, a.floor_minor, a.balance_minor
        from unnest($1::text[], $2::int4[]) as wanted (code, commodity)
        join ledger.accounts a on a.code = wanted.code and a.commodity = wanted.commodity and a.book_id = $3";
    type Row = (Text, Integer, BigInt, Nullable<BigInt>, BigInt);
    let codes: Vec<&str> = wanted.iter().map(|(code, _)| code.as_str()).collect();
    let commodities: Vec<i32> = wanted.iter().map(|(_, currency)| currency.number()).collect();
    let binds = vec![Bind::Texts(&codes), Bind::Integers(&commodities), Bind::SmallInt(book.number())];
    let rows: Vec<(String, i32, i64, Option<i64>, i64)> = Prepared::<Row>::new(TEXT, binds).load(connection).await?;
    rows.into_iter()
        .map(|(code, commodity, number, floor, balance)| {
            let code = AccountCode::try_new(&code).map_err(|error| corrupt(&error))?;
            let currency =
                Currency::from_number(commodity).ok_or_else(|| corrupt(&format!("commodity {commodity}")))?;
            Ok(Account::stored(code, currency, number, floor, balance))
        })
        .collect()
}

fn corrupt(what: &impl ToString) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(what.to_string().into())
}

/// The entries that have one of those keys already.
pub(super) async fn find_booked(
    connection: &mut AsyncPgConnection,
    book: BookId,
    keys: &[Uuid],
) -> QueryResult<Vec<(Uuid, Booked)>> {
    const TEXT: &str = "select entry_key, sequence, fingerprint, booked_at
        from ledger.entries
        where book_id = $1
          and entry_key = any($2)";
    let binds = vec![Bind::SmallInt(book.number()), Bind::Uuids(keys)];
    let rows: Vec<(Uuid, i64, Uuid, DateTime<Utc>)> =
        Prepared::<(SqlUuid, BigInt, SqlUuid, Timestamptz)>::new(TEXT, binds).load(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(key, sequence, fingerprint, booked_at)| (key, Booked { sequence, fingerprint, booked_at }))
        .collect())
}

/// Applies one kind of effect; answers the units for which it applied.
pub(super) async fn apply_effects(
    connection: &mut AsyncPgConnection,
    kind: &'static EffectKind,
    rows: &serde_json::Value,
) -> QueryResult<Vec<i32>> {
    Prepared::<Integer>::new(kind.statement, vec![Bind::Json(rows)]).load(connection).await
}

/// Opens accounts that the accepted units use for the first time; answers the number of the last one.
pub(super) async fn open_accounts(
    connection: &mut AsyncPgConnection,
    book: BookId,
    head: Head,
    unopened: &[Slot],
    accounts: &mut Accounts,
    opened_at: DateTime<Utc>,
) -> QueryResult<i64> {
    const TEXT: &str = "with opened as (
            insert into ledger.accounts (book_id, account, code, commodity, kind, floor_minor, opened_at, salt, commitment)
            select $1, account, code, commodity, kind, floor_minor, $2, salt, commitment
            from unnest($3::int8[], $4::text[], $5::int4[], $6::text[], $7::int8[], $8::uuid[], $9::bytea[])
                as opened (account, code, commodity, kind, floor_minor, salt, commitment)
            returning account, book_id
        )
        update ledger.books
        set last_account = (select max(account) from opened)
        where book_id = (select max(book_id) from opened)";
    if unopened.is_empty() {
        return Ok(head.account);
    }
    let mut last = head.account;
    let mut numbers = Vec::with_capacity(unopened.len());
    for &slot in unopened {
        last += 1;
        numbers.push(last);
        accounts.opened(slot, last);
    }
    let codes: Vec<&str> = unopened.iter().map(|&slot| accounts.get(slot).code.as_str()).collect();
    let commodities: Vec<i32> = unopened.iter().map(|&slot| accounts.get(slot).currency.number()).collect();
    let kinds: Vec<&str> = unopened.iter().map(|&slot| kind_text(accounts.get(slot).code.kind())).collect();
    let floors: Vec<Option<i64>> = unopened.iter().map(|&slot| accounts.get(slot).floor_minor).collect();
    let salts: Vec<Uuid> = unopened.iter().map(|_| Uuid::new_v4()).collect();
    let commitments: Vec<Vec<u8>> = unopened
        .iter()
        .zip(&salts)
        .map(|(&slot, &salt)| {
            let account = accounts.get(slot);
            account_commitment(salt, &account.code, account.currency, account.floor_minor).to_vec()
        })
        .collect();
    let binds = vec![
        Bind::SmallInt(book.number()),
        Bind::Timestamp(opened_at),
        Bind::BigInts(&numbers),
        Bind::Texts(&codes),
        Bind::Integers(&commodities),
        Bind::Texts(&kinds),
        Bind::OptionalBigInts(&floors),
        Bind::Uuids(&salts),
        Bind::Blobs(&commitments),
    ];
    Prepared::<()>::new(TEXT, binds).execute(connection).await?;
    Ok(last)
}

fn kind_text(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Asset => "asset",
        AccountKind::Liability => "liability",
        AccountKind::Equity => "equity",
        AccountKind::Revenue => "revenue",
        AccountKind::Expense => "expense",
    }
}

/// Writes the accepted units after `head` and moves it: one statement, so one round trip and, on its own, one
/// transaction.
///
/// Fails as a whole with a serialization failure when the head stands elsewhere, and with a unique violation when a
/// key is booked already.
pub(super) async fn write(
    connection: &mut AsyncPgConnection,
    book: BookId,
    head: Head,
    booked_at: DateTime<Utc>,
    candidates: &[Candidate<'_>],
    decision: &Decision,
    accounts: &Accounts,
) -> QueryResult<()> {
    const TEXT: &str = "with entries as (
            insert into ledger.entries (book_id, sequence, entry_key, fingerprint, booked_at, effective_date, kind,
                description, subject, metadata)
            select $1, sequence, entry_key, fingerprint, $2, effective_date, kind, description, subject, metadata
            from unnest($3::int8[], $4::uuid[], $5::uuid[], $6::date[], $7::text[], $8::text[], $9::uuid[], $10::jsonb[])
                as entry (sequence, entry_key, fingerprint, effective_date, kind, description, subject, metadata)
        ), postings as (
            insert into ledger.postings (book_id, ordinal, commodity, sequence, account, amount_minor, balance_minor)
            select $11, ordinal, commodity, sequence, account, amount, balance
            from unnest($12::int2[], $13::int4[], $14::int8[], $15::int8[], $16::int8[], $17::int8[])
                as posting (ordinal, commodity, sequence, account, amount, balance)
        ), touched as (
            update ledger.accounts a
            set balance_minor = touched.balance,
                last_sequence = $18
            from unnest($19::int8[], $20::int8[]) as touched (account, balance)
            where a.book_id = $21
              and a.account = touched.account
        )
        select ledger.advance($22, $23, $24, $25)::text";
    let rows = Rows::collect(head, candidates, decision, accounts);
    let last_sequence = sequence(head.sequence, decision.accepted.len()) - 1;
    let book = book.number();
    let binds = vec![
        Bind::SmallInt(book),
        Bind::Timestamp(booked_at),
        Bind::BigInts(&rows.sequences),
        Bind::Uuids(&rows.keys),
        Bind::Uuids(&rows.fingerprints),
        Bind::Dates(&rows.dates),
        Bind::Texts(&rows.kinds),
        Bind::OptionalTexts(&rows.descriptions),
        Bind::OptionalUuids(&rows.subjects),
        Bind::OptionalJsons(&rows.metadata),
        Bind::SmallInt(book),
        Bind::SmallInts(&rows.ordinals),
        Bind::Integers(&rows.commodities),
        Bind::BigInts(&rows.posting_sequences),
        Bind::BigInts(&rows.posting_accounts),
        Bind::BigInts(&rows.amounts),
        Bind::BigInts(&decision.balances),
        Bind::BigInt(last_sequence),
        Bind::BigInts(&rows.touched),
        Bind::BigInts(&rows.touched_balances),
        Bind::SmallInt(book),
        Bind::SmallInt(book),
        Bind::BigInt(head.sequence),
        Bind::BigInt(last_sequence),
        Bind::Timestamp(booked_at),
    ];
    Prepared::<Text>::new(TEXT, binds).execute(connection).await?;
    Ok(())
}

/// The columns of a batch.
#[derive(Default)]
struct Rows<'a> {
    sequences: Vec<i64>,
    keys: Vec<Uuid>,
    fingerprints: Vec<Uuid>,
    dates: Vec<NaiveDate>,
    kinds: Vec<&'a str>,
    descriptions: Vec<Option<&'a str>>,
    subjects: Vec<Option<Uuid>>,
    metadata: Vec<Option<&'a serde_json::Value>>,
    ordinals: Vec<i16>,
    commodities: Vec<i32>,
    posting_sequences: Vec<i64>,
    posting_accounts: Vec<i64>,
    amounts: Vec<i64>,
    touched: Vec<i64>,
    touched_balances: Vec<i64>,
}

impl<'a> Rows<'a> {
    fn collect(head: Head, candidates: &[Candidate<'a>], decision: &Decision, accounts: &Accounts) -> Self {
        let mut rows = Self::default();
        for (ordinal, &index) in decision.accepted.iter().enumerate() {
            rows.add(sequence(head.sequence, ordinal), &candidates[index], accounts);
        }
        for slot in decision.touched(candidates) {
            rows.touched.push(accounts.get(slot).number);
            rows.touched_balances.push(accounts.tentative_balance(slot));
        }
        rows
    }

    fn add(&mut self, sequence: i64, candidate: &Candidate<'a>, accounts: &Accounts) {
        let entry = candidate.unit.entry();
        self.sequences.push(sequence);
        self.keys.push(candidate.unit.key().uuid());
        self.fingerprints.push(candidate.fingerprint);
        self.dates.push(entry.effective_date());
        self.kinds.push(entry.kind().name());
        self.descriptions.push(entry.description());
        self.subjects.push(entry.subject());
        self.metadata.push(entry.metadata());
        for (&(slot, amount), ordinal) in candidate.amounts.iter().flatten().zip(1_i16..) {
            let account = accounts.get(slot);
            self.ordinals.push(ordinal);
            self.commodities.push(account.currency.number());
            self.posting_sequences.push(sequence);
            self.posting_accounts.push(account.number);
            self.amounts.push(amount);
        }
    }
}

/// Keeps refused attempts with their reasons.
pub(super) async fn record_refusals(
    connection: &mut AsyncPgConnection,
    book: BookId,
    refused_at: DateTime<Utc>,
    refused: &[(&Candidate<'_>, &Refusal)],
) -> QueryResult<()> {
    const TEXT: &str = "insert into ledger.refusals (book_id, entry_key, kind, reason, detail, refused_at)
        select $1, entry_key, kind, reason, detail, $2
        from unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) as refused (entry_key, kind, reason, detail)";
    let keys: Vec<Uuid> = refused.iter().map(|(candidate, _)| candidate.unit.key().uuid()).collect();
    let kinds: Vec<&str> = refused.iter().map(|(candidate, _)| candidate.unit.entry().kind().name()).collect();
    let reasons: Vec<&str> = refused.iter().map(|(_, refusal)| refusal.reason()).collect();
    let details: Vec<String> = refused.iter().map(|(_, refusal)| refusal.to_string()).collect();
    let details: Vec<&str> = details.iter().map(String::as_str).collect();
    let binds = vec![
        Bind::SmallInt(book.number()),
        Bind::Timestamp(refused_at),
        Bind::Uuids(&keys),
        Bind::Texts(&kinds),
        Bind::Texts(&reasons),
        Bind::Texts(&details),
    ];
    Prepared::<()>::new(TEXT, binds).execute(connection).await?;
    Ok(())
}
