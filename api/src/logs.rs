//! Logs: events with fields, one line a request, without personal data or secrets.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage as _};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::configuration::{LogFormat, LogSettings};

/// Starts logging to standard error; a second start changes nothing.
pub(crate) fn start(settings: &LogSettings) {
    start_with(settings, BoxMakeWriter::new(std::io::stderr));
}

/// Starts logging into `teranga.log` under a directory, and leaves the terminal alone. Answers where the log is.
pub(crate) fn start_in_file(settings: &LogSettings, directory: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(directory)?;
    let path = directory.join("teranga.log");
    let file = std::fs::File::options().create(true).append(true).mode(0o600).open(&path)?;
    start_with(settings, BoxMakeWriter::new(Arc::new(file)));
    Ok(path)
}

fn start_with(settings: &LogSettings, writer: BoxMakeWriter) {
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer);
    // That somebody has started logging before is fine.
    let _ = match settings.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.try_init(),
    };
}

/// The span of a request: its id and its route. Addresses of clients, query strings and agents are personal data and
/// stay out.
pub(crate) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
        tracing::info_span!("request", request_id = id, route)
    }

    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}
