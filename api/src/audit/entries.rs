use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{
    AccountPrefix, BookedEntry, BookedPosting, EntryFilter, EntryName, EntryQuery, IdempotencyKey, MetadataFact, Order,
    Sequence,
};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::book::BookOnly;
use super::moment::{Asked, dates};
use super::view::View;
use crate::admission::Admitted;
use crate::cursor::{self, faulty_cursor};
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem, kinds};
use crate::wire::amount::AmountBody;
use crate::wire::unit::LotBody;

/// An entry as it was booked.
#[derive(Serialize, ToSchema)]
#[schema(as = Entry)]
pub(super) struct EntryBody {
    /// Its place in the book.
    sequence: i64,
    /// Its id.
    entry: Uuid,
    booked_at: DateTime<Utc>,
    effective_date: NaiveDate,
    kind: String,
    description: Option<String>,
    /// What it was about: a remittance, a project.
    subject: Option<Uuid>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<serde_json::Value>,
    /// The entry that it takes back.
    reverses: Option<i64>,
    /// The entry that took it back.
    reversed_by: Option<i64>,
}

impl EntryBody {
    fn of(entry: BookedEntry, view: &View) -> Self {
        let is_shown = |sequence: &Sequence| view.require_entry(sequence.number()).is_ok();
        Self {
            sequence: entry.sequence.number(),
            entry: entry.entry,
            booked_at: entry.booked_at,
            effective_date: entry.effective_date,
            kind: entry.kind,
            description: entry.description,
            subject: view.subject(entry.subject),
            metadata: view.metadata(entry.metadata),
            reverses: entry.reverses.map(Sequence::number),
            reversed_by: entry.reversed_by.filter(is_shown).map(Sequence::number),
        }
    }
}

/// An entry with its postings.
#[derive(Serialize, ToSchema)]
#[schema(as = WholeEntry)]
pub(super) struct WholeEntryBody {
    entry: EntryBody,
    postings: Vec<PostingBody>,
}

/// A posting, debits positive.
#[derive(Serialize, ToSchema)]
#[schema(as = Posting)]
pub(super) struct PostingBody {
    account: String,
    amount: AmountBody,
    /// The balance that it left.
    balance: AmountBody,
    /// The lots that units are of; left out for money.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lots: Vec<LotBody>,
}

impl PostingBody {
    fn of(posting: BookedPosting, view: &View) -> Self {
        Self {
            account: view.code(&posting.account),
            amount: posting.amount.into(),
            balance: posting.balance.into(),
            lots: posting.lots.into_iter().map(LotBody::from).collect(),
        }
    }
}

/// A page of entries.
#[derive(Serialize, ToSchema)]
#[schema(as = Entries)]
pub(super) struct EntriesBody {
    /// The newest entry that is known.
    sequence: i64,
    entries: Vec<EntryBody>,
    /// The cursor of the next page, where there may be one. A page can be short, or empty, and yet be followed by
    /// another: each looks at a bounded number of entries.
    next: Option<String>,
}

/// In which order entries are listed.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EntryOrder {
    OldestFirst,
    #[default]
    NewestFirst,
}

/// Which entries. All filters must hold.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EntriesPage {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// What they are about, as it appears.
    subject: Option<Uuid>,
    /// What kind of thing happened; only beside another filter.
    #[param(pattern = "^[a-z0-9-]{1,64}$")]
    kind: Option<String>,
    /// Booked on that day or later, in UTC.
    booked_from: Option<NaiveDate>,
    /// Booked on that day or before.
    booked_through: Option<NaiveDate>,
    /// Effective on that day or later.
    effective_from: Option<NaiveDate>,
    /// Effective on that day or before.
    effective_through: Option<NaiveDate>,
    /// With a posting on this account or below it: a code as it appears, or its first segments.
    #[param(max_length = 120, example = "liabilities:payables")]
    account: Option<String>,
    /// A fact of the metadata as `name=value`; for grants that show personal data. A value that reads as a JSON number, true or false is one; a text that
    /// looks like these stands in double quotes.
    #[param(max_length = 400, example = "channel=card")]
    metadata: Option<String>,
    #[param(inline)]
    order: Option<EntryOrder>,
    /// As known after the entry of that sequence; now when left out.
    #[param(minimum = 0)]
    as_of_sequence: Option<i64>,
    /// As known at that time.
    known_at: Option<DateTime<Utc>>,
    /// Waits up to two seconds until the book that is read has come so far.
    #[param(minimum = 0)]
    at_least_sequence: Option<i64>,
    /// Entries at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended; it keeps to what was known then.
    #[param(pattern = "^[0-9]{1,18}[.][0-9]{1,18}$")]
    cursor: Option<String>,
}

