//! Idempotency keys: whoever retries with the same key gets the first answer again, and nothing is done twice.
//!
//! What a request makes has an id that is derived from its key, and what it books has a key of the ledger's; so even a
//! request that is carried out a second time, after a crash between its work and its answer, changes nothing more.
//! The table here adds the first answer, and the refusal of a key that comes with another request.

use std::collections::HashSet;
use std::sync::Mutex;

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload};
use chrono::Duration;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::admission::Admit;
use crate::house::House;
use crate::problem::{Problem, kinds};
use crate::schema::idempotency_keys;

const ANSWER: &str = "api.idempotency_keys.answer";
/// How long keys are kept.
pub(crate) const KEPT_FOR: Duration = Duration::days(30);

/// The key of a request, for its documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "read by utoipa; the value comes in by `Key`")]
pub(crate) struct KeyHeader {
    /// A fresh key for each thing to be done, the same for every retry of it.
    #[param(rename = "Idempotency-Key", pattern = "^[!-~]{1,64}$", min_length = 1, max_length = 64)]
    idempotency_key: String,
}

/// The key of a request, with the request that it came with.
pub(crate) struct Key {
    text: String,
    method_and_path: String,
}

impl FromRequest for Key {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get("Idempotency-Key").and_then(|value| value.to_str().ok());
        let key = match header {
            Some(text) if (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self { text: text.to_owned(), method_and_path: format!("{} {}", request.method(), request.uri()) })
            }
            Some(_) => {
                Err(Problem::new(&kinds::KEY_MISSING, "the Idempotency-Key has 1 to 64 visible ASCII characters"))
            }
            None => Err(Problem::new(&kinds::KEY_MISSING, "the header Idempotency-Key is missing")),
        };
        std::future::ready(key)
    }
}

/// Keys whose requests this process is carrying out.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashSet<(Uuid, String)>>);

struct Turn<'a> {
    running: &'a Running,
    of: (Uuid, String),
}

impl Running {
    fn take(&self, subject: Uuid, key: &str) -> Option<Turn<'_>> {
        let of = (subject, key.to_owned());
        let taken = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(of.clone());
        taken.then_some(Turn { running: self, of })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.of);
    }
}

/// What a request answers when it was carried out.
pub(crate) struct Answer {
    status: StatusCode,
    body: serde_json::Value,
}

impl Answer {
    /// Done.
    pub(crate) fn ok(body: impl Serialize) -> Result<Self, Problem> {
        Ok(Self { status: StatusCode::OK, body: serde_json::to_value(body)? })
    }

    /// Made.
    pub(crate) fn created(body: impl Serialize) -> Result<Self, Problem> {
        Ok(Self { status: StatusCode::CREATED, body: serde_json::to_value(body)? })
    }

    fn response(self, replayed: bool) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        response.insert_header(("Cache-Control", "no-store")).json(self.body)
    }
}

/// Carries out a request under its key. The work gets the seed from which the ids of what it makes are derived.
pub(crate) async fn once<T: Admit>(
    house: &House,
    caller: &T,
    key: &Key,
    body_digest: [u8; 32],
    work: impl AsyncFnOnce(Uuid) -> Result<Answer, Problem>,
) -> Result<HttpResponse, Problem> {
    let subject = caller.subject();
    let still_running = || Problem::new(&kinds::STILL_RUNNING, "it will be answered soon").retry_after(1);
    let _turn = house.running.take(subject, &key.text).ok_or_else(still_running)?;
    let place = (T::AUDIENCE.word(), subject, key.text.as_str());
    let mut hasher = Sha256::new();
    hasher.update(key.method_and_path.as_bytes());
    hasher.update(body_digest);
    let fingerprint = hasher.finalize().to_vec();
    if let Some(first) = begin(house, place, &fingerprint).await? {
        return Ok(first.response(true));
    }
    let seed = Uuid::new_v5(&subject, format!("{}/{}", T::AUDIENCE.word(), key.text).as_bytes());
    let answered = work(seed).await;
    match &answered {
        Ok(answer) => finish(house, place, answer).await?,
        // What failed on our side may have been carried out: the key stays with this request.
        Err(problem) if problem.status().is_server_error() => {}
        Err(_) => forget(house, place).await?,
    }
    answered.map(|answer| answer.response(false))
}

type Place<'a> = (&'static str, Uuid, &'a str);

async fn begin(house: &House, place: Place<'_>, fingerprint: &[u8]) -> Result<Option<Answer>, Problem> {
    let mut connection = house.database.connection().await?;
    let inserted = diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::audience.eq(place.0),
            idempotency_keys::subject.eq(place.1),
            idempotency_keys::key.eq(place.2),
            idempotency_keys::fingerprint.eq(fingerprint),
            idempotency_keys::started_at.eq(house.clock.now()),
        ))
        .on_conflict_do_nothing()
        .execute(&mut connection)
        .await?;
    if inserted == 1 {
        return Ok(None);
    }
    type Row = (Vec<u8>, Option<i16>, Option<Vec<u8>>);
    let row: Option<Row> = idempotency_keys::table
        .find(place)
        .select((idempotency_keys::fingerprint, idempotency_keys::status, idempotency_keys::sealed_answer))
        .first(&mut connection)
        .await
        .optional()?;
    let Some((known, status, sealed)) = row else { return Ok(None) };
    if known != fingerprint {
        return Err(Problem::new(&kinds::KEY_REUSED, "this key came with another request before"));
    }
    let (Some(status), Some(sealed)) = (status, sealed) else { return Ok(None) };
    let body = serde_json::from_str(&house.cipher.decrypt(ANSWER, &sealed)?)?;
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    Ok(Some(Answer { status: status.unwrap_or(StatusCode::OK), body }))
}

async fn finish(house: &House, place: Place<'_>, answer: &Answer) -> Result<(), Problem> {
    let sealed = house.cipher.encrypt(ANSWER, &answer.body.to_string());
    let mut connection = house.database.connection().await?;
    diesel::update(idempotency_keys::table.find(place))
        .set((
            idempotency_keys::status.eq(i16::try_from(answer.status.as_u16()).unwrap_or(200)),
            idempotency_keys::sealed_answer.eq(sealed),
        ))
        .execute(&mut connection)
        .await?;
    Ok(())
}

async fn forget(house: &House, place: Place<'_>) -> Result<(), Problem> {
    let mut connection = house.database.connection().await?;
    diesel::delete(idempotency_keys::table.find(place)).execute(&mut connection).await?;
    Ok(())
}

/// Removes keys that were kept long enough; answers how many.
pub(crate) async fn forget_old(house: &House) -> Result<usize, Problem> {
    let mut connection = house.database.connection().await?;
    let old = idempotency_keys::started_at.lt(house.clock.now() - KEPT_FOR);
    Ok(diesel::delete(idempotency_keys::table.filter(old)).execute(&mut connection).await?)
}
