//! The servers: one for the surfaces, one for operations, and how they start and end.

mod middleware;
mod operations;
mod unknown;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{App, Error, HttpServer, web};
use platform::clock::Clock;
use tokio::task::JoinHandle;
use tracing_actix_web::TracingLogger;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt as _;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::LARGEST_BODY;
use crate::configuration::Configuration;
use crate::house::{House, OpenError, OpenHouse};
use crate::logs::RequestSpan;
use crate::mail::Postman;
use crate::request_limits::Limits;
use crate::workers::{self, Workers};
use crate::{audit, mobile, openapi, operator, partner, public};

/// The largest form: client credentials.
const LARGEST_FORM: usize = 4 << 10;
/// How long requests that are under way get to finish at the end.
const FINISH_WITHIN_SECONDS: u64 = 30;

/// A surface of the house.
struct Surface {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    signed_in: bool,
    routes: fn(&mut ServiceConfig<'_>),
}

const SURFACES: [Surface; 5] = [
    Surface {
        name: "mobile",
        title: "Teranga for migrants and families",
        description: "Register, quote, send, follow, be referred to an institution, and take part in projects.",
        signed_in: true,
        routes: mobile::routes,
    },
    Surface {
        name: "partner",
        title: "Teranga for institutions",
        description: "Fetch payouts and referrals, vet projects, and say what was done.",
        signed_in: true,
        routes: partner::routes,
    },
    Surface {
        name: "audit",
        title: "Teranga for auditors",
        description: "Read the book: journal, balances, statements, verification. Every read is recorded.",
        signed_in: true,
        routes: audit::routes,
    },
    Surface {
        name: "operator",
        title: "Teranga for its own staff",
        description: "Institutions, rates, pay-ins, approvals.",
        signed_in: true,
        routes: operator::routes,
    },
    Surface {
        name: "public",
        title: "Teranga for anybody",
        description: "Prices, institutions, projects, keys, and what each problem means.",
        signed_in: false,
        routes: public::routes,
    },
];

/// The documents of all surfaces, by name, as pretty JSON.
///
/// # Errors
/// When a document cannot be written as JSON.
pub fn openapi_documents() -> Result<Vec<(&'static str, String)>, serde_json::Error> {
    documents().into_iter().map(|(name, document)| Ok((name, document.to_pretty_json()?))).collect()
}

fn documents() -> Vec<(&'static str, OpenApi)> {
    let mut documents = Vec::with_capacity(SURFACES.len());
    mount_all(App::new(), &mut |name, document| documents.push((name, document)));
    documents
}

fn mount_all<T>(mut app: App<T>, keep: &mut dyn FnMut(&'static str, OpenApi)) -> App<T>
where
    T: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    for surface in &SURFACES {
        let base = format!("/v1/{}", surface.name);
        let document = openapi::document(surface.title, surface.description, surface.signed_in);
        let scope = utoipa_actix_web::scope(base.as_str()).configure(surface.routes);
        let (mounted, document) = app.into_utoipa_app().openapi(document).service(scope).split_for_parts();
        app = mounted;
        keep(surface.name, openapi::closed(document));
    }
    app
}

/// A server that answers; ends by [`Server::stop`].
pub struct Server {
    open: OpenHouse,
    address: SocketAddr,
    operations_address: SocketAddr,
    handles: [ServerHandle; 2],
    tasks: [JoinHandle<std::io::Result<()>>; 2],
    workers: Workers,
}

impl Server {
    /// Opens the house and answers requests.
    ///
    /// # Errors
    /// [`OpenError`], with what to do where that is known.
    pub async fn start(configuration: Configuration, clock: Clock) -> Result<Self, OpenError> {
        let settings = configuration.settings.clone();
        let open = OpenHouse::open(configuration, clock).await?;
        operations::keep_first_operator(&open).await?;
        let postman = Postman::try_new(&settings.mail, &settings.sms, &open.directory).map_err(OpenError::Messages)?;
        let limits = Arc::new(Limits::new(settings.request_limits));
        let threads = match settings.server.workers {
            0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            workers => workers,
        };
        let (surfaces, address) = serve_surfaces(&open.house, &limits, threads, settings.server.listen)?;
        let (operations, operations_address) = operations::serve(&open.house, settings.server.operations_listen)?;
        let workers = workers::start(&open.house, postman, limits);
        let handles = [surfaces.handle(), operations.handle()];
        let tasks = [tokio::spawn(surfaces), tokio::spawn(operations)];
        tracing::info!(%address, %operations_address, "answering requests");
        Ok(Self { open, address, operations_address, handles, tasks, workers })
    }

    /// Where the surfaces are.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are.
    #[must_use]
    pub fn operations_address(&self) -> SocketAddr {
        self.operations_address
    }

    /// Where keys, mails and the first operator's credential lie.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        &self.open.directory
    }

    /// The rooms, for what is done beside the surfaces.
    #[must_use]
    pub fn house(&self) -> &Arc<House> {
        &self.open.house
    }

    /// Finishes what was accepted, then closes the house.
    pub async fn stop(self) {
        // Streams would go on for as long as they may.
        self.open.house.close_feeds();
        for handle in &self.handles {
            handle.stop(true).await;
        }
        for task in self.tasks {
            if let Ok(Err(error)) | Err(error) = task.await.map_err(std::io::Error::other) {
                tracing::error!(%error, "a server ended badly");
            }
        }
        self.workers.stop().await;
        self.open.close().await;
        tracing::info!("stopped");
    }
}

fn serve_surfaces(
    house: &Arc<House>,
    limits: &Arc<Limits>,
    threads: usize,
    listen: SocketAddr,
) -> Result<(actix_web::dev::Server, SocketAddr), OpenError> {
    let (house, limits) = (web::Data::from(Arc::clone(house)), web::Data::from(Arc::clone(limits)));
    let documents = web::Data::new(unknown::Documents::new(documents()));
    let server = HttpServer::new(move || {
        let app = App::new()
            .app_data(house.clone())
            .app_data(limits.clone())
            .app_data(documents.clone())
            .app_data(web::PayloadConfig::new(LARGEST_BODY))
            .app_data(web::QueryConfig::default().error_handler(|error, _| unknown::faulty_query(&error).into()))
            .app_data(
                web::FormConfig::default()
                    .limit(LARGEST_FORM)
                    .error_handler(|error, _| unknown::faulty_form(&error).into()),
            )
            .app_data(web::PathConfig::default().error_handler(|_, request| unknown::not_taken(request).into()))
            .service(unknown::openapi_document);
        mount_all(app, &mut |_, _| {})
            .default_service(web::to(unknown::answer))
            .wrap(actix_web::middleware::from_fn(middleware::bound))
            .wrap(actix_web::middleware::from_fn(middleware::observe))
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .workers(threads)
    .client_request_timeout(Duration::from_secs(10))
    .shutdown_timeout(FINISH_WITHIN_SECONDS)
    .disable_signals();
    let source = |source| OpenError::Listen { address: listen, source };
    let server = server.bind(listen).map_err(source)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}

/// What an app answers with, once everything is wrapped around it.
pub(crate) type Answered = Result<ServiceResponse<actix_web::body::BoxBody>, Error>;
