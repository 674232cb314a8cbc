//! What the clients were told against what the database holds, in both directions.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::Jsonb;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tests::Result;
use uuid::Uuid;

use crate::client::id;
use crate::journal::{Ask, Journal};

#[derive(Deserialize)]
struct Remittance {
    id: Uuid,
    reference: String,
    quote: Uuid,
    state: String,
    steps: Vec<String>,
}

#[derive(Deserialize)]
struct Transfer {
    id: Uuid,
    state: String,
    attempts: i16,
}

#[derive(Deserialize)]
struct PayIn {
    id: Uuid,
    state: String,
    remittance: Option<Uuid>,
}

const REMITTANCES: &str = "select jsonb_build_object(
        'id', m.remittance_id,
        'reference', m.reference,
        'quote', m.quote_id,
        'state', m.state,
        'steps', (
            select jsonb_agg(h.state order by h.ordinal)
            from remittance.remittance_history h
            where h.remittance_id = m.remittance_id
        )
    ) as row
    from remittance.remittances m";
const PAY_INS: &str = "select jsonb_build_object('id', pay_in_id, 'state', state, 'remittance', remittance_id) as row
    from remittance.pay_ins";
const TRANSFERS: &str = "select jsonb_build_object('id', transfer_id, 'state', state, 'attempts', attempts) as row
    from ledger.transfers";
const QUOTES: &str = "select to_jsonb(quote_id) as row from remittance.quotes";
/// Those of the load; the preparation had its own.
const KEYS: &str = "select to_jsonb(key) as row from api.idempotency_keys where key like 'client-%'";
const OPEN_KEYS: &str = "select to_jsonb(key) as row from api.idempotency_keys where status is null";

/// What was told, by what it was told of.
#[derive(Default)]
struct Told {
    quotes: BTreeSet<Uuid>,
    accepted: BTreeMap<Uuid, Value>,
    pay_ins: BTreeMap<Uuid, Value>,
    claimed: BTreeSet<Uuid>,
    ready: BTreeSet<Uuid>,
    /// Made ready without an answer, paid by somebody else, and refused when it was sent again.
    ready_in_doubt: BTreeSet<Uuid>,
    confirmed: BTreeSet<Uuid>,
    rejected: BTreeSet<Uuid>,
    cancelled: BTreeSet<Uuid>,
    proposals: BTreeSet<Uuid>,
    /// Under the ids of the proposals that were approved.
    transfers: BTreeSet<Uuid>,
    keys: BTreeSet<String>,
    /// Keys that nobody asks for any more: there may be a transfer under each of them.
    abandoned: BTreeSet<String>,
}

impl Told {
    fn by<'a>(journals: impl Iterator<Item = &'a Journal>) -> Result<Self> {
        let mut told = Self::default();
        for journal in journals {
            told.add(journal)?;
        }
        Ok(told)
    }

    fn add(&mut self, journal: &Journal) -> Result {
        let told = self;
        for (request, _) in &journal.refused {
            if let (Ask::Ready(of), true) = (request.ask, journal.doubtful.contains(&request.key)) {
                told.ready_in_doubt.insert(of);
            }
        }
        told.abandoned.extend(journal.abandoned.iter().cloned());
        for (request, answer) in &journal.acknowledged {
            let body = &answer.body;
            assert!(told.keys.insert(request.key.clone()), "{} was answered twice", request.key);
            match request.ask {
                Ask::Quote => assert!(told.quotes.insert(id(body)?), "two keys made one quote: {body}"),
                Ask::Accept => {
                    let before = told.accepted.insert(id(body)?, body.clone());
                    assert!(before.is_none(), "two keys made one remittance: {body}");
                }
                Ask::PayIn => {
                    let before = told.pay_ins.insert(id(body)?, body.clone());
                    assert!(before.is_none_or(|before| before == *body), "a pay-in was told in two ways: {body}");
                }
                Ask::Claim => {
                    for payout in body.as_array().ok_or("a claim answers a list")? {
                        assert!(told.claimed.insert(id(payout)?), "handed out twice: {payout}");
                    }
                }
                Ask::Ready(of) => drop(told.ready.insert(of)),
                Ask::Confirm(of) => drop(told.confirmed.insert(of)),
                Ask::Reject(of) => drop(told.rejected.insert(of)),
                Ask::Cancel(of) => drop(told.cancelled.insert(of)),
                Ask::Propose => assert!(told.proposals.insert(id(body)?), "two keys made one proposal: {body}"),
                Ask::Transfer => {
                    assert_eq!(body["state"], "carried-out", "{body}");
                    assert!(told.transfers.insert(id(body)?), "two keys made one transfer: {body}");
                }
            }
        }
        Ok(())
    }
}

