use chrono::{DateTime, NaiveDate, Utc};
use onboarding::OperatorId;
use onboarding::screening::{Case, CasePast, ListVersion, ScoreReason, SubjectWithCases};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::wire::words;

/// In which form a list comes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FormatQuery {
    /// The publisher's own.
    #[param(value_type = words::ListFormat)]
    pub(super) format: String,
    /// How many entries the file may leave out that the list has. Needed when it is more than one of ten.
    #[param(minimum = 0, maximum = 2000000)]
    pub(super) removing: Option<u32>,
}

/// A file of a list, as it came into force.
#[derive(Serialize, ToSchema)]
#[schema(as = ListVersion)]
pub(super) struct ListVersionBody {
    /// A higher one is later, whatever the list.
    version: i64,
    list: String,
    #[schema(value_type = words::ListFormat)]
    format: String,
    /// As the publisher dates it.
    published_on: Option<NaiveDate>,
    /// Of the file, in hexadecimal.
    sha256: String,
    /// Whom it names, in all.
    entries: i32,
    added: i32,
    changed: i32,
    /// Entries of the version before that it does not have.
    removed: i32,
    /// The operator; none for a file that was loaded on the command line.
    loaded_by: Option<Uuid>,
    loaded_at: DateTime<Utc>,
}

impl From<ListVersion> for ListVersionBody {
    fn from(version: ListVersion) -> Self {
        Self {
            version: version.version,
            list: version.list,
            format: version.format,
            published_on: version.published_on,
            sha256: hex::encode(version.digest),
            entries: version.entries,
            added: version.added,
            changed: version.changed,
            removed: version.removed,
            loaded_by: version.loaded_by.map(OperatorId::uuid),
            loaded_at: version.loaded_at,
        }
    }
}

/// What came of loading a list.
#[derive(Serialize, ToSchema)]
pub(super) struct ListLoaded {
    /// False when the list said this already.
    pub(super) is_new: bool,
    #[serde(flatten)]
    pub(super) version: ListVersionBody,
}

/// A page of versions, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ListVersionPage {
    pub(super) items: Vec<ListVersionBody>,
    /// The cursor of the next page, where there is one.
    pub(super) next: Option<String>,
}

/// Which cases are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CaseQuery {
    /// Those that are open when left out.
    #[param(value_type = Option<words::CaseState>)]
    pub(super) state: Option<String>,
    /// Those that show in one person's account.
    pub(super) owner: Option<Uuid>,
    /// Those about one subject.
    pub(super) subject: Option<Uuid>,
    /// Those of one list.
    #[param(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
    pub(super) list: Option<String>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    pub(super) cursor: Option<String>,
}

/// Whom a case is about.
#[derive(Serialize, ToSchema)]
pub(super) struct Screened {
    id: Uuid,
    #[schema(value_type = words::ScreenedKind)]
    kind: &'static str,
    /// The person in whose account it shows.
    owner: Uuid,
    /// As it is now; none once it is erased.
    name: Option<String>,
    /// As it was when the case was opened; none in cases of before.
    name_at_opening: Option<String>,
    birth_date: Option<NaiveDate>,
    country: Option<String>,
}

/// Somebody with cases.
#[derive(Serialize, ToSchema)]
#[schema(as = ScreenedWithCases)]
pub(super) struct SubjectBody {
    id: Uuid,
    #[schema(value_type = words::ScreenedKind)]
    kind: &'static str,
    /// The person in whose account it shows.
    owner: Uuid,
    /// As it is now; none once it is erased.
    name: Option<String>,
    birth_date: Option<NaiveDate>,
    country: Option<String>,
    /// How many cases are in the state that was asked for.
    cases: i64,
    /// The highest score of these, in thousandths.
    highest_score: u16,
    first_opened_at: DateTime<Utc>,
}

impl From<SubjectWithCases> for SubjectBody {
    fn from(subject: SubjectWithCases) -> Self {
        Self {
            id: subject.id,
            kind: subject.kind.word(),
            owner: subject.owner,
            name: subject.name,
            birth_date: subject.birth_date,
            country: subject.country,
            cases: subject.cases,
            highest_score: subject.highest_score.thousandths(),
            first_opened_at: subject.first_opened_at,
        }
    }
}

