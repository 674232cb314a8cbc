//! Committed entries on an institution's own accounts: in pages, and as server-sent events that go on as they come.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{AccountCode, BookId, FeedEntry, Sequence};
use onboarding::Institution;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admission::{Admit, Admitted};
use crate::cursor;
use crate::following::{self, EventBody};
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem};
use crate::wire::amount::AmountBody;

/// The families of accounts that are an institution's own, by its code: what we owe to it, and what of ours it holds.
const OWN_ACCOUNTS: [&str; 2] = ["liabilities:payables", "assets:prefunding"];

/// Which page of the feed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
    /// After the entry of that sequence; from the first one when left out.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// Entries at most.
    #[param(minimum = 1, maximum = 100)]
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

/// An amount on an account of the institution.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnPosting)]
pub(super) struct PostingBody {
    account: String,
    /// Debits positive: what we owe falls by a positive amount.
    amount: AmountBody,
    /// What the account held after it, debits positive.
    balance: AmountBody,
}

/// A committed entry, as far as it is the institution's.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnEntry)]
pub(super) struct EntryBody {
    /// Its place in the book. Those of entries that concern others are left out, so there are gaps.
    sequence: i64,
    id: Uuid,
    booked_at: DateTime<Utc>,
    effective_date: NaiveDate,
    kind: String,
    /// What it is about: a payout, a project.
    subject: Option<Uuid>,
    /// The sequence of the entry that it takes back.
    reverses: Option<i64>,
    /// Those on the institution's own accounts.
    postings: Vec<PostingBody>,
}

impl From<FeedEntry> for EntryBody {
    fn from(entry: FeedEntry) -> Self {
        let posting = |posting: ledger::FeedPosting| PostingBody {
            account: posting.account.to_string(),
            amount: posting.amount.into(),
            balance: posting.balance.into(),
        };
        Self {
            sequence: entry.sequence.number(),
            id: entry.entry,
            booked_at: entry.booked_at,
            effective_date: entry.effective_date,
            kind: entry.kind,
            subject: entry.subject,
            reverses: entry.reverses.map(Sequence::number),
            postings: entry.postings.into_iter().map(posting).collect(),
        }
    }
}

/// Entries in order.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnFeedPage)]
pub(super) struct PageBody {
    items: Vec<EntryBody>,
    /// What `after` is for the next page, and for whoever goes on later.
    next: i64,
    /// Whether there is more already.
    more: bool,
}

fn own_accounts(institution: &Institution) -> Result<Vec<AccountCode>, Problem> {
    let account = |family| AccountCode::held_by(family, institution.code().as_str());
    OWN_ACCOUNTS.into_iter().map(account).collect::<Result<_, _>>().map_err(|error| Problem::internal(&error))
}

/// The place that is asked for. One that the book has not reached is none that is refused: that would say how far it is.
fn place(after: Option<i64>) -> Result<Sequence, Problem> {
    let after = after.unwrap_or(0);
    if after < 0 {
        let mut faults = Faults::default();
        faults.add("after", "sequence", "a sequence is zero or above");
        return Err(faults.problem());
    }
    Ok(Sequence::new(after))
}

/// Committed entries that touch the institution's own accounts, the oldest first, with its own postings alone.
#[utoipa::path(tag = "feed", security(("token" = [])), params(Place),
    responses((status = 200, description = "A page", body = PageBody), ReadProblems))]
#[get("/feed")]
pub(super) async fn list_own_entries(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    place: web::Query<Place>,
) -> Result<HttpResponse, Problem> {
    let limit = cursor::limit(place.limit)?;
    let after = self::place(place.after)?;
    let own = own_accounts(&institution)?;
    let page = house.feed(BookId::FIRST)?.own_page(&own, after, limit).await?;
    let next = page.entries.last().map_or(after, |entry| entry.sequence).number();
    let items = page.entries.into_iter().map(EntryBody::from).collect();
    Ok(HttpResponse::Ok().json(PageBody { items, next, more: page.goes_on }))
}

/// The same entries as server-sent events: those there are, then those to come.
///
/// Each event has the sequence as its id and the entry as its data. Whoever connects again sends the last id in
/// Last-Event-ID and misses nothing. A stream ends when its time is over, when the institution is suspended or its last
/// credential is revoked, when the server stops, or at a failure.
#[utoipa::path(tag = "feed", security(("token" = [])),
    params(Start, ("Last-Event-ID" = Option<i64>, Header, description = "The sequence of the last event that came")),
    responses((status = 200, description = "Events", body = EventBody, content_type = "text/event-stream"), ReadProblems))]
#[get("/feed/stream")]
pub(super) async fn follow_own_entries(
    request: HttpRequest,
    house: web::Data<House>,
    institution: Admitted<Institution>,
    start: web::Query<Start>,
) -> Result<HttpResponse, Problem> {
    let lifetime = u64::from(house.configuration.settings.tokens.lifetime_minutes) * 60;
    let lasts = start.for_seconds.map_or(lifetime, |seconds| seconds.min(lifetime));
    let after = place(following::last_event(&request)?.or(start.after))?;
    let own = own_accounts(&institution)?;
    let open = house.partner_streams.open(institution.subject())?;
    let feed = house.feed(BookId::FIRST)?;
    let pages = feed.follow_own(own, after);
    let print = |entry: FeedEntry| EventBody::of(entry.sequence.number(), &EntryBody::from(entry));
    let id = institution.id();
    let may_go_on = async move || house.access.recognise_institution(id).await.is_ok();
    Ok(following::answer(pages, open, Duration::from_secs(lasts), print, may_go_on))
}
