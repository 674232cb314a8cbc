//! Whoever changes a row or a byte with a superuser's rights is found: every column of every table that matters.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::fixture::Result;
use crate::log::everything_that_can_be_booked;
use crate::logged_book::LoggedBook;

/// Tables that are no part of what is promised, each with the reason.
const TABLES_ASIDE: [(&str, &str); 4] = [
    ("proposals", "what was asked for; what was done stands in the log, with who approved it"),
    ("refusals", "attempts that were not booked stand outside of the book"),
    ("log_cosignatures", "statements of others, checked by whoever asks for them"),
    ("log_keys", "keys are believed by whoever has them from elsewhere"),
];

/// Columns that are no part of what is promised, each with the reason.
const COLUMNS_ASIDE: [(&str, &str); 10] = [
    ("close_records.book_id", "takes a record away"),
    ("close_records.recorded_at", "when a reader was served, not what the close found"),
    ("log_tiles.book_id", "takes a tile away"),
    ("log_tiles.tile", "takes a tile away"),
    ("log_checkpoints.book_id", "takes a checkpoint away"),
    ("books.name", "a label"),
    ("accounts.opened_at", "when the first use was, which its first posting says better"),
    ("entries.fingerprint", "tells retries apart; what it is computed from is in the log"),
    ("log_checkpoints.signed_at", "when, for a reader; the note says what was signed"),
    ("accounts.last_sequence", "may run ahead of the postings; that it never lags is checked"),
];

/// Tables of which a missing row cannot be told from one that is not made yet: it is made anew, and whoever has seen the
/// signed head has it.
const MADE_ANEW: [&str; 3] = ["log_tiles", "log_checkpoints", "close_records"];

