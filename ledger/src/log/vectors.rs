//! The published test vectors, which docs/ledger/vectors/check.py recomputes without us, and the tree's proofs at all
//! small sizes.

use serde::Deserialize;
use tlog_tiles::{HashReader, check_record, check_tree, prove_record, prove_tree, split_stored_hash_index};
use uuid::Uuid;

use super::leaf::{
    Leaf, LeafHoldChange, LeafHoldEvent, LeafLot, LeafPeriod, LeafPeriodChange, LeafPosting, LeafUnit,
    content_commitment, leaf_hash,
};
use super::{Frontier, Hash, account_commitment};
use crate::AccountCode;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const ENTRIES: &str = include_str!("../../../docs/ledger/vectors/entries.json");
const TREE: &str = include_str!("../../../docs/ledger/vectors/tree.json");

#[derive(Deserialize)]
struct Entries {
    accounts: Vec<AccountVector>,
    contents: Vec<ContentVector>,
    units: Vec<UnitVector>,
    entries: Vec<EntryVector>,
}

#[derive(Deserialize)]
struct AccountVector {
    name: String,
    account: Account,
    commitment: String,
}

#[derive(Deserialize)]
struct Account {
    salt: Uuid,
    commodity: i32,
    floor_minor: Option<i64>,
    code: AccountCode,
}

#[derive(Deserialize)]
struct ContentVector {
    name: String,
    content: Content,
    commitment: String,
}

#[derive(Deserialize)]
struct Content {
    salt: Uuid,
    description: Option<String>,
    subject: Option<Uuid>,
    metadata: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct EntryVector {
    name: String,
    entry: Entry,
    canonical: String,
    leaf_hash: String,
}

#[derive(Deserialize)]
struct Entry {
    book: i16,
    sequence: i64,
    key: Uuid,
    booked_at: i64,
    effective_date: i32,
    kind: String,
    reverses: Option<i64>,
    approvers: Option<(Uuid, Uuid)>,
    period: Option<Period>,
    content: Option<String>,
    postings: Vec<Posting>,
    hold_changes: Vec<HoldChange>,
    /// Only entries with units have them.
    #[serde(default)]
    units: Vec<Unit>,
    #[serde(default)]
    lots: Vec<Lot>,
}

#[derive(Deserialize)]
struct Unit {
    number: i32,
    definition: String,
}

#[derive(Deserialize)]
struct Lot {
    ordinal: i16,
    lot: (i64, i16),
    amount: i64,
    acquired_on: i32,
    cost: Option<(i32, i64)>,
}

#[derive(Deserialize)]
struct UnitVector {
    name: String,
    unit: Definition,
    definition: String,
}

#[derive(Deserialize)]
struct Definition {
    number: i32,
    decimals: u32,
    subject: Uuid,
    opened_at: i64,
    code: String,
    name: String,
}

#[derive(Deserialize)]
struct Period {
    change: String,
    through: i32,
    approver: Uuid,
    second: Option<Uuid>,
}

#[derive(Deserialize)]
struct Posting {
    account: i64,
    commitment: String,
    commodity: i32,
    amount: i64,
    balance: i64,
}

#[derive(Deserialize)]
struct HoldChange {
    hold: Uuid,
    account: i64,
    commitment: String,
    commodity: i32,
    change: String,
    amount: i64,
    expires_at: Option<i64>,
}

#[derive(Deserialize)]
struct Tree {
    leaves: Vec<String>,
    roots: Vec<String>,
    inclusion: Vec<InclusionVector>,
    consistency: Vec<ConsistencyVector>,
}

#[derive(Deserialize)]
struct InclusionVector {
    index: u64,
    size: u64,
    hashes: Vec<String>,
}

#[derive(Deserialize)]
struct ConsistencyVector {
    from: u64,
    to: u64,
    hashes: Vec<String>,
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hexadecimal: &str) -> Result<Vec<u8>> {
    (0..hexadecimal.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&hexadecimal[at..at + 2], 16)?)).collect()
}

fn hash(hexadecimal: &str) -> Result<Hash> {
    bytes(hexadecimal)?.try_into().map_err(|_| "no SHA-256".into())
}

fn canonical(entry: &Entry) -> Result<Vec<u8>> {
    let commitments: Vec<Hash> =
        entry.postings.iter().map(|posting| hash(&posting.commitment)).collect::<Result<_>>()?;
    let held: Vec<Hash> = entry.hold_changes.iter().map(|change| hash(&change.commitment)).collect::<Result<_>>()?;
    let period = entry.period.as_ref().map(|period| LeafPeriod {
        change: if period.change == "closed" { LeafPeriodChange::Closed } else { LeafPeriodChange::Reopened },
        through: period.through,
        approver: period.approver,
        second: period.second,
    });
    let event = |change: &HoldChange| match (change.change.as_str(), change.expires_at) {
        ("placed", Some(expires_at)) => LeafHoldEvent::Placed { expires_at },
        ("posted", None) => LeafHoldEvent::Posted,
        ("released", None) => LeafHoldEvent::Released,
        _ => LeafHoldEvent::Expired,
    };
    let leaf = Leaf {
        book: entry.book,
        sequence: entry.sequence,
        key: entry.key,
        booked_at: entry.booked_at,
        effective_date: entry.effective_date,
        kind: &entry.kind,
        reverses: entry.reverses,
        approvers: entry.approvers,
        period,
        content: entry.content.as_deref().map(hash).transpose()?,
        postings: entry.postings.iter().zip(&commitments).map(|(posting, commitment)| LeafPosting {
            account: posting.account,
            commitment,
            commodity: posting.commodity,
            amount: posting.amount,
            balance: posting.balance,
        }),
        hold_changes: entry.hold_changes.iter().zip(&held).map(|(change, commitment)| LeafHoldChange {
            hold: change.hold,
            account: change.account,
            commitment,
            commodity: change.commodity,
            change: event(change),
            amount: change.amount,
        }),
        units: entry
            .units
            .iter()
            .map(|unit| Ok(LeafUnit { number: unit.number, definition: hash(&unit.definition)? }))
            .collect::<Result<_>>()?,
        lots: entry
            .lots
            .iter()
            .map(|lot| LeafLot {
                ordinal: lot.ordinal,
                lot: lot.lot,
                amount: lot.amount,
                acquired_on: lot.acquired_on,
                cost: lot.cost,
            })
            .collect(),
    };
    let mut out = Vec::new();
    leaf.encode(&mut out);
    Ok(out)
}

