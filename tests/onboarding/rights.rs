//! What the server's role may do to onboarding's tables.

use diesel_async::SimpleAsyncConnection;
use platform::testing::TestDatabase;
use tests::Result;

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_role_cannot_change_what_is_told_once() -> Result {
    let test = TestDatabase::create().await?;
    let database = test.database()?;
    let mut server = database.connection().await?;
    for statement in [
        "update onboarding.credentials set secret_digest = ''",
        "update onboarding.credentials set holder_id = client_id",
        "update onboarding.credentials set issued_by = null",
        "update onboarding.operators set name = ''",
        "update onboarding.audit_grants set ends_at = now()",
        "update onboarding.audit_reads set what = ''",
        "update onboarding.institutions set code = ''",
        "update onboarding.people set contact_index = ''",
        "update onboarding.people set person_id = gen_random_uuid()",
        "update onboarding.confirmations set password_hash = ''",
        "update onboarding.referrals set person_id = gen_random_uuid()",
        "update onboarding.consents set shared = '{}'",
        "update onboarding.screening_versions set digest = ''",
        "update onboarding.screening_entries set names = '{}'",
        "update onboarding.screening_cases set score = 0",
        "update onboarding.screening_case_history set sealed_reason = ''",
        "update onboarding.household_codes set secret_index = ''",
        "update onboarding.children set limit_minor = 1",
        "update onboarding.children set sealed_birth_date = ''",
        "update onboarding.child_allowances set ceiling_minor = 1",
        "update onboarding.child_spendings set amount_minor = 1",
        "update onboarding.child_spendings set institution = ''",
        "update onboarding.child_deposits set amount_minor = 1",
        "update onboarding.guardians set person_id = gen_random_uuid()",
        "delete from onboarding.guardians",
        "delete from onboarding.child_spendings",
        "update onboarding.documents set person_id = gen_random_uuid()",
        "update onboarding.documents set number_index = ''",
        "update onboarding.document_images set document_id = gen_random_uuid()",
        "update onboarding.document_history set sealed_note = ''",
        "update onboarding.personal_data_reads set what = ''",
        "delete from onboarding.documents",
        "delete from onboarding.personal_data_reads",
        "delete from onboarding.screening_cases",
        "delete from onboarding.screening_entries",
        "delete from onboarding.people",
        "delete from onboarding.credentials",
        "delete from onboarding.consents",
        "delete from onboarding.audit_reads",
        "delete from onboarding.message_allowances",
    ] {
        let refused = server.batch_execute(statement).await;
        let told = refused.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains("permission denied"), "{statement}: {told}");
    }
    for statement in [
        "update onboarding.credentials set revoked_at = now()",
        "update onboarding.consents set withdrawn_at = now()",
        "update onboarding.institutions set state = 'live'",
    ] {
        server.batch_execute(statement).await?;
    }
    Ok(())
}
