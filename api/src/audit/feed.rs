//! Committed entries in order: in pages, and as server-sent events that go on as entries come.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{FeedEntry, MAX_FEED_ENTRIES, Sequence};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::{View, ahead};
use crate::admission::{Admit, Admitted};
use crate::following::{self, EventBody};
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem};
use crate::wire::amount::AmountBody;
use crate::wire::unit::LotBody;

/// Entries of a page when nothing is said.
const ORDINARY_LIMIT: i64 = 100;

/// Which page of the feed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// After the entry of that sequence; from the first one when left out.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// Entries at most; 100 when left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// Where a stream starts, and how long it lasts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Start {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// After the entry of that sequence; from the first one when left out. The header Last-Event-ID goes before it.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// End after so many seconds; as long as a token is good when left out, and at most.
    #[param(minimum = 1, maximum = 3600)]
    for_seconds: Option<u64>,
}

/// An amount on an account.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedPosting)]
pub(super) struct PostingBody {
    account: String,
    /// Debits positive.
    amount: AmountBody,
    /// What the account held after it, debits positive.
    balance: AmountBody,
    /// The lots that units are of; left out for money.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lots: Vec<LotBody>,
}

/// What happened to a hold.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedHoldChange)]
pub(super) struct HoldChangeBody {
    hold: Uuid,
    account: String,
    /// placed, posted, released or expired.
    change: String,
    amount: AmountBody,
}

/// A committed entry.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedEntry)]
pub(super) struct EntryBody {
    /// Its place in the book: 1, 2, 3, … without gaps.
    sequence: i64,
    id: Uuid,
    booked_at: DateTime<Utc>,
    effective_date: NaiveDate,
    kind: String,
    description: Option<String>,
    /// What it is about: a remittance, a project.
    subject: Option<Uuid>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<serde_json::Value>,
    /// The sequence of the entry that it takes back.
    reverses: Option<i64>,
    postings: Vec<PostingBody>,
    hold_changes: Vec<HoldChangeBody>,
}

/// Entries in order.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedPage)]
pub(super) struct PageBody {
    items: Vec<EntryBody>,
    /// What `after` is for the next page; there is one while it is less than `head`.
    next: i64,
    /// The newest entry of the book that the grant shows.
    head: i64,
}

impl EntryBody {
    fn of(entry: FeedEntry, view: &View) -> Self {
        let posting = |posting: ledger::FeedPosting| PostingBody {
            account: view.code(&posting.account),
            amount: posting.amount.into(),
            balance: posting.balance.into(),
            lots: posting.lots.into_iter().map(LotBody::from).collect(),
        };
        let hold_change = |change: ledger::FeedHoldChange| HoldChangeBody {
            hold: change.hold,
            account: view.code(&change.account),
            change: change.change,
            amount: change.amount.into(),
        };
        Self {
            sequence: entry.sequence.number(),
            id: entry.entry,
            booked_at: entry.booked_at,
            effective_date: entry.effective_date,
            kind: entry.kind,
            description: entry.description,
            subject: view.subject(entry.subject),
            metadata: view.metadata(entry.metadata),
            reverses: entry.reverses.map(Sequence::number),
            postings: entry.postings.into_iter().map(posting).collect(),
            hold_changes: entry.hold_changes.into_iter().map(hold_change).collect(),
        }
    }
}

/// Committed entries, the oldest first.
#[utoipa::path(tag = "feed", security(("token" = [])), params(Place),
    responses((status = 200, description = "A page", body = PageBody), ReadProblems))]
#[get("/feed")]
pub(super) async fn list_feed(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    place: web::Query<Place>,
) -> Result<HttpResponse, Problem> {
    let limit = place.limit.unwrap_or(ORDINARY_LIMIT);
    if !(1..=MAX_FEED_ENTRIES).contains(&limit) {
        let mut faults = Faults::default();
        faults.add("limit", "limit", format!("a page has 1 to {MAX_FEED_ENTRIES} entries"));
        return Err(faults.problem());
    }
    let view = View::open(&house, &auditor, place.book).await?;
    let after = view.place(place.after).await?;
    let mut page = house.feed(view.ledger.book())?.page(after, limit).await.map_err(ahead("after"))?;
    let head = view.window().map_or(page.head.number(), |window| window.through);
    page.entries.retain(|entry| entry.sequence.number() <= head);
    let next = page.entries.last().map_or(after, |entry| entry.sequence).number();
    let items = page.entries.into_iter().map(|entry| EntryBody::of(entry, &view)).collect();
    Ok(HttpResponse::Ok().json(PageBody { items, next, head }))
}

/// Committed entries as server-sent events: those there are, then those to come.
///
/// Each event has the sequence as its id and the entry as its data. Whoever connects again sends the last id in
/// Last-Event-ID and misses nothing. A stream ends when its time is over, when the grant ends or is revoked or its days
/// are over, when the server stops, or at a failure.
#[utoipa::path(tag = "feed", security(("token" = [])),
    params(Start, ("Last-Event-ID" = Option<i64>, Header, description = "The sequence of the last event that came")),
    responses((status = 200, description = "Events", body = EventBody, content_type = "text/event-stream"), ReadProblems))]
#[get("/feed/stream")]
pub(super) async fn follow_entries(
    request: HttpRequest,
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    start: web::Query<Start>,
) -> Result<HttpResponse, Problem> {
    let lifetime = u64::from(house.configuration.settings.tokens.lifetime_minutes) * 60;
    let lasts = start.for_seconds.map_or(lifetime, |seconds| seconds.min(lifetime));
    let view = View::open(&house, &auditor, start.book).await?;
    let after = view.place(following::last_event(&request)?.or(start.after)).await?;
    let open = house.streams.open(auditor.subject())?;
    let feed = house.feed(view.ledger.book())?;
    // What is wrong with the place is told before the answer starts.
    feed.page(after, 1).await.map_err(ahead("after"))?;
    let pages = feed.follow(after);
    let print = move |entry: FeedEntry| {
        let sequence = entry.sequence.number();
        let is_shown = view.shows_day(entry.booked_at.date_naive());
        is_shown.then(|| EventBody::of(sequence, &EntryBody::of(entry, &view))).flatten()
    };
    let grant = auditor.grant();
    let may_go_on = async move || house.access.recognise_auditor(grant).await.is_ok();
    Ok(following::answer(pages, open, Duration::from_secs(lasts), print, may_go_on))
}
