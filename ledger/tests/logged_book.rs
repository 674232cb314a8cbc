//! A book with a log, and what its log ought to be: leaves by PostgreSQL from the tables, the tree by the recursive
//! definition of RFC 6962. Nothing of it is shared with the ledger's own code.

use chrono::Duration;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};
use diesel_async::RunQueryDsl;
use ledger::{Kept, Ledger, LogSigner, LogVerifier};
use platform::clock::Clock;
use platform::testing::TestDatabase;
use sha2::{Digest, Sha256};

use crate::fixture::{Result, euro, open, unit};

pub const BANK: &str = "assets:pay-in:bank";
pub const AMINA: &str = "liabilities:wallets:amina";
pub const BABACAR: &str = "liabilities:wallets:babacar";
pub const ORIGIN: &str = "teranga.example/book/1";

/// A SHA-256.
pub type Hash = [u8; 32];

/// The leaf hashes of the entries, by PostgreSQL: of entries with two postings or more, with or without a description
/// and a subject.
const LEAVES: &str = r"
    select e.sequence, sha256('\x00'::bytea || convert_to('teranga entry 1', 'UTF8')
        || int2send(e.book_id) || int8send(e.sequence) || uuid_send(e.entry_key)
        || int8send((extract(epoch from e.booked_at) * 1000000)::bigint)
        || int4send(e.effective_date - date '1970-01-01')
        || int4send(octet_length(e.kind)) || convert_to(e.kind, 'UTF8')
        || case when e.description is null and e.subject is null then '\x00'::bytea
            else '\x08'::bytea || sha256(convert_to('teranga content 1', 'UTF8')
                || uuid_send(coalesce(e.salt, e.entry_key))
                || case when e.description is null then '\x00'::bytea
                    else '\x01'::bytea || int4send(octet_length(e.description)) || convert_to(e.description, 'UTF8') end
                || case when e.subject is null then '\x00'::bytea else '\x01'::bytea || uuid_send(e.subject) end
                || '\x00'::bytea) end
        || int4send(count(*)::int)
        || string_agg(int8send(p.account) || a.commitment || int4send(p.commodity) || int8send(p.amount_minor)
            || int8send(p.balance_minor), ''::bytea order by p.ordinal)
        || int4send(0)) as hash
    from ledger.entries e
    join ledger.postings p using (book_id, sequence)
    join ledger.accounts a using (book_id, account)
    where e.book_id = 1
    group by e.book_id, e.sequence
    order by e.sequence";

#[derive(QueryableByName)]
struct LeafRow {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

#[derive(QueryableByName)]
struct HeadRow {
    #[diesel(sql_type = Binary)]
    frontier: Vec<u8>,
}

fn node(left: Hash, right: Hash) -> Hash {
    Sha256::digest([&[1], &left[..], &right[..]].concat()).into()
}

/// RFC 6962, 2.1: the left side is the largest power of two that is smaller than the whole.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node(root(left), root(right))
        }
    }
}

/// The roots of the perfect trees that a tree is made of, largest first.
fn frontier(mut leaves: &[Hash]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !leaves.is_empty() {
        let (perfect, rest) = leaves.split_at(1 << leaves.len().ilog2());
        bytes.extend_from_slice(&root(perfect));
        leaves = rest;
    }
    bytes
}

/// A ledger whose clock is moved by hand, and the keys that its log needs.
pub struct LoggedBook {
    pub test: TestDatabase,
    pub ledger: Ledger,
    pub clock: Clock,
    pub signer: LogSigner,
    _writer: ledger::WriterTask,
}

pub fn signing_key(seed: u8) -> Result<String> {
    Ok(LogSigner::signing_key(ORIGIN, &[seed; 32])?)
}

impl LoggedBook {
    pub async fn new() -> Result<Self> {
        let test = TestDatabase::create().await?;
        let clock = Clock::fixed("2026-01-31T12:00:00.5Z".parse()?);
        let (ledger, _writer) = open(&test.database()?, clock.clone()).await?;
        let signer = LogSigner::try_new(ORIGIN, [signing_key(1)?.as_str()])?;
        Ok(Self { test, ledger, clock, signer, _writer })
    }

    pub async fn book(&self, count: usize) -> Result {
        let units = (0..count).map(|_| unit(&self.ledger, AMINA, BANK, euro(100))).collect();
        for answer in self.ledger.post_all(units).await? {
            answer?;
        }
        Ok(())
    }

    /// The leaves as PostgreSQL computes them.
    pub async fn leaves(&self) -> Result<Vec<Hash>> {
        let mut owner = self.test.owner().await?;
        let rows: Vec<LeafRow> = diesel::sql_query(LEAVES).load(&mut owner).await?;
        assert!(rows.iter().zip(1..).all(|(row, sequence)| row.sequence == sequence));
        let leaves: Vec<Hash> =
            rows.iter().map(|row| row.hash.as_slice().try_into()).collect::<std::result::Result<_, _>>()?;
        Ok(leaves)
    }

    /// Signs what is booked; answers the leaves.
    pub async fn signed(&self) -> Result<Vec<Hash>> {
        let leaves = self.leaves().await?;
        assert_eq!(self.head().await?, frontier(&leaves), "the writer's head");
        self.clock.advance(Duration::seconds(1));
        let kept = self.ledger.keep_log(&self.signer).await?;
        let Kept::Signed(checkpoint) = kept else { return Err(format!("{kept:?}").into()) };
        assert_eq!(checkpoint.root, root(&leaves));
        assert_eq!(usize::try_from(checkpoint.size), Ok(leaves.len()));
        Ok(leaves)
    }

    async fn head(&self) -> Result<Vec<u8>> {
        let mut owner = self.test.owner().await?;
        let head: HeadRow =
            diesel::sql_query("select frontier from ledger.books where book_id = 1").get_result(&mut owner).await?;
        Ok(head.frontier)
    }

    /// Makes the writer's head fit the tables, as a forger would.
    pub async fn forge_head(&self) -> Result {
        let leaves = self.leaves().await?;
        diesel::sql_query("update ledger.books set frontier = $1 where book_id = 1")
            .bind::<Binary, _>(frontier(&leaves))
            .execute(&mut self.test.owner().await?)
            .await?;
        Ok(())
    }

    pub fn verifier(&self) -> Result<LogVerifier> {
        Ok(LogVerifier::try_new([self.signer.verifier_keys()[0].as_str()], [])?)
    }
}