/// Another value of the column's type.
fn other(column: &str, kind: &str) -> Option<String> {
    Some(match kind {
        "int2" | "int4" | "int8" => format!("coalesce({column}, 0) + 1"),
        "text" => format!("coalesce({column}, '') || 'x'"),
        "uuid" => "gen_random_uuid()".to_owned(),
        "bytea" => format!("set_byte({column}, 3, get_byte({column}, 3) # 1)"),
        "timestamptz" => format!("coalesce({column}, 'epoch') + interval '1 microsecond'"),
        "date" => format!("coalesce({column}, date '2020-01-01') + 1"),
        "jsonb" => format!("coalesce({column}, '{{}}') || '{{\"added\": 1}}'"),
        _ => return None,
    })
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

async fn lines(owner: &mut AsyncPgConnection, text: &str) -> Result<Vec<String>> {
    let lines: Vec<Line> = diesel::sql_query(text).load(owner).await?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}

struct Tampered {
    book: LoggedBook,
    owner: AsyncPgConnection,
    missed: Vec<String>,
    tried: usize,
}

impl Tampered {
    /// Changes something, looks whether it is found, and puts the table back as it was.
    async fn try_out(&mut self, table: &str, change: &str) -> Result {
        self.owner
            .batch_execute(&format!(
                "drop table if exists kept; create temporary table kept as select * from ledger.{table}"
            ))
            .await?;
        self.owner.batch_execute(change).await.map_err(|error| format!("{change}: {error}"))?;
        let changed = format!(
            "select count(*)::text as line from (table kept except all table ledger.{table} union all (table ledger.{table} except all table kept)) differing"
        );
        if lines(&mut self.owner, &changed).await? == ["0"] {
            return Err(format!("{change} changes nothing").into());
        }
        self.tried += 1;
        // A book whose own row is gone cannot be verified, which is an answer too.
        if self.book.ledger.verify(|_, _| {}).await.is_ok_and(|verification| verification.holds()) {
            self.missed.push(change.to_owned());
        }
        self.owner
            .batch_execute(&format!("delete from ledger.{table}; insert into ledger.{table} select * from kept"))
            .await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_superuser_changes_deletes_inserts_or_swaps_is_found() -> Result {
    let book = LoggedBook::new().await?;
    everything_that_can_be_booked(&book).await?;
    book.book(260).await?;
    book.ledger.keep_log(&book.signer).await?;
    let mut owner = book.test.owner().await?;
    owner.batch_execute("set session_replication_role = replica").await?;
    // Not even the constraints are in the way.
    let constraints = "select format('alter table %s drop constraint %I cascade', conrelid::regclass, conname) as line
        from pg_constraint
        where connamespace = 'ledger'::regnamespace
          and conrelid <> 0
          and contype in ('c', 'u', 'f', 'p')
        order by contype = 'p'";
    for statement in lines(&mut owner, constraints).await? {
        owner.batch_execute(&statement).await?;
    }
    assert!(book.ledger.verify(|_, _| {}).await?.holds());

    let columns = lines(
        &mut owner,
        "select table_name || ' ' || column_name || ' ' || udt_name as line
        from information_schema.columns
        where table_schema = 'ledger'
        order by table_name, ordinal_position",
    )
    .await?;
    let mut tampered = Tampered { book, owner, missed: Vec::new(), tried: 0 };
    let mut table_before = String::new();
    for line in columns {
        let [table, column, kind] = line.split(' ').collect::<Vec<_>>()[..] else { return Err(line.into()) };
        if TABLES_ASIDE.iter().any(|(aside, _)| *aside == table) {
            continue;
        }
        let rows =
            lines(&mut tampered.owner, &format!("select ctid::text as line from ledger.{table} order by ctid limit 3"))
                .await?;
        if rows.is_empty() {
            continue;
        }
        let row = &rows[rows.len() / 2];
        if table != table_before {
            table_before = table.to_owned();
            if !MADE_ANEW.contains(&table) {
                tampered.try_out(table, &format!("delete from ledger.{table} where ctid = '{row}'")).await?;
            }
        }
        if COLUMNS_ASIDE.iter().any(|(aside, _)| *aside == format!("{table}.{column}")) {
            continue;
        }
        let value = other(column, kind).ok_or_else(|| format!("no other value of {kind}"))?;
        // The rows moved when they were put back.
        let row =
            lines(&mut tampered.owner, &format!("select ctid::text as line from ledger.{table} order by ctid limit 3"))
                .await?;
        let row = &row[row.len() / 2];
        let change = format!("update ledger.{table} set {column} = {value} where ctid = '{row}'");
        tampered.try_out(table, &change).await?;
    }
    for (table, change) in [
        (
            "entries",
            "insert into ledger.entries select book_id, 9999, gen_random_uuid(), fingerprint, booked_at, effective_date, kind, description, subject, metadata, salt from ledger.entries where sequence = 1",
        ),
        ("entries", "insert into ledger.entries select * from ledger.entries where sequence = 3"),
        (
            "postings",
            "insert into ledger.postings select book_id, 3, commodity, sequence, account, amount_minor, balance_minor from ledger.postings where sequence = 2 and ordinal = 1",
        ),
        (
            "postings",
            "insert into ledger.postings select book_id, ordinal, commodity, 9999, account, amount_minor, balance_minor from ledger.postings where sequence = 2",
        ),
        ("postings", "update ledger.postings set amount_minor = -amount_minor where sequence = 2"),
        ("postings", "update ledger.postings set ordinal = 3 - ordinal where sequence = 2"),
        (
            "entries",
            "update ledger.entries set entry_key = case sequence when 5 then (select entry_key from ledger.entries where sequence = 6) else (select entry_key from ledger.entries where sequence = 5) end where sequence in (5, 6)",
        ),
        ("entries", "update ledger.entries set sequence = 11 - sequence where sequence in (5, 6)"),
        (
            "accounts",
            "update ledger.accounts set code = case account when 1 then (select code from ledger.accounts where account = 2) else (select code from ledger.accounts where account = 1) end where account in (1, 2)",
        ),
        ("accounts", "update ledger.accounts set floor_minor = null where floor_minor is not null"),
        (
            "hold_changes",
            "insert into ledger.hold_changes select book_id, 9, commodity, sequence, account, hold_id, change, amount_minor from ledger.hold_changes limit 1",
        ),
        (
            "holds",
            "insert into ledger.holds select book_id, gen_random_uuid(), commodity, account, amount_minor, remaining_minor, expires_at, placed_sequence, last_sequence from ledger.holds limit 1",
        ),
        ("reversals", "insert into ledger.reversals values (1, 1, 5)"),
        ("adjustments", "insert into ledger.adjustments values (1, 1, gen_random_uuid(), gen_random_uuid())"),
        (
            "period_changes",
            "insert into ledger.period_changes values (1, 9, 'closed', '2020-01-01', gen_random_uuid(), null)",
        ),
    ] {
        tampered.try_out(table, change).await?;
    }
    assert!(tampered.tried > 70, "{} changes were tried", tampered.tried);
    assert_eq!(tampered.missed, Vec::<String>::new(), "of {}", tampered.tried);
    assert!(tampered.book.ledger.verify(|_, _| {}).await?.holds());
    Ok(())
}
