use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::house::House;
use crate::openapi::OpenProblems;

/// A JSON Web Key Set (RFC 7517).
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the answer; the keys themselves know how they are written")]
pub(super) struct KeySet {
    keys: Vec<PublicKey>,
}

/// A public key (RFC 8037).
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the answer")]
pub(super) struct PublicKey {
    kty: String,
    crv: String,
    alg: String,
    #[serde(rename = "use")]
    purpose: String,
    kid: String,
    x: String,
}

/// The keys that tokens are signed with.
#[utoipa::path(tag = "keys", responses((status = 200, description = "The keys", body = KeySet), OpenProblems))]
#[get("/keys")]
pub(super) async fn read_keys(house: web::Data<House>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=300")).json(house.tokens.key_set())
}