#[test]
fn entries_have_the_published_bytes() -> Result {
    let vectors: Entries = serde_json::from_str(ENTRIES)?;
    for AccountVector { name, account, commitment } in &vectors.accounts {
        let found = account_commitment(account.salt, &account.code, account.commodity, account.floor_minor);
        assert_eq!(hexadecimal(&found), *commitment, "{name}");
    }
    for ContentVector { name, content, commitment } in &vectors.contents {
        let Content { salt, description, subject, metadata } = content;
        let found = content_commitment(*salt, description.as_deref(), *subject, metadata.as_ref());
        assert_eq!(found.map(|found| hexadecimal(&found)).as_ref(), Some(commitment), "{name}");
    }
    for UnitVector { name, unit, definition } in &vectors.units {
        let Definition { number, decimals, subject, opened_at, code, name: called } = unit;
        let found = crate::units::definition(*number, *decimals, *subject, *opened_at, code, called);
        assert_eq!(hexadecimal(&found), *definition, "{name}");
    }
    for vector in &vectors.entries {
        let found = canonical(&vector.entry)?;
        assert_eq!(hexadecimal(&found), vector.canonical, "{}", vector.name);
        assert_eq!(hexadecimal(&leaf_hash(&found)), vector.leaf_hash, "{}", vector.name);
    }
    Ok(())
}

/// A tree that is small enough to compute each node anew.
struct SmallTree(Vec<Hash>);

impl SmallTree {
    fn root(&self, size: u64) -> tlog_tiles::Hash {
        let mut frontier = Frontier::empty();
        self.0.iter().take(size.try_into().unwrap_or(0)).for_each(|leaf| frontier.push(*leaf));
        tlog_tiles::Hash(frontier.root())
    }
}

impl HashReader for SmallTree {
    fn read_hashes(&self, indexes: &[u64]) -> std::result::Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let node = |&index: &u64| {
            let (level, place) = split_stored_hash_index(index);
            let first = usize::try_from(place << level).unwrap_or(usize::MAX);
            let mut frontier = Frontier::empty();
            self.0[first..first + (1 << level)].iter().for_each(|leaf| frontier.push(*leaf));
            tlog_tiles::Hash(frontier.root())
        };
        Ok(indexes.iter().map(node).collect())
    }
}

#[test]
fn trees_have_the_published_roots_and_proofs() -> Result {
    let vectors: Tree = serde_json::from_str(TREE)?;
    let leaves = vectors.leaves.iter().map(|leaf| Ok(leaf_hash(&bytes(leaf)?))).collect::<Result<_>>()?;
    let tree = SmallTree(leaves);
    for (root, size) in vectors.roots.iter().zip(0..) {
        assert_eq!(hexadecimal(&tree.root(size).0), *root);
    }
    let plain = |hashes: Vec<tlog_tiles::Hash>| hashes.iter().map(|hash| hexadecimal(&hash.0)).collect::<Vec<_>>();
    for vector in vectors.inclusion {
        assert_eq!(plain(prove_record(vector.size, vector.index, &tree)?), vector.hashes);
    }
    for vector in vectors.consistency {
        assert_eq!(plain(prove_tree(vector.to, vector.from, &tree)?), vector.hashes);
    }
    Ok(())
}

#[test]
fn every_proof_of_every_small_tree_holds_and_none_that_was_changed() -> Result {
    let tree = SmallTree((0..70_u8).map(|number| leaf_hash(&[number])).collect());
    for size in 1..=70 {
        let root = tree.root(size);
        for place in 0..size {
            let leaf = tlog_tiles::Hash(tree.0[usize::try_from(place)?]);
            let mut proof = prove_record(size, place, &tree)?;
            check_record(&proof, size, root, place, leaf)?;
            for at in 0..proof.len() {
                proof[at].0[usize::try_from(place)? % 32] ^= 1;
                assert!(check_record(&proof, size, root, place, leaf).is_err());
                proof[at].0[usize::try_from(place)? % 32] ^= 1;
            }
            assert!(check_record(&proof, size, root, (place + 1) % size, leaf).is_err() || size == 1);
            let (before, root_before) = (place + 1, tree.root(place + 1));
            let mut proof = prove_tree(size, before, &tree)?;
            check_tree(&proof, size, root, before, root_before)?;
            for at in 0..proof.len() {
                proof[at].0[31] ^= 128;
                assert!(check_tree(&proof, size, root, before, root_before).is_err());
                proof[at].0[31] ^= 128;
            }
        }
    }
    Ok(())
}
