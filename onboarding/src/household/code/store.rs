//! Codes in the database. A try is paid for before a code is looked at, under the lock of whoever brings it; each way in
//! which a code can be wrong gives the same answer.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use uuid::Uuid;

use super::{CODE_LIFE, CODE_TRIES, CodeId, CodePurpose, Holder, IssuedCode, NewCode, SpokenCode};
use crate::Error;
use crate::household::{HouseholdError, HouseholdId, MAX_OPEN_INVITATIONS, OpenInvitation, RecipientId, SeenDocument};
use crate::schema::{household_code_failures, household_codes};

const CODE: &str = "onboarding.household_codes.code";
/// How long a wrong code counts against whoever brought it.
const WINDOW: Duration = Duration::hours(1);
/// How often another code is made when the part that finds it is taken: one in millions is.
const ATTEMPTS: usize = 5;

/// A code that fits, with its row locked until the transaction ends.
pub(crate) struct FittingCode {
    pub(crate) id: CodeId,
    pub(crate) subject: Uuid,
    pub(crate) maker_is_institution: bool,
}

/// Makes a code; for a thing that has one already, in its place.
pub(crate) async fn issue_in(
    connection: &mut AsyncPgConnection,
    cipher: &Cipher,
    new: &NewCode,
    now: DateTime<Utc>,
) -> Result<IssuedCode, Error> {
    let NewCode { household, purpose, subject, maker, seen } = *new;
    if purpose.replaces() {
        withdraw_in(connection, purpose, subject, now).await?;
    }
    let expires_at = now + CODE_LIFE;
    for _ in 0..ATTEMPTS {
        let (id, code) = (CodeId::generate(), SpokenCode::generate());
        // A code that was forgotten does not keep its place.
        diesel::update(household_codes::table)
            .filter(household_codes::selector.eq(code.selector()))
            .filter(household_codes::used_at.is_null())
            .filter(household_codes::withdrawn_at.is_null())
            .filter(household_codes::expires_at.le(now))
            .set(household_codes::withdrawn_at.eq(now))
            .execute(connection)
            .await?;
        let made = diesel::insert_into(household_codes::table)
            .values((
                household_codes::code_id.eq(id),
                household_codes::household_id.eq(household),
                household_codes::purpose.eq(purpose.word()),
                household_codes::subject_id.eq(subject),
                household_codes::selector.eq(code.selector()),
                household_codes::secret_index.eq(cipher.blind_index(CODE, code.whole())),
                household_codes::tries_left.eq(CODE_TRIES),
                household_codes::made_by_kind.eq(maker.kind()),
                household_codes::made_by.eq(maker.id()),
                household_codes::document_kind.eq(seen.map(SeenDocument::word)),
                household_codes::made_at.eq(now),
                household_codes::expires_at.eq(expires_at),
            ))
            .on_conflict_do_nothing()
            .execute(connection)
            .await?;
        if made == 1 {
            return Ok(IssuedCode { id, code, expires_at });
        }
    }
    Err(Error::Corrupt("too many open codes"))
}

