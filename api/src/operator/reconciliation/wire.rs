//! How reconciliation stands in JSON and in addresses.

use chrono::{DateTime, NaiveDate, Utc};
use ledger::reconciliation::{
    AgeBucket, BreakSubject, ExternalStatement, Match, ReconciledAccount, Run, Standing, Succession,
};
use ledger::{AccountCode, Currency};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::problem::{Faults, Problem};
use crate::wire::whole::{all_whole, whole, whole_or_none};
use crate::wire::{MoneyBody, currency, words};

/// The account that an address names.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Addressed {
    /// The account's code.
    #[param(
        max_length = 120,
        pattern = "^(assets|liabilities|equity|revenue|expenses)(:[a-z0-9-]+){1,5}$",
        example = "assets:safeguarding:bank"
    )]
    account: String,
    /// ISO 4217.
    #[param(pattern = "^[A-Z]{3}$", example = "EUR")]
    currency: String,
}

impl Addressed {
    pub(super) fn checked(&self) -> Result<(AccountCode, Currency), Problem> {
        let mut faults = Faults::default();
        let code = faults.check("account", "account-code", AccountCode::try_new(&self.account));
        let currency = currency(&self.currency, "currency", &mut faults);
        code.zip(currency).ok_or_else(|| faults.problem())
    }
}

/// The number that an address names.
#[derive(Deserialize)]
pub(super) struct Numbered {
    pub(super) number: i64,
}

/// Where a list by date and number goes on.
#[derive(Clone, Copy)]
pub(super) struct Place {
    date: NaiveDate,
    number: i64,
}

impl Place {
    pub(super) fn write(date: NaiveDate, number: i64) -> String {
        format!("{}-{number}", date.format("%Y%m%d"))
    }

    pub(super) fn read(cursor: Option<&str>) -> Result<Option<Self>, Problem> {
        let parse = |text: &str| {
            let (date, number) = text.split_once('-')?;
            let in_form = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
            let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok().filter(|_| in_form)?;
            Some(Self { date, number: number.parse().ok()? })
        };
        let Some(text) = cursor else { return Ok(None) };
        let mut faults = Faults::default();
        let place = parse(text).ok_or("take the cursor from the page before, or leave it out");
        faults.check("cursor", "cursor", place).map(Some).ok_or_else(|| faults.problem())
    }

    pub(super) const fn parts(self) -> (NaiveDate, i64) {
        (self.date, self.number)
    }
}

/// An account that is to be reconciled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReconciledAccount)]
pub(super) struct NewAccount {
    /// The account's code.
    #[schema(
        max_length = 120,
        pattern = "^(assets|liabilities|equity|revenue|expenses)(:[a-z0-9-]+){1,5}$",
        example = "assets:safeguarding:bank"
    )]
    pub(super) account: String,
    #[schema(value_type = words::Currency)]
    pub(super) currency: String,
    /// What statements call it, such as its IBAN.
    #[schema(min_length = 1, max_length = 64)]
    pub(super) external_account: String,
    /// The entry after which postings are reconciled; zero for all of them.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 0)]
    pub(super) begins_after: i64,
}

/// An account that statements are taken for.
#[derive(Serialize, ToSchema)]
#[schema(as = ReconciledAccount)]
pub(super) struct AccountBody {
    account: String,
    #[schema(value_type = words::Currency)]
    currency: String,
    /// What statements call it: letters and digits only.
    external_account: String,
}

impl From<ReconciledAccount> for AccountBody {
    fn from(account: ReconciledAccount) -> Self {
        Self {
            account: account.code.to_string(),
            currency: account.currency.to_string(),
            external_account: account.external_account,
        }
    }
}

/// A statement from outside.
#[derive(Serialize, ToSchema)]
#[schema(as = ExternalStatement)]
pub(super) struct StatementBody {
    statement: i64,
    external_id: String,
    external_number: String,
    opens_on: NaiveDate,
    closes_on: NaiveDate,
    opening: MoneyBody,
    closing: MoneyBody,
    lines: i32,
    #[schema(inline)]
    succession: SuccessionWord,
    loaded_by: Uuid,
    loaded_at: DateTime<Utc>,
}

/// How a statement stands to the one before it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum SuccessionWord {
    First,
    Continues,
    Gap,
}

impl From<ExternalStatement> for StatementBody {
    fn from(one: ExternalStatement) -> Self {
        Self {
            statement: one.statement,
            external_id: one.external_id,
            external_number: one.external_number,
            opens_on: one.opens_on,
            closes_on: one.closes_on,
            opening: one.opening.into(),
            closing: one.closing.into(),
            lines: one.lines,
            succession: match one.succession {
                Succession::First => SuccessionWord::First,
                Succession::Continues => SuccessionWord::Continues,
                Succession::Gap => SuccessionWord::Gap,
            },
            loaded_by: one.loaded_by,
            loaded_at: one.loaded_at,
        }
    }
}

/// A page of statements.
#[derive(Serialize, ToSchema)]
#[schema(as = ExternalStatementPage)]
pub(super) struct StatementPage {
    pub(super) items: Vec<StatementBody>,
    /// The cursor of the next page, where there is one.
    pub(super) next: Option<String>,
}

/// How the rules are to be tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReconciliationRun)]
pub(super) struct NewRun {
    /// Days between two dates; 3 when left out.
    #[serde(default, deserialize_with = "whole_or_none")]
    #[schema(minimum = 0, maximum = 31)]
    pub(super) tolerance_days: Option<i32>,
    /// Minor units between two amounts; none when left out.
    #[serde(default, deserialize_with = "whole_or_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub(super) tolerance_minor: Option<i64>,
    /// The rules to try; all when left out. Their order is their own.
    #[schema(value_type = Option<Vec<words::MatchingRule>>, max_items = 7)]
    pub(super) rules: Option<Vec<String>>,
}

