//! Proposals in JSON.

use chrono::{DateTime, NaiveDate, Utc};
use ledger::{
    AccountCode, Proposal, ProposedAction, ProposedLine, ProposedTransfer, Receipt, Refusal, Sequence, Side, Terms,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::operator::books::PlaceBody;
use crate::problem::{Faults, Problem};
use crate::wire::period::AccountBalance;
use crate::wire::whole::whole;
use crate::wire::{MoneyBody, words};

/// What is proposed, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::operator) struct NewProposal {
    /// Why, in a line; it becomes the entry's description. No personal data, it is kept for ever.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
    action: ActionBody,
}

/// What is to be done.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[schema(as = ProposedAction)]
pub(in crate::operator) enum ActionBody {
    /// No entry takes effect by a date any more, adjustments aside.
    Close {
        /// The last date that is closed; it is over.
        through: NaiveDate,
    },
    /// Entries may take effect from a date on again.
    Reopening {
        /// The first date that is open.
        from: NaiveDate,
    },
    /// An entry that may take effect in a closed period.
    Adjustment {
        /// The day on which it counts.
        effective_date: NaiveDate,
        #[schema(min_items = 2, max_items = 100)]
        lines: Vec<LineBody>,
    },
    /// An entry is taken back.
    Reversal {
        #[serde(deserialize_with = "whole")]
        #[schema(minimum = 1)]
        sequence: i64,
    },
    /// An entry is taken back, and booked as it should have been.
    Correction {
        #[serde(deserialize_with = "whole")]
        #[schema(minimum = 1)]
        sequence: i64,
        #[schema(min_items = 2, max_items = 100)]
        lines: Vec<LineBody>,
    },
    /// A person's name is taken from an account that holds nothing, for good.
    Erasure {
        #[schema(max_length = 120, example = "liabilities:wallets:0b9c3d52-6a5e-4a3c-9a0e-2f1d7c5b8e11")]
        account: String,
    },
    /// An amount is debited here and credited in another book. What becomes of it stands among the transfers between
    /// books, under the proposal's id.
    Transfer {
        /// What is debited, in the book of the proposal: a wallet falls by it, an asset rises.
        #[schema(
            max_length = 120,
            pattern = "^(assets|liabilities|equity|revenue|expenses)(:[a-z0-9-]+){1,5}$",
            example = "equity:capital"
        )]
        from: String,
        /// What is credited, in another book.
        to: PlaceBody,
        amount: MoneyBody,
    },
}

/// A posting that is proposed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProposedLine)]
pub(in crate::operator) struct LineBody {
    #[schema(
        max_length = 120,
        pattern = "^(assets|liabilities|equity|revenue|expenses)(:[a-z0-9-]+){1,5}$",
        example = "equity:capital"
    )]
    account: String,
    side: SideBody,
    amount: MoneyBody,
}

/// The side of a posting.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Side)]
pub(in crate::operator) enum SideBody {
    Debit,
    Credit,
}

fn code(text: &str, pointer: &str, faults: &mut Faults) -> Option<AccountCode> {
    faults.check(pointer, "account-code", AccountCode::try_new(text))
}

fn date(day: NaiveDate, pointer: &str, faults: &mut Faults) -> NaiveDate {
    use chrono::Datelike as _;
    if !(1900..=9999).contains(&day.year()) {
        faults.add(pointer, "date", "a year lies from 1900 to 9999");
    }
    day
}

fn lines(given: &[LineBody], faults: &mut Faults) -> Vec<ProposedLine> {
    let line = |(index, line): (usize, &LineBody)| {
        let account = code(&line.account, &format!("/action/lines/{index}/account"), faults);
        let amount = line.amount.positive(&format!("/action/lines/{index}/amount"), faults);
        let side = match line.side {
            SideBody::Debit => Side::Debit,
            SideBody::Credit => Side::Credit,
        };
        Some(ProposedLine { account: account?, side, amount: amount? })
    };
    given.iter().enumerate().filter_map(line).collect()
}

fn transfer(from: &str, to: &PlaceBody, amount: &MoneyBody, faults: &mut Faults) -> Option<ProposedAction> {
    let from = code(from, "/action/from", faults);
    let to = to.read("/action/to", faults);
    let amount = amount.positive("/action/amount", faults);
    Some(ProposedAction::Transfer(ProposedTransfer { from: from?, to: to?, amount: amount? }))
}

impl NewProposal {
    /// The terms that it spells.
    pub(super) fn terms(&self) -> Result<Terms, Problem> {
        let mut faults = Faults::default();
        let action = match &self.action {
            ActionBody::Close { through } => {
                Some(ProposedAction::Close { through: date(*through, "/action/through", &mut faults) })
            }
            ActionBody::Reopening { from } => {
                Some(ProposedAction::Reopening { from: date(*from, "/action/from", &mut faults) })
            }
            ActionBody::Adjustment { effective_date, lines: given } => Some(ProposedAction::Adjustment {
                effective_date: date(*effective_date, "/action/effective_date", &mut faults),
                lines: lines(given, &mut faults),
            }),
            ActionBody::Reversal { sequence } => Some(ProposedAction::Reversal { sequence: Sequence::new(*sequence) }),
            ActionBody::Correction { sequence, lines: given } => Some(ProposedAction::Correction {
                sequence: Sequence::new(*sequence),
                lines: lines(given, &mut faults),
            }),
            ActionBody::Erasure { account } => {
                code(account, "/action/account", &mut faults).map(|account| ProposedAction::Erasure { account })
            }
            ActionBody::Transfer { from, to, amount } => transfer(from, to, amount, &mut faults),
        };
        let Some(action) = action else { return Err(faults.problem()) };
        faults.finish()?;
        Ok(Terms::try_new(&self.reason, action)?)
    }
}

