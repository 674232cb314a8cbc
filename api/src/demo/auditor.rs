//! An auditor who is let in and reads.

use chrono::{Duration, Utc};
use serde_json::json;

use super::{Caller, Failure, Stage};

/// How long the auditor may read.
const GRANT: Duration = Duration::days(30);

pub(super) async fn let_in(stage: &mut Stage) -> Result<(), Failure> {
    stage.step("an auditor is let in", 1);
    let grant = json!({"auditor": "Cabinet Sy et Associés", "ends_at": Utc::now() + GRANT});
    let credential = stage.client.post(&stage.operator, "/v1/operator/audit-grants", &grant).await?;
    stage.kept.keep_auditor(credential)?;
    stage.bar.inc(1);
    Ok(())
}

pub(super) async fn sign_in(stage: &Stage) -> Result<Caller, Failure> {
    let credential = stage.kept.auditor().ok_or("the auditor has no credential")?;
    stage.client.sign_in_client("audit", credential).await
}
