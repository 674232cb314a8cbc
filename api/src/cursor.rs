//! Cursors: where a list goes on. Opaque to callers, so that they can change.

use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::problem::{Faults, Problem};

/// Items of a page when nothing is said.
const ORDINARY_LIMIT: i64 = 50;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended, from its `Link` or `next`.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

impl Page {
    pub(crate) const fn new(limit: Option<i64>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The number after which the page begins, for lists in the order of one.
    pub(crate) fn number<T: FromStr + ToString>(&self) -> Result<Option<T>, Problem> {
        let Some(text) = &self.cursor else { return Ok(None) };
        // Written as it is here: not with zeros before it.
        let number = text.parse().ok().filter(|number: &T| number.to_string() == *text);
        number.map(Some).ok_or_else(faulty_cursor)
    }

    pub(crate) fn limit(&self) -> Result<i64, Problem> {
        limit(self.limit)
    }

    pub(crate) fn after<T: From<Uuid>>(&self) -> Result<Option<(DateTime<Utc>, T)>, Problem> {
        self.cursor.as_deref().map(|text| read(text).map(|(time, id)| (time, T::from(id)))).transpose()
    }
}

/// The number of items, if it is within bounds.
pub(crate) fn limit(given: Option<i64>) -> Result<i64, Problem> {
    let limit = given.unwrap_or(ORDINARY_LIMIT);
    if (1..=100).contains(&limit) {
        return Ok(limit);
    }
    let mut faults = Faults::default();
    faults.add("limit", "limit", "a page has 1 to 100 items");
    Err(faults.problem())
}

/// The cursor of the next page: after the last item of a full one. A page that is not full has none.
pub(crate) fn next<T>(found: &[T], limit: i64, place: impl FnOnce(&T) -> String) -> Option<String> {
    let full = i64::try_from(found.len()) == Ok(limit);
    found.last().filter(|_| full).map(place)
}

/// The answer that carries a page, with its `Link` to the next one (RFC 8288).
pub(crate) fn answer(request: &HttpRequest, next: Option<&str>) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header(link(request, next));
    }
    response
}

/// The cursor after an item.
pub(crate) fn write(time: DateTime<Utc>, id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode([&time.timestamp_micros().to_be_bytes()[..], id.as_bytes()].concat())
}

fn read(text: &str) -> Result<(DateTime<Utc>, Uuid), Problem> {
    let parse = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (time, id) = bytes.split_at_checked(8)?;
        let time = DateTime::from_timestamp_micros(i64::from_be_bytes(time.try_into().ok()?))?;
        // A cursor of ours names a time of ours; the database knows no others.
        let time = Some(time).filter(|time| (1970..=9999).contains(&time.year()))?;
        Some((time, Uuid::from_slice(id).ok()?))
    };
    parse().ok_or_else(faulty_cursor)
}

/// The fault of a cursor that is none of ours.
pub(crate) fn faulty_cursor() -> Problem {
    let mut faults = Faults::default();
    faults.add("cursor", "cursor", "take the cursor from the page before, or leave it out");
    faults.problem()
}

fn link(request: &HttpRequest, cursor: &str) -> (&'static str, String) {
    let others = request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: String = others.map(|pair| format!("{pair}&")).collect();
    ("Link", format!("<{}?{query}cursor={cursor}>; rel=\"next\"", request.path()))
}