/// Checks that all that was acknowledged is there, and that nothing is there that was not acknowledged.
pub async fn check<'a>(owner: &mut AsyncPgConnection, journals: impl Iterator<Item = &'a Journal>) -> Result {
    let told = Told::by(journals)?;
    let quotes: BTreeSet<Uuid> = rows(owner, QUOTES).await?.into_iter().collect();
    same("quotes", &quotes, &told.quotes);
    let keys: BTreeSet<String> = rows(owner, KEYS).await?.into_iter().collect();
    same("keys", &keys.difference(&told.abandoned).cloned().collect(), &told.keys);
    let open: BTreeSet<String> = rows(owner, OPEN_KEYS).await?.into_iter().collect();
    assert!(open.is_subset(&told.abandoned), "keys without an answer: {:?}", open.difference(&told.abandoned));
    check_pay_ins(&told, rows(owner, PAY_INS).await?);
    check_transfers(&told, &rows(owner, TRANSFERS).await?);
    check_remittances(&told, &rows(owner, REMITTANCES).await?);
    Ok(())
}

fn check_pay_ins(told: &Told, kept: Vec<PayIn>) {
    same("pay-ins", &kept.iter().map(|pay_in| pay_in.id).collect(), &told.pay_ins.keys().copied().collect());
    for pay_in in kept {
        let body = &told.pay_ins[&pay_in.id];
        assert_eq!(body["state"], pay_in.state, "{body}");
        assert_eq!(body["remittance"], serde_json::json!(pay_in.remittance), "{body}");
    }
}

/// What was approved is there, and nothing that nobody proposed and approved.
fn check_transfers(told: &Told, kept: &[Transfer]) {
    let known: BTreeSet<Uuid> = kept.iter().map(|transfer| transfer.id).collect();
    let lost: Vec<_> = told.transfers.difference(&known).collect();
    assert!(lost.is_empty(), "transfers that were acknowledged and are missing: {lost:?}");
    let untold = known.len() - told.transfers.len();
    assert!(untold <= told.abandoned.len(), "{untold} transfers that nobody approved");
    assert!(known.is_subset(&told.proposals), "transfers that nobody proposed");
    let mut ends = BTreeMap::<&str, usize>::new();
    for transfer in kept {
        *ends.entry(&transfer.state).or_default() += 1;
    }
    let recovered = kept.iter().filter(|transfer| transfer.attempts > 0).count();
    let abandoned = told.abandoned.len();
    eprintln!(
        "{} transfers between the books: {ends:?}; {abandoned} were abandoned, {untold} of them are there, {recovered} \
         were taken up by recovery",
        kept.len()
    );
    assert!(["arrived", "returned"].iter().all(|state| ends.contains_key(state)), "{ends:?}");
}

fn check_remittances(told: &Told, kept: &[Remittance]) {
    let all = |fits: &dyn Fn(&Remittance) -> bool| -> BTreeSet<Uuid> {
        kept.iter().filter(|remittance| fits(remittance)).map(|remittance| remittance.id).collect()
    };
    let came_into = |state: &str| all(&|remittance| remittance.steps.iter().any(|step| step == state));
    let stays = |state: &str| all(&|remittance| remittance.state == state);
    same("remittances", &all(&|_| true), &told.accepted.keys().copied().collect());
    for remittance in kept {
        let body = &told.accepted[&remittance.id];
        assert_eq!(body["reference"], remittance.reference, "{body}");
        assert!(told.quotes.contains(&remittance.quote), "{} has a quote that nobody was told of", remittance.id);
    }
    let matched = told.pay_ins.values().filter_map(|body| body["remittance"].as_str()?.parse().ok()).collect();
    same("funded", &came_into("funded"), &matched);
    let ready = came_into("ready-for-pickup");
    let in_doubt = told.ready_in_doubt.intersection(&ready);
    same("ready", &ready, &told.ready.iter().chain(in_doubt).copied().collect());
    same("paid out", &stays("paid-out"), &told.confirmed);
    same("refunded", &stays("refunded"), &told.rejected);
    same("cancelled", &stays("cancelled"), &told.cancelled);
    // A claim whose answer was lost is not told again; its payouts are in the institution's list.
    let submitted = came_into("submitted");
    let lost: BTreeSet<_> = told.claimed.difference(&submitted).collect();
    assert!(lost.is_empty(), "handed out and forgotten: {lost:?}");
    eprintln!(
        "{} remittances: {} paid out, {} refunded, {} cancelled; {} handed out, {} of them by an answer that was lost",
        kept.len(),
        told.confirmed.len(),
        told.rejected.len(),
        told.cancelled.len(),
        submitted.len(),
        submitted.len() - told.claimed.len(),
    );
    let each = [&told.ready, &told.confirmed, &told.rejected, &told.cancelled];
    assert!(each.iter().all(|some| !some.is_empty()), "the load did not do everything");
}

fn same<T: Ord + std::fmt::Debug>(what: &str, kept: &BTreeSet<T>, told: &BTreeSet<T>) {
    let missing: Vec<&T> = told.difference(kept).collect();
    let untold: Vec<&T> = kept.difference(told).collect();
    assert!(missing.is_empty(), "{what} that were acknowledged and are missing: {missing:?}");
    assert!(untold.is_empty(), "{what} that were never acknowledged and are there: {untold:?}");
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Jsonb)]
    row: Value,
}

async fn rows<T: DeserializeOwned>(owner: &mut AsyncPgConnection, query: &str) -> Result<Vec<T>> {
    let rows: Vec<Row> = diesel::sql_query(query).load(owner).await?;
    Ok(rows.into_iter().map(|row| serde_json::from_value(row.row)).collect::<std::result::Result<_, _>>()?)
}