/// What a run did.
#[derive(Serialize, ToSchema)]
#[schema(as = ReconciliationRun)]
pub(super) struct RunBody {
    run: i64,
    /// Postings that it found in the book.
    collected: i64,
    matched: Vec<RuleCount>,
    /// Breaks that it opened.
    opened: i64,
    /// Breaks that settled.
    settled: i64,
    /// Items for which the search for sums met its bounds.
    given_up: usize,
    /// Open items that the search for sums did not look at.
    not_searched: i64,
}

/// The matches of a rule.
#[derive(Serialize, ToSchema)]
pub(super) struct RuleCount {
    #[schema(value_type = words::MatchingRule)]
    rule: &'static str,
    matches: i64,
}

impl From<Run> for RunBody {
    fn from(run: Run) -> Self {
        let matched = run.matched.into_iter().map(|(rule, matches)| RuleCount { rule: rule.name(), matches });
        Self {
            run: run.run,
            collected: run.collected,
            matched: matched.collect(),
            opened: run.opened,
            settled: run.settled,
            given_up: run.given_up,
            not_searched: run.not_searched,
        }
    }
}

/// Items to match by hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMatch {
    /// The items' numbers, from their breaks.
    #[serde(deserialize_with = "all_whole")]
    #[schema(min_items = 2, max_items = 1_000)]
    pub(super) items: Vec<i64>,
    #[schema(min_length = 1, max_length = 500)]
    pub(super) reason: String,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason)]
pub(super) struct ReasonBody {
    #[schema(min_length = 1, max_length = 500)]
    pub(super) reason: String,
}

/// What a break or a match is of.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum SubjectBody {
    /// A line of a statement.
    Line { item: i64, statement: i64, line: i32 },
    /// A posting of the book.
    Posting { item: i64, sequence: i64, posting: i32 },
    /// The difference of a match.
    Difference { match_number: i64 },
}

impl From<BreakSubject> for SubjectBody {
    fn from(subject: BreakSubject) -> Self {
        match subject {
            BreakSubject::Line { item, statement, line } => Self::Line { item, statement, line },
            BreakSubject::Posting { item, sequence, ordinal } => {
                Self::Posting { item, sequence: sequence.number(), posting: ordinal }
            }
            BreakSubject::Difference { match_number } => Self::Difference { match_number },
        }
    }
}

/// Items that belong together.
#[derive(Serialize, ToSchema)]
#[schema(as = Match)]
pub(super) struct MatchBody {
    number: i64,
    #[schema(value_type = words::MatchingRule)]
    rule: &'static str,
    /// What the rule saw, or what the person said.
    why: String,
    /// The run that made it; none by hand.
    run: Option<i64>,
    /// Lines less postings.
    difference: MoneyBody,
    matched_by: Uuid,
    matched_at: DateTime<Utc>,
    items: Vec<MatchedItemBody>,
}

/// A line or a posting in a match.
#[derive(Serialize, ToSchema)]
#[schema(as = MatchedItem)]
pub(super) struct MatchedItemBody {
    subject: SubjectBody,
    amount: MoneyBody,
    occurs_on: NaiveDate,
    reference: Option<String>,
}

impl From<Match> for MatchBody {
    fn from(one: Match) -> Self {
        let items = one.items.into_iter().map(|item| MatchedItemBody {
            subject: item.subject.into(),
            amount: item.amount.into(),
            occurs_on: item.occurs_on,
            reference: item.reference,
        });
        Self {
            number: one.number,
            rule: one.rule.name(),
            why: one.reason.unwrap_or_else(|| one.rule.why().to_owned()),
            run: one.run,
            difference: one.difference.into(),
            matched_by: one.matched_by,
            matched_at: one.matched_at,
            items: items.collect(),
        }
    }
}

/// Both sides of an account.
#[derive(Serialize, ToSchema)]
#[schema(as = ReconciliationStanding)]
pub(super) struct StandingBody {
    ages: Vec<AgeBody>,
    /// What the newest statement closes with.
    outside: Option<MoneyBody>,
    /// What the account holds, debits positive.
    inside: MoneyBody,
    open_lines: MoneyBody,
    open_postings: MoneyBody,
    differences: MoneyBody,
    /// What none of these explains: zero, unless a statement is missing or the sides did not begin together.
    unexplained: MoneyBody,
}

/// Breaks of an age that are open or assigned.
#[derive(Serialize, ToSchema)]
#[schema(as = BreakAge)]
pub(super) struct AgeBody {
    /// None for the youngest.
    from_days: Option<i32>,
    /// None for the oldest.
    to_days: Option<i32>,
    open: i64,
    assigned: i64,
    incoming: MoneyBody,
    outgoing: MoneyBody,
}

impl From<Standing> for StandingBody {
    fn from(standing: Standing) -> Self {
        let age = |age: AgeBucket| AgeBody {
            from_days: age.from_days,
            to_days: age.to_days,
            open: age.open,
            assigned: age.assigned,
            incoming: age.incoming.into(),
            outgoing: age.outgoing.into(),
        };
        Self {
            ages: standing.ages.into_iter().map(age).collect(),
            outside: standing.outside.map(MoneyBody::from),
            inside: standing.inside.into(),
            open_lines: standing.open_lines.into(),
            open_postings: standing.open_postings.into(),
            differences: standing.differences.into(),
            unexplained: standing.unexplained.into(),
        }
    }
}
