//! Bodies: read whole, within bounds, into a type; every fault says where it is.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::problem::{Fault, Problem, kinds};

/// The largest body of a request.
pub(crate) const LARGEST_BODY: usize = 256 << 10;

/// A JSON body, read, with the digest of its bytes.
pub(crate) struct Body<T> {
    pub(crate) value: T,
    pub(crate) digest: [u8; 32],
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_of_type(request, "application/json");
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_json {
                return Err(Problem::new(&kinds::MEDIA_TYPE, "the body is read as application/json"));
            }
            let bytes = bytes.await.map_err(|error| unread(&error))?;
            let digest = Sha256::digest(&bytes).into();
            Ok(Self { value: parse(&bytes)?, digest })
        })
    }
}

/// A JSON body that may be left out, or be null; its digest is then that of requests without a body.
pub(crate) struct OptionalBody<T> {
    pub(crate) value: Option<T>,
    pub(crate) digest: [u8; 32],
}

impl<T: DeserializeOwned + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_of_type(request, "application/json");
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| unread(&error))?;
            if !is_json && !bytes.is_empty() {
                return Err(Problem::new(&kinds::MEDIA_TYPE, "the body is read as application/json"));
            }
            let value: Option<T> = if bytes.is_empty() { None } else { parse(&bytes)? };
            let digest = if value.is_some() { Sha256::digest(&bytes).into() } else { [0; 32] };
            Ok(Self { value, digest })
        })
    }
}

/// A bank's file as the body, with the digest of its bytes; its bound is the one of bank files.
pub(crate) struct File {
    pub(crate) bytes: web::Bytes,
    pub(crate) digest: [u8; 32],
}

impl FromRequest for File {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = web::Payload::from_request(request, payload);
        Box::pin(async move {
            let payload = payload.await.map_err(|error| unread(&error))?;
            let bytes = payload.to_bytes_limited(remittance::MAX_FILE_BYTES).await.map_err(|_| too_large())?;
            let bytes = bytes.map_err(|error| unread(&error))?;
            let digest = Sha256::digest(&bytes).into();
            Ok(Self { bytes, digest })
        })
    }
}

pub(crate) fn is_of_type(request: &HttpRequest, wanted: &str) -> bool {
    let header = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    header.is_some() && request.content_type().eq_ignore_ascii_case(wanted)
}

fn unread(error: &actix_web::Error) -> Problem {
    if error.as_response_error().status_code() == actix_web::http::StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Problem::new(&kinds::MALFORMED, "the body did not arrive whole")
    }
}

fn too_large() -> Problem {
    Problem::new(&kinds::TOO_LARGE, "the body is larger than this endpoint takes")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let pointer =
            if path == "." { String::new() } else { format!("/{}", path.replace(['.', '['], "/").replace(']', "")) };
        let inner = error.into_inner();
        let detail = cleaned(&inner);
        let fault = Fault { pointer: pointer.clone(), code: "malformed", detail: detail.clone() };
        let detail = if pointer.is_empty() { detail } else { format!("{pointer}: {detail}") };
        Problem::new(&kinds::MALFORMED, detail).with_faults(vec![fault])
    })?;
    reader.end().map_err(|_| Problem::new(&kinds::MALFORMED, "something stands after the end of the JSON"))?;
    Ok(value)
}

/// What serde says, without the values that it quotes: they may be personal.
fn cleaned(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = said.rfind(" at line ").map_or("", |start| &said[start..]);
    if error.is_data() {
        let wanted = said.find("expected ").map_or("", |start| &said[start..]);
        let named = ["missing field", "unknown field", "duplicate field"].iter().any(|start| said.starts_with(start));
        if named {
            return said.chars().take(300).collect();
        }
        return match wanted.strip_suffix(place) {
            Some(wanted) if !wanted.is_empty() => format!("{wanted}{place}"),
            _ => format!("the value is not of the form that is asked for{place}"),
        };
    }
    format!("this is no JSON{place}")
}
