//! Committed entries in order: in pages, and as server-sent events that go on as entries come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::{Stream, StreamExt, stream};
use ledger::{FeedEntry, MAX_FEED_ENTRIES, Sequence};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admission::{Admit, Admitted};
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem, kinds};
use crate::wire::amount::AmountBody;

/// Entries of a page when nothing is said.
const ORDINARY_LIMIT: i64 = 100;
/// How often a waiting stream says that it lives. Writing is how it is noticed that the client has gone.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Streams that one grant may have open.
const MAX_STREAMS_OF_ONE: usize = 4;
/// Streams that may be open in all.
const MAX_STREAMS: usize = 200;
/// When somebody who was refused a stream ought to try again.
const RETRY_AFTER_SECONDS: u32 = 10;

/// Which page of the feed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
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

/// A server-sent event.
#[derive(ToSchema)]
#[schema(as = EntryEvent)]
pub(super) struct EventBody {
    /// The entry's sequence.
    #[schema(pattern = "^[0-9]+$")]
    id: String,
    /// The entry, as JSON.
    data: String,
    #[schema(pattern = "^entry$")]
    event: &'static str,
}

impl EventBody {
    fn text(&self) -> String {
        let Self { id, data, event } = self;
        format!("id: {id}\nevent: {event}\ndata: {data}\n\n")
    }
}

/// Entries in order.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedPage)]
pub(super) struct PageBody {
    items: Vec<EntryBody>,
    /// What `after` is for the next page; there is one while it is less than `head`.
    next: i64,
    /// The newest entry of the book.
    head: i64,
}

impl From<FeedEntry> for EntryBody {
    fn from(entry: FeedEntry) -> Self {
        let posting = |posting: ledger::FeedPosting| PostingBody {
            account: posting.account.to_string(),
            amount: posting.amount.into(),
            balance: posting.balance.into(),
        };
        let hold_change = |change: ledger::FeedHoldChange| HoldChangeBody {
            hold: change.hold,
            account: change.account.to_string(),
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
            subject: entry.subject,
            metadata: entry.metadata,
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
    _auditor: Admitted<Auditor>,
    place: web::Query<Place>,
) -> Result<HttpResponse, Problem> {
    let limit = place.limit.unwrap_or(ORDINARY_LIMIT);
    if !(1..=MAX_FEED_ENTRIES).contains(&limit) {
        let mut faults = Faults::default();
        faults.add("limit", "limit", format!("a page has 1 to {MAX_FEED_ENTRIES} entries"));
        return Err(faults.problem());
    }
    let after = Sequence::new(place.after.unwrap_or(0));
    let page = house.feed.page(after, limit).await.map_err(at_place)?;
    let next = page.entries.last().map_or(after, |entry| entry.sequence).number();
    let items = page.entries.into_iter().map(EntryBody::from).collect();
    Ok(HttpResponse::Ok().json(PageBody { items, next, head: page.head.number() }))
}

/// Committed entries as server-sent events: those there are, then those to come.
///
/// Each event has the sequence as its id and the entry as its data. Whoever connects again sends the last id in
/// Last-Event-ID and misses nothing. A stream ends when its time is over, when the server stops, or at a failure.
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
    let after = Sequence::new(last_event(&request)?.or(start.after).unwrap_or(0));
    let open = house.streams.open(auditor.subject())?;
    // What is wrong with the place is told before the answer starts.
    house.feed.page(after, 1).await.map_err(at_place)?;
    let events = events(house.feed.follow(after), open, Instant::now() + Duration::from_secs(lasts));
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Proxies such as nginx would keep events until a buffer is full.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(events)))
}

fn last_event(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get("Last-Event-ID") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        let mut faults = Faults::default();
        faults.add("Last-Event-ID", "sequence", "send the id of the last event that came, or leave it out");
        faults.problem()
    })
}

fn at_place(error: ledger::Error) -> Problem {
    if !matches!(error, ledger::Error::SequenceAhead { .. }) {
        return error.into();
    }
    let mut faults = Faults::default();
    faults.add("after", "sequence-ahead", error.to_string());
    faults.problem()
}

type Piece = Result<web::Bytes, actix_web::Error>;

/// The events' text, piece by piece as the client takes it.
fn events(
    pages: impl Stream<Item = Result<Vec<FeedEntry>, ledger::Error>>,
    open: OpenStream,
    until: Instant,
) -> impl Stream<Item = Piece> {
    let first = stream::once(std::future::ready(Ok(web::Bytes::from_static(b"retry: 1000\n\n"))));
    let rest = stream::unfold((Box::pin(pages), open), move |(mut pages, open)| async move {
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        let piece = match timeout(left.min(HEARTBEAT), pages.next()).await {
            Err(_) => web::Bytes::from_static(b": waiting\n\n"),
            Ok(Some(Ok(page))) => text(page)?,
            Ok(Some(Err(error))) => {
                tracing::warn!(%error, "a feed was cut off");
                return None;
            }
            Ok(None) => return None,
        };
        Some((Ok(piece), (pages, open)))
    });
    first.chain(rest)
}

fn text(page: Vec<FeedEntry>) -> Option<web::Bytes> {
    let mut text = String::new();
    for entry in page {
        let id = entry.sequence.number().to_string();
        let data = serde_json::to_string(&EntryBody::from(entry)).ok()?;
        text.push_str(&EventBody { id, data, event: "entry" }.text());
    }
    Some(text.into())
}

/// How many streams each grant has open.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<Uuid, usize>>>);

/// An open stream; makes room when it is dropped.
struct OpenStream {
    streams: Streams,
    of: Uuid,
}

impl Streams {
    fn open(&self, of: Uuid) -> Result<OpenStream, Problem> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.get(&of).copied().unwrap_or(0);
        let full = |most| {
            let detail = format!("at most {most} streams are open at once");
            Err(Problem::new(&kinds::TOO_MANY_REQUESTS, detail).retry_after(RETRY_AFTER_SECONDS))
        };
        if own >= MAX_STREAMS_OF_ONE {
            return full(MAX_STREAMS_OF_ONE);
        }
        if open.values().sum::<usize>() >= MAX_STREAMS {
            return full(MAX_STREAMS);
        }
        open.insert(of, own + 1);
        Ok(OpenStream { streams: self.clone(), of })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.of) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.remove(&self.of);
            }
        }
    }
}