impl From<&ProposedAction> for ActionBody {
    fn from(action: &ProposedAction) -> Self {
        let bodies = |lines: &[ProposedLine]| lines.iter().map(LineBody::from).collect();
        match action {
            ProposedAction::Close { through } => Self::Close { through: *through },
            ProposedAction::Reopening { from } => Self::Reopening { from: *from },
            ProposedAction::Adjustment { effective_date, lines } => {
                Self::Adjustment { effective_date: *effective_date, lines: bodies(lines) }
            }
            ProposedAction::Reversal { sequence } => Self::Reversal { sequence: sequence.number() },
            ProposedAction::Correction { sequence, lines } => {
                Self::Correction { sequence: sequence.number(), lines: bodies(lines) }
            }
            ProposedAction::Erasure { account } => Self::Erasure { account: account.to_string() },
            ProposedAction::Transfer(transfer) => Self::Transfer {
                from: transfer.from.to_string(),
                to: transfer.to.clone().into(),
                amount: transfer.amount.into(),
            },
        }
    }
}

impl From<&ProposedLine> for LineBody {
    fn from(line: &ProposedLine) -> Self {
        let side = match line.side {
            Side::Debit => SideBody::Debit,
            Side::Credit => SideBody::Credit,
        };
        Self { account: line.account.to_string(), side, amount: line.amount.into() }
    }
}

/// A proposal as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Proposal)]
pub(in crate::operator) struct ProposalBody {
    id: Uuid,
    book: i16,
    reason: String,
    action: ActionBody,
    /// SHA-256 of what is proposed, in hexadecimal; an approval names it.
    digest: String,
    proposed_by: Uuid,
    proposed_at: DateTime<Utc>,
    /// From then on it cannot be approved any more.
    lapses_at: DateTime<Utc>,
    #[schema(value_type = words::ProposalState)]
    state: &'static str,
    /// Who approved it and so carried it out, or who withdrew it.
    decided_by: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
    /// The entry that carried it out; an erasure has none, and a transfer stands among those between books under this id.
    entry: Option<Uuid>,
}

impl From<&Proposal> for ProposalBody {
    fn from(proposal: &Proposal) -> Self {
        Self {
            id: proposal.id.uuid(),
            book: proposal.book.number(),
            reason: proposal.terms.reason().to_owned(),
            action: proposal.terms.action().into(),
            digest: hex::encode(proposal.digest),
            proposed_by: proposal.proposed_by,
            proposed_at: proposal.proposed_at,
            lapses_at: proposal.lapses_at,
            state: proposal.state.word(),
            decided_by: proposal.decided_by,
            decided_at: proposal.decided_at,
            entry: proposal.entry.map(ledger::IdempotencyKey::uuid),
        }
    }
}

/// What was seen and is approved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProposalApproval)]
pub(in crate::operator) struct Approval {
    /// The proposal's digest.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: String,
}

impl Approval {
    pub(super) fn digest(&self) -> Result<Vec<u8>, Problem> {
        let mut faults = Faults::default();
        let bytes = hex::decode(&self.digest).ok().filter(|bytes| bytes.len() == 32);
        bytes.ok_or_else(|| {
            faults.add("/digest", "digest", "take the digest from the proposal");
            faults.problem()
        })
    }
}

/// What would be booked.
#[derive(Serialize, ToSchema)]
#[schema(as = ProposalPreview)]
pub(in crate::operator) struct PreviewBody {
    /// Whether it could be carried out now.
    possible: bool,
    /// The sequence that the entry would have, the first one of a transfer; none for an erasure.
    sequence: Option<i64>,
    /// What it would leave on the accounts.
    balances: Vec<AccountBalance>,
    /// Why it would be refused, in a stable word.
    refusal: Option<&'static str>,
    /// The same in words.
    detail: Option<String>,
}

impl From<Result<Option<Receipt>, Refusal>> for PreviewBody {
    fn from(preview: Result<Option<Receipt>, Refusal>) -> Self {
        match preview {
            Ok(receipt) => Self {
                possible: true,
                sequence: receipt.as_ref().map(|receipt| receipt.sequence.number()),
                balances: receipt.iter().flat_map(|receipt| &receipt.balances).map(AccountBalance::from).collect(),
                refusal: None,
                detail: None,
            },
            Err(refusal) => Self {
                possible: false,
                sequence: None,
                balances: Vec::new(),
                refusal: Some(refusal.reason()),
                detail: Some(refusal.to_string()),
            },
        }
    }
}

/// Which proposals are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::operator) struct ProposalFilter {
    /// All when left out.
    #[param(inline)]
    pub(super) shown: Option<ShownProposals>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    pub(super) cursor: Option<String>,
}

/// Which proposals are shown.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::operator) enum ShownProposals {
    All,
    Waiting,
}

/// A page of proposals, the newest first.
#[derive(Serialize, ToSchema)]
pub(in crate::operator) struct ProposalPage {
    pub(super) items: Vec<ProposalBody>,
    /// The cursor of the next page, where there is one.
    pub(super) next: Option<String>,
}

/// A proposal's address.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::operator) struct BookAndProposal {
    #[param(minimum = 1, maximum = 32767)]
    pub(super) book: i16,
    pub(super) id: Uuid,
}