/// A page of those who have cases, the longest waiting first.
#[derive(Serialize, ToSchema)]
#[schema(as = ScreenedWithCasesPage)]
pub(super) struct SubjectPage {
    pub(super) items: Vec<SubjectBody>,
    /// The cursor of the next page, where there is one.
    pub(super) next: Option<String>,
}

/// Whose cases are counted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SubjectQuery {
    /// Those that are open when left out.
    #[param(value_type = Option<words::CaseState>)]
    pub(super) state: Option<String>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    pub(super) cursor: Option<String>,
}

/// Whom the list names.
#[derive(Serialize, ToSchema)]
pub(super) struct Listed {
    list: String,
    /// The publisher's number.
    reference: String,
    #[schema(value_type = words::ListEntryKind)]
    kind: &'static str,
    /// The main one first.
    names: Vec<String>,
    /// 1970-03-12, 1970-03, 1970, 1968/1972 or ~1970.
    birth_dates: Vec<String>,
    countries: Vec<String>,
    /// Whether the list still says so.
    is_current: bool,
}

/// Somebody who may be whom a list names.
#[derive(Serialize, ToSchema)]
#[schema(as = ScreeningCase)]
pub(super) struct CaseBody {
    id: Uuid,
    #[schema(value_type = words::CaseState)]
    state: &'static str,
    subject: Screened,
    entry: Listed,
    /// How like they are, in thousandths.
    score: u16,
    /// Why, in words.
    reasons: Vec<String>,
    /// The operator who said first that they are one.
    first_confirmed_by: Option<Uuid>,
    opened_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
}

impl From<Case> for CaseBody {
    fn from(case: Case) -> Self {
        Self {
            id: case.id.uuid(),
            state: case.state.word(),
            subject: Screened {
                id: case.subject.id,
                kind: case.subject.kind.word(),
                owner: case.subject.owner,
                name: case.subject.name,
                name_at_opening: case.subject.name_at_opening,
                birth_date: case.subject.birth_date,
                country: case.subject.country,
            },
            entry: Listed {
                list: case.entry.list,
                reference: case.entry.reference,
                kind: case.entry.kind.word(),
                names: case.entry.names,
                birth_dates: case.entry.births,
                countries: case.entry.countries,
                is_current: case.entry.is_current,
            },
            score: case.score.thousandths(),
            reasons: case.reasons.iter().map(ScoreReason::to_string).collect(),
            first_confirmed_by: case.first_confirmed_by.map(OperatorId::uuid),
            opened_at: case.opened_at,
            decided_at: case.decided_at,
        }
    }
}

/// A page of cases, the oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ScreeningCasePage)]
pub(super) struct CasePage {
    pub(super) items: Vec<CaseBody>,
    /// The cursor of the next page, where there is one.
    pub(super) next: Option<String>,
}

/// What happened to a case.
#[derive(Serialize, ToSchema)]
#[schema(as = ScreeningCaseEvent)]
pub(super) struct PastBody {
    #[schema(value_type = words::CaseEvent)]
    event: &'static str,
    /// None for screening itself, and for what was noted.
    operator: Option<Uuid>,
    /// Why, or what was noted.
    reason: Option<String>,
    happened_at: DateTime<Utc>,
}

/// A case with what happened to it.
#[derive(Serialize, ToSchema)]
#[schema(as = ScreeningCaseWithHistory)]
pub(super) struct CaseWithHistory {
    #[serde(flatten)]
    case: CaseBody,
    history: Vec<PastBody>,
}

impl CaseWithHistory {
    pub(super) fn new(case: Case, past: Vec<CasePast>) -> Self {
        let event = |past: CasePast| PastBody {
            event: past.event.word(),
            operator: past.operator.map(OperatorId::uuid),
            reason: past.reason,
            happened_at: past.happened_at,
        };
        Self { case: case.into(), history: past.into_iter().map(event).collect() }
    }
}

/// Why an operator decides.
#[derive(Deserialize, ToSchema)]
#[schema(as = ScreeningVerdict)]
#[serde(deny_unknown_fields)]
pub(super) struct VerdictBody {
    #[schema(min_length = 1, max_length = 1000)]
    pub(super) reason: String,
}
