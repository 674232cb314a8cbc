//! What is done to a book by hand: one person proposes it, another approves it, and with the approval it is carried
//! out. An approval names the digest of what was proposed, so nobody approves anything but what they saw.
//!
//! - The entry and the change of the proposal's state commit together. Approving and withdrawing at once has one winner.
//! - A proposal lapses at its time, which is looked at whenever it is read or decided; there is no timer.
//! - The name that an erasure takes from the book it takes from proposals too. One that waits then says something that
//!   nobody saw, which its digest tells: it can be withdrawn, and not approved.
//! - What could not be carried out now is not taken as a proposal. What is refused at the approval stays proposed.
//! - A transfer to another book is ordered by the approval, in one commit with the proposal's state, under the proposal's
//!   id. From then on it is a transfer like any other: recovery brings it to its end.
//! - Entries that moved the state of a business room, and accounts between books, are not for hands.

mod content;
mod error;
mod store;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

pub use content::{ProposedAction, ProposedLine, ProposedTransfer, Terms};
pub use error::ProposalError;
pub use store::ProposalsShown;

use crate::book::{PERIOD_CLOSED, PERIOD_REOPENED};
use crate::period::PeriodChange;
use crate::{
    Approvals, BookAccount, BookId, Clearing, Effect, EffectKind, Entry, EntryBuilder, EntryKind, IdempotencyKey,
    Ledger, PostError, Receipt, Refusal, Sequence, TransferId, TransferOrder, UnitOfWork,
};

platform::define_id!(ProposalId, "Something that is proposed to be done to a book by hand.");

const ADJUSTMENT: EntryKind = EntryKind::new("adjustment");
const REVERSAL: EntryKind = EntryKind::new("reversal");
const CORRECTION: EntryKind = EntryKind::new("correction");

/// Says that a proposal was carried out, if nobody decided on it and its time is not over.
static CARRIED_OUT: EffectKind = EffectKind {
    name: "proposal-carried-out",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->>'entry')::uuid as entry,
                (r->'payload'->>'book')::int2 as book,
                (r->'payload'->>'proposal')::uuid as proposal,
                (r->'payload'->>'approver')::uuid as approver
            from jsonb_array_elements($1::jsonb) r
        ), locked as (
            select p.book_id, p.proposal_id
            from ledger.proposals p
            where (p.book_id, p.proposal_id) in (select book, proposal from input)
            order by p.book_id, p.proposal_id
            for update of p
        )
        update ledger.proposals p
        set state = 'carried-out',
            decided_by = input.approver,
            decided_at = input.booked_at,
            entry_key = input.entry
        from input
        join locked on locked.book_id = input.book and locked.proposal_id = input.proposal
        where p.book_id = input.book
          and p.proposal_id = input.proposal
          and p.state = 'proposed'
          and p.lapses_at > input.booked_at
        returning input.unit",
};

/// How far a proposal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalState {
    /// Waits for another person.
    Proposed,
    /// Approved, and done in the same moment.
    CarriedOut,
    /// Taken back by a person.
    Withdrawn,
    /// Nobody approved it in time.
    Lapsed,
}

impl ProposalState {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::CarriedOut => "carried-out",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
        }
    }
}

/// A proposal as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its id.
    pub id: ProposalId,
    /// The book that it is for.
    pub book: BookId,
    /// What is proposed.
    pub terms: Terms,
    /// SHA-256 of book and terms, as they were proposed.
    pub digest: [u8; 32],
    /// Who proposed it.
    pub proposed_by: Uuid,
    /// When.
    pub proposed_at: DateTime<Utc>,
    /// From when on it cannot be approved any more.
    pub lapses_at: DateTime<Utc>,
    /// How far it came.
    pub state: ProposalState,
    /// Who approved or withdrew it.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// The entry that carried it out. An erasure has none; a transfer has the proposal's id.
    pub entry: Option<IdempotencyKey>,
}

/// What holds for all proposals.
#[derive(Clone, Debug)]
pub struct ProposalRules {
    /// How long a proposal waits.
    pub lapses_after: TimeDelta,
    /// Kinds of entries that moved the state of a business room: it has its own ways to take them back.
    pub bound_kinds: Arc<[EntryKind]>,
}

/// The proposals of one book.
#[derive(Clone)]
pub struct Proposals {
    ledger: Ledger,
    clearing: Clearing,
    rules: ProposalRules,
}

impl Proposals {
    /// The proposals of a book, which clears with others.
    #[must_use]
    pub const fn new(ledger: Ledger, clearing: Clearing, rules: ProposalRules) -> Self {
        Self { ledger, clearing, rules }
    }

