//! Feeds that are followed as server-sent events: what is there, then what comes, for as long as whoever follows may.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{Stream, StreamExt, stream};
use ledger::FeedEntry;
use serde::Serialize;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::{Faults, Problem, kinds};

/// How often a waiting stream says that it lives. Writing is how it is noticed that the client has gone.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often it is looked whether whoever follows may still do so.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Streams that one grant or institution may have open.
const MAX_STREAMS_OF_ONE: usize = 4;
/// Streams that may be open in all, on one surface.
const MAX_STREAMS: usize = 200;
/// When somebody who was refused a stream ought to try again.
const RETRY_AFTER_SECONDS: u32 = 10;

/// A server-sent event.
#[derive(ToSchema)]
#[schema(as = EntryEvent)]
pub(crate) struct EventBody {
    /// The entry's sequence.
    #[schema(pattern = "^[0-9]+$")]
    id: String,
    /// The entry, as JSON.
    data: String,
    #[schema(pattern = "^entry$")]
    event: &'static str,
}

impl EventBody {
    /// The event that an entry is; none when it cannot be written.
    pub(crate) fn of(sequence: i64, entry: &impl Serialize) -> Option<Self> {
        let data = serde_json::to_string(entry).ok()?;
        Some(Self { id: sequence.to_string(), data, event: "entry" })
    }

    fn text(&self) -> String {
        let Self { id, data, event } = self;
        format!("id: {id}\nevent: {event}\ndata: {data}\n\n")
    }
}

/// The sequence of the last event that came, as who connects again says it.
pub(crate) fn last_event(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get("Last-Event-ID") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| {
        let mut faults = Faults::default();
        faults.add("Last-Event-ID", "sequence", "send the id of the last event that came, or leave it out");
        faults.problem()
    })
}

type Pages = Pin<Box<dyn Stream<Item = Result<Vec<FeedEntry>, ledger::Error>>>>;

struct Following<P, A> {
    pages: Pages,
    print: P,
    may_go_on: A,
    until: Instant,
    looked: Instant,
    is_over: bool,
    _open: OpenStream,
}

/// The answer that brings the entries, piece by piece as the client takes them.
///
/// It ends when its time is over, at a failure, at the first entry that is not printed, and within seconds after
/// whoever follows may no more.
pub(crate) fn answer(
    pages: impl Stream<Item = Result<Vec<FeedEntry>, ledger::Error>> + 'static,
    open: OpenStream,
    lasts: Duration,
    print: impl Fn(FeedEntry) -> Option<EventBody> + 'static,
    may_go_on: impl AsyncFn() -> bool + 'static,
) -> HttpResponse {
    let now = Instant::now();
    let following = Following {
        pages: Box::pin(pages),
        print,
        may_go_on,
        until: now + lasts,
        looked: now,
        is_over: false,
        _open: open,
    };
    let first = stream::once(std::future::ready(web::Bytes::from_static(b"retry: 1000\n\n")));
    let rest = stream::unfold(following, async |mut following| Some((following.next().await?, following)));
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Proxies such as nginx would keep events until a buffer is full.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(first.chain(rest).map(Ok::<_, actix_web::Error>)))
}

impl<P: Fn(FeedEntry) -> Option<EventBody>, A: AsyncFn() -> bool> Following<P, A> {
    /// The text of the next events, or a sign of life; none at the end.
    async fn next(&mut self) -> Option<web::Bytes> {
        if self.is_over {
            return None;
        }
        if self.looked.elapsed() >= LOOK_EVERY {
            if !(self.may_go_on)().await {
                return None;
            }
            self.looked = Instant::now();
        }
        let left = self.until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        match timeout(left.min(HEARTBEAT), self.pages.next()).await {
            Err(_) => Some(web::Bytes::from_static(b": waiting\n\n")),
            Ok(Some(Ok(page))) => Some(self.text(page)),
            Ok(Some(Err(error))) => {
                tracing::warn!(%error, "a feed was cut off");
                None
            }
            Ok(None) => None,
        }
    }

    fn text(&mut self, page: Vec<FeedEntry>) -> web::Bytes {
        let mut text = String::new();
        for entry in page {
            match (self.print)(entry) {
                Some(event) => text.push_str(&event.text()),
                None => {
                    self.is_over = true;
                    break;
                }
            }
        }
        text.into()
    }
}

/// How many streams each grant or institution has open.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<Uuid, usize>>>);

/// An open stream; makes room when it is dropped.
pub(crate) struct OpenStream {
    streams: Streams,
    of: Uuid,
}

impl Streams {
    pub(crate) fn open(&self, of: Uuid) -> Result<OpenStream, Problem> {
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
