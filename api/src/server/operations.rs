//! Operations: health and metrics on a port of their own, and the first credential of a new installation.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, get, web};

use crate::house::{House, OpenError, OpenHouse};
use crate::keys;

#[get("/health/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().body("live\n")
}

#[get("/health/ready")]
async fn ready(house: web::Data<House>) -> HttpResponse {
    match house.readiness().await {
        Ok(()) => HttpResponse::Ok().body("ready\n"),
        Err(reason) => {
            tracing::warn!(reason, "not ready");
            HttpResponse::ServiceUnavailable().body("not ready\n")
        }
    }
}

#[get("/metrics")]
async fn metrics(house: web::Data<House>) -> HttpResponse {
    match house.metrics.text(&house).await {
        Ok(text) => HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text),
        Err(reason) => {
            tracing::warn!(reason, "the figures from the books cannot be read");
            HttpResponse::ServiceUnavailable().body("the figures from the books cannot be read\n")
        }
    }
}

pub(super) fn serve(house: &Arc<House>, listen: SocketAddr) -> Result<(actix_web::dev::Server, SocketAddr), OpenError> {
    let house = web::Data::from(Arc::clone(house));
    let server =
        HttpServer::new(move || App::new().app_data(house.clone()).service(live).service(ready).service(metrics))
            .workers(1)
            .shutdown_timeout(1)
            .disable_signals();
    let server = server.bind(listen).map_err(|source| OpenError::Listen { address: listen, source })?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}

/// A new installation has nobody who could let others in: the first operator's credential is made once and kept in a
/// file that only we can read. It becomes valid when the file is safe, so that a crash between the two loses nothing.
pub(super) async fn keep_first_operator(open: &OpenHouse) -> Result<(), OpenError> {
    let path = open.directory.join("first-operator.json");
    let made = open
        .house
        .access
        .ensure_operator("first operator", |issued| {
            let text = serde_json::json!({ "client_id": issued.client_id, "client_secret": issued.secret.reveal() });
            keys::write_private(&path, &format!("{text:#}\n"))
                .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", path.display())))
        })
        .await?;
    if made {
        tracing::info!(path = %path.display(), "made the first operator; the credential is in this file");
    }
    Ok(())
}
