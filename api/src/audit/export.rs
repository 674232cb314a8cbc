use actix_web::{HttpResponse, get, web};
use futures_util::TryStreamExt;
use ledger::{Export, Extent, Format, PseudonymKey, Sequence, Subjects};
use onboarding::Auditor;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Problem, kinds};

/// What the key of pseudonyms is derived for.
const PSEUDONYMS: &str = "audit.pseudonyms";

/// Which entries are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Entries {
    /// The first entry; 1 when left out. A download that broke off continues behind the last entry that arrived whole.
    #[param(minimum = 1)]
    from_sequence: Option<i64>,
    /// The last entry; the newest when left out.
    #[param(minimum = 0)]
    to_sequence: Option<i64>,
}

impl Entries {
    fn extent(&self) -> Extent {
        let from = self.from_sequence.map_or(Extent::WHOLE, |first| Extent::WHOLE.from(Sequence::new(first)));
        self.to_sequence.map_or(from, |last| from.through(Sequence::new(last)))
    }

    /// The view of these entries that the grant shows.
    async fn view(&self, house: &House, auditor: &Auditor) -> Result<Export, Problem> {
        let secret = house.cipher.blind_index(PSEUDONYMS, "");
        let subjects = Subjects::Pseudonyms(PseudonymKey::for_grant(&secret, auditor.grant().uuid()));
        Ok(house.audited.export(self.extent(), subjects).await?)
    }
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

/// The journal in hledger's format, streamed.
#[utoipa::path(tag = "exports", security(("token" = [])), params(Entries),
    responses((status = 200, description = "The journal", body = String, content_type = "text/plain"), ReadProblems))]
#[get("/journal.hledger")]
pub(super) async fn export_hledger_journal(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    entries: web::Query<Entries>,
) -> Result<HttpResponse, Problem> {
    let export = entries.view(&house, &auditor).await?;
    let format = Format::Hledger;
    Ok(send(export.stream(format), format.media_type(), format.file_name()))
}

/// The book in the form that the file's name says, streamed: `journal.hledger`, `journal.ledger`, `journal.beancount`,
/// `gl_detail.csv`, `trial_balance.csv`, `chart_of_accounts.csv`, `journal.jsonl` or `postings.parquet`.
#[utoipa::path(tag = "exports", security(("token" = [])),
    params(("file" = String, Path, example = "journal.jsonl"), Entries),
    responses(
        (status = 200, description = "The file", body = String, content_type = "application/octet-stream"),
        ReadProblems))]
#[get("/exports/{file}")]
pub(super) async fn export_file(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    file: web::Path<String>,
    entries: web::Query<Entries>,
) -> Result<HttpResponse, Problem> {
    let unknown = || Problem::new(&kinds::NOT_FOUND, format!("there is no export {file:?}"));
    let format = Format::of_file(&file).ok_or_else(unknown)?;
    let export = entries.view(&house, &auditor).await?;
    Ok(send(export.stream(format), format.media_type(), format.file_name()))
}