/// Takes back the open codes for a thing.
pub(crate) async fn withdraw_in(
    connection: &mut AsyncPgConnection,
    purpose: CodePurpose,
    subject: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::update(household_codes::table)
        .filter(household_codes::purpose.eq(purpose.word()))
        .filter(household_codes::subject_id.eq(subject))
        .filter(household_codes::used_at.is_null())
        .filter(household_codes::withdrawn_at.is_null())
        .set(household_codes::withdrawn_at.eq(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Looks whether a code fits, and counts the try. None when it does not: the transaction is to be committed all the
/// same, or the try would be for nothing.
pub(crate) async fn present_in(
    connection: &mut AsyncPgConnection,
    cipher: &Cipher,
    by: Holder,
    (purpose, code): (CodePurpose, &SpokenCode),
    now: DateTime<Utc>,
) -> Result<Option<FittingCode>, Error> {
    type Row = (CodeId, Uuid, Vec<u8>, i32, DateTime<Utc>, String);
    count_in(connection, by, now).await?;
    let row: Option<Row> = household_codes::table
        .filter(household_codes::selector.eq(code.selector()))
        .filter(household_codes::purpose.eq(purpose.word()))
        .filter(household_codes::used_at.is_null())
        .filter(household_codes::withdrawn_at.is_null())
        .select((
            household_codes::code_id,
            household_codes::subject_id,
            household_codes::secret_index,
            household_codes::tries_left,
            household_codes::expires_at,
            household_codes::made_by_kind,
        ))
        .for_update()
        .first(connection)
        .await
        .optional()?;
    let Some((id, subject, secret, tries_left, expires_at, maker)) = row else { return Ok(None) };
    if tries_left == 0 || expires_at <= now {
        return Ok(None);
    }
    let given = cipher.blind_index(CODE, code.whole());
    if !bool::from(subtle::ConstantTimeEq::ct_eq(secret.as_slice(), given.as_slice())) {
        diesel::update(household_codes::table.find(id))
            .set(household_codes::tries_left.eq(tries_left - 1))
            .execute(connection)
            .await?;
        return Ok(None);
    }
    Ok(Some(FittingCode { id, subject, maker_is_institution: maker == "institution" }))
}

/// The thing that a code which was used is about: whoever it was done for may ask again.
pub(crate) async fn used_for_in(
    connection: &mut AsyncPgConnection,
    cipher: &Cipher,
    (purpose, code): (CodePurpose, &SpokenCode),
) -> Result<Option<Uuid>, Error> {
    Ok(household_codes::table
        .filter(household_codes::selector.eq(code.selector()))
        .filter(household_codes::purpose.eq(purpose.word()))
        .filter(household_codes::used_at.is_not_null())
        .filter(household_codes::secret_index.eq(cipher.blind_index(CODE, code.whole())))
        .select(household_codes::subject_id)
        .first(connection)
        .await
        .optional()?)
}

/// Uses a code up, and takes back that its try was counted.
pub(crate) async fn use_in(
    connection: &mut AsyncPgConnection,
    by: Holder,
    id: CodeId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::update(household_codes::table.find(id)).set(household_codes::used_at.eq(now)).execute(connection).await?;
    forgive_in(connection, by).await
}

/// Takes back that a try was counted, since it was none.
pub(crate) async fn forgive_in(connection: &mut AsyncPgConnection, by: Holder) -> Result<(), Error> {
    diesel::update(household_code_failures::table.find((by.kind(), by.id())))
        .filter(household_code_failures::failures.gt(0))
        .set(household_code_failures::failures.eq(household_code_failures::failures - 1))
        .execute(connection)
        .await?;
    Ok(())
}

/// Counts a try as a failure, until [`use_in`] says that it was none.
pub(crate) async fn count_in(connection: &mut AsyncPgConnection, by: Holder, now: DateTime<Utc>) -> Result<(), Error> {
    diesel::insert_into(household_code_failures::table)
        .values((
            household_code_failures::holder_kind.eq(by.kind()),
            household_code_failures::holder_id.eq(by.id()),
            household_code_failures::failures.eq(0),
            household_code_failures::since.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    let row = household_code_failures::table.find((by.kind(), by.id()));
    let (failures, since): (i32, DateTime<Utc>) = row
        .select((household_code_failures::failures, household_code_failures::since))
        .for_update()
        .first(connection)
        .await?;
    let (failures, since) = if since + WINDOW > now { (failures, since) } else { (0, now) };
    if failures >= by.free_failures() {
        let seconds = (since + WINDOW - now).num_seconds() + 1;
        return Err(HouseholdError::TooManyCodes { seconds }.into());
    }
    diesel::update(row)
        .set((household_code_failures::failures.eq(failures + 1), household_code_failures::since.eq(since)))
        .execute(connection)
        .await?;
    Ok(())
}

/// A household's invitations that can still be used, the oldest first.
pub(crate) async fn open_of_in(
    connection: &mut AsyncPgConnection,
    household: HouseholdId,
    now: DateTime<Utc>,
) -> Result<Vec<OpenInvitation>, Error> {
    type Row = (CodeId, String, Uuid, DateTime<Utc>, i32);
    let most = i64::try_from(MAX_OPEN_INVITATIONS).unwrap_or(i64::MAX);
    let rows: Vec<Row> = household_codes::table
        .filter(household_codes::household_id.eq(household))
        .filter(household_codes::purpose.ne(CodePurpose::HandOver.word()))
        .filter(household_codes::used_at.is_null())
        .filter(household_codes::withdrawn_at.is_null())
        .filter(household_codes::expires_at.gt(now))
        .order(household_codes::code_id)
        .limit(most)
        .select((
            household_codes::code_id,
            household_codes::purpose,
            household_codes::subject_id,
            household_codes::expires_at,
            household_codes::tries_left,
        ))
        .load(connection)
        .await?;
    let open = rows.into_iter().map(|(id, purpose, subject, expires_at, tries_left)| {
        let recipient = (purpose == CodePurpose::Confirm.word()).then(|| RecipientId::from_uuid(subject));
        OpenInvitation { id, recipient, expires_at, tries_left }
    });
    Ok(open.collect())
}
