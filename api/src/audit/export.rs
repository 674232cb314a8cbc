use actix_web::{HttpResponse, get, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt;
use ledger::{Export, Format, ManifestSigner};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::book::account;
use super::view::{View, ahead};
use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem, kinds};
use crate::wire::{currency, words};

/// Which entries are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Entries {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// The first entry; 1 when left out. A download that broke off continues behind the last entry that arrived whole.
    #[param(minimum = 1)]
    from_sequence: Option<i64>,
    /// The last entry; the newest when left out.
    #[param(minimum = 0)]
    to_sequence: Option<i64>,
}

impl Entries {
    /// The book and these entries of it, as the grant shows them.
    async fn view(&self, house: &House, auditor: &Auditor) -> Result<(View, Export), Problem> {
        let view = View::open(house, auditor, self.book).await?;
        let extent = view.extent(self.from_sequence, self.to_sequence, "to_sequence").await?;
        let export = view.ledger.export(extent, view.subjects().clone()).await.map_err(ahead("to_sequence"))?;
        Ok((view, export))
    }
}

/// The currency and the entries that are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CurrencyAndEntries {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// ISO 4217.
    #[param(pattern = "^[A-Z]{3}$")]
    currency: String,
    /// The first entry; 1 when left out.
    #[param(minimum = 1)]
    from_sequence: Option<i64>,
    /// The last entry; the newest when left out.
    #[param(minimum = 0)]
    to_sequence: Option<i64>,
}

/// What a file of an export holds, and a signature over it.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedManifest)]
pub(super) struct SignedManifestBody {
    /// The manifest as JSON, byte for byte as it was signed.
    manifest: String,
    /// Ed25519 over the manifest's bytes, in base64.
    signature: String,
    /// The public key, as PEM.
    public_key: String,
}

/// A file that is made while it is sent. A failure on the way ends it early: its transfer is then incomplete.
fn send(pieces: ledger::Pieces, media_type: &str, file_name: &str) -> HttpResponse {
    let pieces = pieces.map_ok(web::Bytes::from).map_err(|error| {
        tracing::error!(%error, "an export was cut off");
        actix_web::error::ErrorInternalServerError("the export was cut off")
    });
    HttpResponse::Ok()
        .content_type(media_type)
        .insert_header(("Content-Disposition", format!("attachment; filename=\"{file_name}\"")))
        .streaming(pieces)
}

fn format(file: &str) -> Result<Format, Problem> {
    Format::of_file(file).ok_or_else(|| Problem::new(&kinds::NOT_FOUND, format!("there is no export {file:?}")))
}

/// The journal in hledger's format, streamed.
#[utoipa::path(tag = "exports", security(("token" = [])), params(Entries),
    responses((status = 200, description = "The journal", body = String, content_type = "text/plain"), ReadProblems))]
#[get("/journal.hledger")]
pub(super) async fn export_hledger_journal(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    entries: web::Query<Entries>,
) -> Result<HttpResponse, Problem> {
    let (_, export) = entries.view(&house, &auditor).await?;
    let format = Format::Hledger;
    Ok(send(export.stream(format), format.media_type(), format.file_name()))
}

/// The book in the form that the file's name says, streamed: `journal.hledger`, `journal.ledger`, `journal.beancount`,
/// `gl_detail.csv`, `trial_balance.csv`, `chart_of_accounts.csv`, `journal.jsonl`,
/// `postings.parquet`, `accounts.jsonl` or `log.jsonl`.
#[utoipa::path(tag = "exports", security(("token" = [])),
    params(("file" = inline(words::ExportFile), Path, example = "journal.jsonl"), Entries),
    responses(
        (status = 200, description = "The file, in the media type of its form", content(
            (String = "text/plain"),
            (String = "text/csv"),
            (String = "application/jsonl"),
            ([u8] = "application/vnd.apache.parquet"))),
        ReadProblems))]
#[get("/exports/{file}")]
pub(super) async fn export_file(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    file: web::Path<String>,
    entries: web::Query<Entries>,
) -> Result<HttpResponse, Problem> {
    let format = format(&file)?;
    let (_, export) = entries.view(&house, &auditor).await?;
    Ok(send(export.stream(format), format.media_type(), format.file_name()))
}

/// What the file of the same address and query holds: counts, sums by currency, its SHA-256; signed.
#[utoipa::path(tag = "exports", security(("token" = [])),
    params(("file" = inline(words::ExportFile), Path, example = "journal.jsonl"), Entries),
    responses((status = 200, description = "The manifest", body = SignedManifestBody), ReadProblems))]
#[get("/exports/{file}/manifest")]
pub(super) async fn read_manifest(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    file: web::Path<String>,
    entries: web::Query<Entries>,
) -> Result<HttpResponse, Problem> {
    let format = format(&file)?;
    let (view, export) = entries.view(&house, &auditor).await?;
    let measured = export.measure(format).await?;
    let checkpoint = view.ledger.checkpoint_covering(export.last()).await?;
    let manifest = export.manifest(vec![measured], checkpoint).await?.canonical()?;
    Ok(HttpResponse::Ok().json(SignedManifestBody {
        signature: STANDARD.encode(house.seal.sign(&manifest)),
        public_key: house.seal.public_key(),
        manifest: String::from_utf8_lossy(&manifest).into_owned(),
    }))
}

/// The statement of one account as ISO 20022 camt.053.001.08, streamed. The account is named as exports name it.
#[utoipa::path(tag = "exports", security(("token" = [])),
    params(("account" = String, Path, max_length = 120,
        pattern = "^(assets|liabilities|equity|revenue|expenses)(:[a-z0-9-]+){1,5}$", example = "revenue:fees:eur-xof"), CurrencyAndEntries),
    responses(
        (status = 200, description = "The statement", body = String, content_type = "application/xml"),
        ReadProblems))]
#[get("/accounts/{account}/statement.camt053.xml")]
pub(super) async fn export_statement(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    code: web::Path<String>,
    asked: web::Query<CurrencyAndEntries>,
) -> Result<HttpResponse, Problem> {
    let code = account(&code)?;
    let mut faults = Faults::default();
    let Some(currency) = currency(&asked.currency, "currency", &mut faults) else { return Err(faults.problem()) };
    let entries = Entries { book: asked.book, from_sequence: asked.from_sequence, to_sequence: asked.to_sequence };
    let (_, export) = entries.view(&house, &auditor).await?;
    let statement = export.statement_camt053(&code, currency).await?;
    Ok(send(statement, "application/xml", "statement.camt053.xml"))
}