    /// Keeps a proposal under an id. The same again answers what it became.
    ///
    /// # Errors
    /// [`ProposalError`] when it could not be carried out now, or the id was used for another one.
    pub async fn propose(&self, id: ProposalId, terms: &Terms, by: Uuid) -> Result<Proposal, ProposalError> {
        let now = self.ledger.now();
        let digest = terms.digest(self.ledger.book());
        if let Some(known) = store::find(&self.ledger, id, now).await? {
            return if known.digest == digest { Ok(known) } else { Err(ProposalError::IdReused(id)) };
        }
        if let Some(refusal) = self.preview(terms, by).await?.err() {
            return Err(terms.refused(refusal));
        }
        store::insert(&self.ledger, id, terms, digest, by, now, now + self.rules.lapses_after).await?;
        self.get(id).await
    }

    /// What carrying it out now would leave, or why it would be refused; writes nothing. `None` for an erasure, which
    /// books nothing.
    ///
    /// # Errors
    /// [`ProposalError`] when it is nothing that could be booked.
    pub async fn preview(&self, terms: &Terms, by: Uuid) -> Result<Result<Option<Receipt>, Refusal>, ProposalError> {
        // Whoever approves is another person, and does not count for what is left.
        let approvals = Approvals::try_new(by, Uuid::from_u128(!by.as_u128()))?;
        match self.entry(terms, approvals).await? {
            None => Ok(Ok(None)),
            Some(entry) => {
                let unit = UnitOfWork::new(IdempotencyKey::generate(), entry);
                match self.ledger.dry_run(unit).await {
                    Ok(receipt) => Ok(Ok(Some(receipt))),
                    Err(PostError::Refused(refusal)) => Ok(Err(refusal)),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Approves a proposal, and so carries it out. The same person's approval again answers the same.
    ///
    /// # Errors
    /// [`ProposalError::SamePerson`], [`ProposalError::OtherContent`], [`ProposalError::WrongState`];
    /// [`ProposalError::Rewritten`] when a name in it was erased meanwhile; or why it cannot be carried out: then it
    /// stays proposed.
    pub async fn approve(&self, id: ProposalId, digest: &[u8], by: Uuid) -> Result<Proposal, ProposalError> {
        let proposal = self.get(id).await?;
        if proposal.digest != digest {
            return Err(ProposalError::OtherContent(id));
        }
        let was_first =
            |proposal: &Proposal| proposal.state == ProposalState::CarriedOut && proposal.decided_by == Some(by);
        if was_first(&proposal) {
            return Ok(proposal);
        }
        proposal.require_proposed("approved")?;
        if proposal.terms.digest(proposal.book) != proposal.digest {
            return Err(ProposalError::Rewritten(id));
        }
        let approvals = Approvals::try_new(proposal.proposed_by, by)?;
        match (&proposal.terms.action, self.entry(&proposal.terms, approvals).await?) {
            (ProposedAction::Erasure { account }, _) => store::erase(&self.ledger, id, account, by).await?,
            (ProposedAction::Transfer(transfer), Some(departure)) => {
                let order = self.order(TransferId::from_uuid(id.uuid()), &proposal.terms, transfer);
                self.transfer(&proposal, departure, &order, by).await?;
            }
            (_, Some(entry)) => self.book(&proposal, entry, by).await?,
            (_, None) => return Err(ProposalError::NothingToBook(id)),
        }
        // Somebody else may have decided first; the state says who did.
        let proposal = self.get(id).await?;
        if was_first(&proposal) {
            return Ok(proposal);
        }
        proposal.require_proposed("approved")?;
        Err(ProposalError::Overtaken(id))
    }

    /// Books the entry with the change of state, unless somebody else decided first.
    async fn book(&self, proposal: &Proposal, entry: Entry, by: Uuid) -> Result<(), ProposalError> {
        let payload = json!({ "book": proposal.book.number(), "proposal": proposal.id, "approver": by });
        let unit = UnitOfWork::new(IdempotencyKey::derived(proposal.id.uuid(), "carried-out"), entry)
            .causing(Effect::try_new(&CARRIED_OUT, &payload)?);
        match self.ledger.post(unit).await {
            // Of two who approve at once, the later one is told of the first one's entry, or that it is another one.
            Ok(_) | Err(PostError::Refused(Refusal::EffectNotApplicable { .. } | Refusal::KeyReused)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Orders the transfer with the change of state, unless somebody else decided first, and brings it to its end.
    async fn transfer(
        &self,
        proposal: &Proposal,
        departure: Entry,
        order: &TransferOrder,
        by: Uuid,
    ) -> Result<(), ProposalError> {
        match self.ledger.dry_run(UnitOfWork::new(IdempotencyKey::generate(), departure)).await {
            Ok(_) => {}
            Err(PostError::Refused(refusal)) => return Err(proposal.terms.refused(refusal)),
            Err(error) => return Err(error.into()),
        }
        if store::order(&self.ledger, proposal.id, order, by).await?
            && let Err(error) = self.clearing.transfer(order).await
        {
            // It is ordered, and recovery sees to it.
            tracing::warn!(transfer = %order.id, %error, "a transfer that was approved is left to recovery");
        }
        Ok(())
    }

    fn order(&self, id: TransferId, terms: &Terms, transfer: &ProposedTransfer) -> TransferOrder {
        TransferOrder {
            id,
            from: BookAccount { book: self.ledger.book(), account: transfer.from.clone() },
            to: transfer.to.clone(),
            amount: transfer.amount,
            description: Some(terms.reason.clone()),
        }
    }

    /// Takes a proposal back that nobody has approved. Who proposed it may, and anybody else who may approve.
    ///
    /// # Errors
    /// [`ProposalError::WrongState`] when it was decided on.
    pub async fn withdraw(&self, id: ProposalId, by: Uuid) -> Result<Proposal, ProposalError> {
        let done = store::withdraw(&self.ledger, id, by).await?;
        let proposal = self.get(id).await?;
        if done || (proposal.state == ProposalState::Withdrawn && proposal.decided_by == Some(by)) {
            return Ok(proposal);
        }
        proposal.require_proposed("withdrawn")?;
        Err(ProposalError::Overtaken(id))
    }

    /// A proposal as it stands.
    ///
    /// # Errors
    /// [`ProposalError::Unknown`].
    pub async fn get(&self, id: ProposalId) -> Result<Proposal, ProposalError> {
        store::find(&self.ledger, id, self.ledger.now()).await?.ok_or(ProposalError::Unknown(id))
    }

    /// Proposals, the newest first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(
        &self,
        shown: ProposalsShown,
        after: Option<(DateTime<Utc>, ProposalId)>,
        limit: i64,
    ) -> Result<Vec<Proposal>, ProposalError> {
        store::list(&self.ledger, shown, after, limit, self.ledger.now()).await
    }

    /// The entry that carries it out, the first one of a transfer; none for an erasure.
    async fn entry(&self, terms: &Terms, approvals: Approvals) -> Result<Option<Entry>, ProposalError> {
        let today = self.ledger.today();
        let builder = match &terms.action {
            ProposedAction::Close { through } => {
                let change = PeriodChange::Closed { through: *through, approver: approvals.second() };
                Entry::builder(PERIOD_CLOSED, today).period(change)
            }
            ProposedAction::Reopening { from } => {
                Entry::builder(PERIOD_REOPENED, today).period(PeriodChange::Reopened { from: *from, approvals })
            }
            ProposedAction::Adjustment { effective_date, lines } => {
                with_lines(Entry::builder(ADJUSTMENT, *effective_date).adjusting(approvals), lines)?
            }
            ProposedAction::Reversal { sequence } => self.turned_round(*sequence, REVERSAL).await?,
            ProposedAction::Correction { sequence, lines } => {
                with_lines(self.turned_round(*sequence, CORRECTION).await?, lines)?
            }
            ProposedAction::Erasure { account } => {
                return match store::is_erasable(&self.ledger, account).await? {
                    true => Ok(None),
                    false => Err(ProposalError::NotErasable(account.clone())),
                };
            }
            ProposedAction::Transfer(transfer) => {
                // Under which id it leaves does not count for what it leaves.
                let order = self.order(TransferId::generate(), terms, transfer);
                return Ok(Some(self.clearing.departure(&order)?));
            }
        };
        Ok(Some(builder.description(terms.reason.as_str()).build()?))
    }

    async fn turned_round(&self, sequence: Sequence, kind: EntryKind) -> Result<EntryBuilder, ProposalError> {
        let reversal = self.ledger.reversal(sequence, kind).await?;
        let reversed = store::kind_of(&self.ledger, sequence).await?;
        if reversed.starts_with("transfer-") || self.rules.bound_kinds.iter().any(|bound| bound.name() == reversed) {
            return Err(ProposalError::Bound { sequence, kind: reversed });
        }
        Ok(reversal)
    }
}

impl Terms {
    /// Why they cannot be carried out.
    fn refused(&self, refusal: Refusal) -> ProposalError {
        match self.action {
            ProposedAction::Transfer(_) => ProposalError::NotDeparting(refusal),
            _ => PostError::Refused(refusal).into(),
        }
    }
}

impl Proposal {
    fn require_proposed(&self, wanted: &'static str) -> Result<(), ProposalError> {
        match self.state {
            ProposalState::Proposed => Ok(()),
            state => Err(ProposalError::WrongState { state: state.word(), wanted }),
        }
    }
}

fn with_lines(mut entry: EntryBuilder, lines: &[ProposedLine]) -> Result<EntryBuilder, ProposalError> {
    for line in lines {
        if line.account.segments().nth(1) == Some("clearing") {
            return Err(ProposalError::ClearingAccount(line.account.clone()));
        }
        let (account, amount) = (line.account.clone(), line.amount);
        entry = match line.side {
            crate::Side::Debit => entry.debit(account, amount),
            crate::Side::Credit => entry.credit(account, amount),
        };
    }
    Ok(entry)
}