fn fact(text: &str, faults: &mut Faults) -> Option<MetadataFact> {
    let Some((name, value)) = text.split_once('=') else {
        faults.add("metadata", "fact", "a fact is written as name=value");
        return None;
    };
    let scalar = serde_json::from_str(value).ok().filter(|value: &serde_json::Value| !value.is_null());
    let value = scalar.unwrap_or_else(|| serde_json::Value::String(value.to_owned()));
    faults.check("metadata", "fact", MetadataFact::try_new(name, value))
}

impl EntriesPage {
    fn filter(&self, view: &View) -> Result<EntryFilter, Problem> {
        let mut faults = Faults::default();
        let kind = self.kind.clone();
        let is_a_word = |kind: &String| {
            (1..=64).contains(&kind.len()) && kind.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        if !kind.as_ref().is_none_or(is_a_word) {
            faults.add("kind", "kind", "a kind has lower-case letters, digits and hyphens");
        }
        let booked = (("booked_from", self.booked_from), ("booked_through", self.booked_through));
        let effective = (("effective_from", self.effective_from), ("effective_through", self.effective_through));
        let accounts = self.account.as_deref();
        let mut filter = EntryFilter {
            subject: self.subject.map(|shown| view.subjects().subject_of(shown)),
            kind,
            booked: dates(booked.0, booked.1, &mut faults),
            effective: dates(effective.0, effective.1, &mut faults),
            accounts: accounts.and_then(|text| faults.check("account", "account-code", AccountPrefix::try_new(text))),
            metadata: self.metadata.as_deref().and_then(|text| fact(text, &mut faults)),
        };
        faults.finish()?;
        if filter.metadata.is_some() {
            view.require_metadata()?;
        }
        filter.booked = view.booked(filter.booked)?;
        filter.accounts = filter.accounts.map(|shown| view.prefix_of(shown)).transpose()?;
        Ok(filter)
    }

    async fn query(&self, view: &View) -> Result<EntryQuery, Problem> {
        let filter = self.filter(view)?;
        let limit = cursor::limit(self.limit)?;
        let mut asked = Asked {
            as_of_sequence: self.as_of_sequence,
            known_at: self.known_at,
            at_least_sequence: self.at_least_sequence,
            ..Asked::default()
        };
        let after = match &self.cursor {
            None => None,
            Some(text) => {
                let parse = || {
                    let (known, after) = text.split_once('.')?;
                    Some((known.parse().ok()?, Sequence::new(after.parse().ok()?)))
                };
                let (known, after) = parse().ok_or_else(faulty_cursor)?;
                asked = Asked { as_of_sequence: Some(known), known_at: None, ..asked };
                Some(after)
            }
        };
        let order = match self.order.unwrap_or_default() {
            EntryOrder::OldestFirst => Order::OldestFirst,
            EntryOrder::NewestFirst => Order::NewestFirst,
        };
        Ok(EntryQuery { filter, known: asked.as_of(view).await?, order, after, limit })
    }
}

/// Entries, the newest first when nothing is said. A filter that no index serves is refused.
#[utoipa::path(tag = "book", security(("token" = [])), params(EntriesPage),
    responses((status = 200, description = "A page", body = EntriesBody), ReadProblems))]
#[get("/entries")]
pub(super) async fn list_entries(
    request: HttpRequest,
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    page: web::Query<EntriesPage>,
) -> Result<HttpResponse, Problem> {
    let view = View::open(&house, &auditor, page.book).await?;
    let found = view.ledger.entries(page.query(&view).await?).await.map_err(|error| view.said(error))?;
    let sequence = found.sequence.number();
    let next = found.next.map(|last| format!("{sequence}.{}", last.number()));
    let entries = found.entries.into_iter().map(|entry| EntryBody::of(entry, &view)).collect();
    Ok(cursor::answer(&request, next.as_deref()).json(EntriesBody { sequence, entries, next }))
}

/// One entry with its postings, by its id or its sequence.
#[utoipa::path(tag = "book", security(("token" = [])),
    params(("entry" = String, Path, description = "An id, or a sequence", example = "1"), BookOnly),
    responses((status = 200, description = "The entry", body = WholeEntryBody), ReadProblems))]
#[get("/entries/{entry}")]
pub(super) async fn read_entry(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    name: web::Path<String>,
    asked: web::Query<BookOnly>,
) -> Result<HttpResponse, Problem> {
    let key = Uuid::parse_str(&name).ok().map(|key| EntryName::Key(IdempotencyKey::from_uuid(key)));
    let sequence = || name.parse().ok().map(|number| EntryName::Sequence(Sequence::new(number)));
    let name = key.or_else(sequence).ok_or_else(|| Problem::new(&kinds::NOT_FOUND, "there is no such entry"))?;
    let view = View::open(&house, &auditor, asked.book).await?;
    let whole = view.entry(name).await?;
    let postings = whole.postings.into_iter().map(|posting| PostingBody::of(posting, &view)).collect();
    Ok(HttpResponse::Ok().json(WholeEntryBody { entry: EntryBody::of(whole.entry, &view), postings }))
}
