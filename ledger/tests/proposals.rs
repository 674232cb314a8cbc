//! What is done by hand takes two people, who see the same.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ledger::{
    AsOf, BookAccount, BookId, BookSettings, Chart, Clearing, ClearingError, Currency, EntryKind, Ledger, PostError,
    Proposal, ProposalError, ProposalId, ProposalRules, ProposalState, Proposals, ProposalsShown, ProposedAction,
    ProposedLine, ProposedTransfer, Refusal, Side, Terms, TransferId, TransferState,
};
use platform::clock::Clock;
use platform::testing::TestDatabase;
use uuid::Uuid;

use crate::fixture::{CHART, LedgerFixture, Result, account, euro, open, unit};

const BANK: &str = "assets:pay-in:bank";
const CAPITAL: &str = "equity:capital";
const AMINA: &str = "liabilities:wallets:amina";
const BOUND: EntryKind = EntryKind::new("remittance-funded");

fn rules() -> ProposalRules {
    ProposalRules { lapses_after: TimeDelta::days(7), bound_kinds: Arc::new([BOUND]) }
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}T12:00:00Z").parse().expect("a time")
}

fn lines(debit: &str, credit: &str, cents: i64) -> Vec<ProposedLine> {
    let line = |code: &str, side| ProposedLine { account: account(code), side, amount: euro(cents) };
    vec![line(debit, Side::Debit), line(credit, Side::Credit)]
}

fn terms(action: ProposedAction) -> Terms {
    Terms::try_new("as the auditors ask", action).expect("terms")
}

/// The proposals of a book that is alone.
fn proposals_of(ledger: &Ledger) -> Result<Proposals> {
    Ok(Proposals::new(ledger.clone(), Clearing::try_new(ledger.clone(), Vec::new())?, rules()))
}

async fn propose(proposals: &Proposals, action: ProposedAction, by: Uuid) -> Result<Proposal> {
    Ok(proposals.propose(ProposalId::generate(), &terms(action), by).await?)
}

async fn wallet(ledger: &Ledger) -> Result<i64> {
    Ok(ledger.balance(&account(AMINA), Currency::EUR, AsOf::Now).await?.minor())
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_adjusting_and_reopening_take_two_people_and_the_very_content() -> Result {
    let test = TestDatabase::create().await?;
    let (ledger, _writer) = open(&test.database()?, Clock::fixed(at("2026-02-03"))).await?;
    let proposals = proposals_of(&ledger)?;
    let (aissatou, binta) = (Uuid::now_v7(), Uuid::now_v7());
    ledger.post(unit(&ledger, AMINA, BANK, euro(1_000))).await?;
    let close = propose(&proposals, ProposedAction::Close { through: date("2026-01-31") }, aissatou).await?;
    let alone = proposals.approve(close.id, &close.digest, aissatou).await;
    assert!(matches!(alone, Err(ProposalError::SamePerson(_))), "{alone:?}");
    let unseen = proposals.approve(close.id, &[0; 32], binta).await;
    assert!(matches!(unseen, Err(ProposalError::OtherContent(_))), "{unseen:?}");
    let done = proposals.approve(close.id, &close.digest, binta).await?;
    assert_eq!((done.state, done.decided_by), (ProposalState::CarriedOut, Some(binta)));
    assert_eq!(proposals.approve(close.id, &close.digest, binta).await?, done, "a retry answers the same");
    let late = proposals.withdraw(close.id, aissatou).await;
    assert!(matches!(late, Err(ProposalError::WrongState { .. })), "{late:?}");

    let adjust =
        |cents| ProposedAction::Adjustment { effective_date: date("2026-01-31"), lines: lines(AMINA, BANK, cents) };
    let too_much = proposals.propose(ProposalId::generate(), &terms(adjust(1_001)), aissatou).await;
    assert!(matches!(too_much, Err(ProposalError::Post(PostError::Refused(Refusal::BelowFloor { .. })))));
    let preview = proposals.preview(&terms(adjust(400)), aissatou).await??.ok_or("a receipt")?;
    assert_eq!(preview.balances[0].on_normal_side(), euro(600));
    assert_eq!(wallet(&ledger).await?, 1_000, "a preview writes nothing");
    let [first, second] =
        [propose(&proposals, adjust(600), aissatou).await?, propose(&proposals, adjust(600), binta).await?];
    proposals.approve(first.id, &first.digest, binta).await?;
    assert_eq!(wallet(&ledger).await?, 400);
    let refused = proposals.approve(second.id, &second.digest, aissatou).await;
    assert!(matches!(refused, Err(ProposalError::Post(PostError::Refused(Refusal::BelowFloor { .. })))));
    assert_eq!(proposals.get(second.id).await?.state, ProposalState::Proposed, "what is refused stays proposed");
    assert_eq!(proposals.list(ProposalsShown::Waiting, None, 10).await?.len(), 1);
    assert_eq!(proposals.withdraw(second.id, binta).await?.state, ProposalState::Withdrawn);

    let reopening = propose(&proposals, ProposedAction::Reopening { from: date("2026-01-01") }, binta).await?;
    proposals.approve(reopening.id, &reopening.digest, aissatou).await?;
    let all = proposals.list(ProposalsShown::All, None, 3).await?;
    let rest = proposals.list(ProposalsShown::All, all.last().map(|last| (last.proposed_at, last.id)), 3).await?;
    assert_eq!((all.len(), rest.len()), (3, 1));
    assert_eq!(ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_taken_back_by_hand_unless_a_room_moved_with_it() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let proposals = proposals_of(ledger)?;
    let (aissatou, binta) = (Uuid::now_v7(), Uuid::now_v7());
    let wrong = ledger.post(unit(ledger, AMINA, BANK, euro(1_000))).await?.sequence;
    let corrected = ProposedAction::Correction { sequence: wrong, lines: lines(BANK, AMINA, 100) };
    let correction = propose(&proposals, corrected, aissatou).await?;
    let reversal = propose(&proposals, ProposedAction::Reversal { sequence: wrong }, aissatou).await?;
    proposals.approve(correction.id, &correction.digest, binta).await?;
    assert_eq!(wallet(ledger).await?, 100);
    let twice = proposals.approve(reversal.id, &reversal.digest, binta).await;
    assert!(matches!(twice, Err(ProposalError::Post(PostError::Refused(Refusal::AlreadyReversed(_))))), "{twice:?}");

    let entry = ledger::Entry::builder(BOUND, ledger.today())
        .debit(account(BANK), euro(5))
        .credit(account(AMINA), euro(5))
        .build()?;
    let bound = ledger.post(ledger::UnitOfWork::new(ledger::IdempotencyKey::generate(), entry)).await?.sequence;
    let bound = propose(&proposals, ProposedAction::Reversal { sequence: bound }, aissatou).await;
    assert!(bound.is_err_and(|error| error.to_string().contains("remittance-funded")));
    let clearing = ProposedAction::Adjustment {
        effective_date: ledger.today(),
        lines: lines("assets:clearing:book-2", CAPITAL, 5),
    };
    let clearing = proposals.propose(ProposalId::generate(), &terms(clearing), aissatou).await;
    assert!(matches!(clearing, Err(ProposalError::ClearingAccount(_))), "{clearing:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_decide_at_once_one_is_heard() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let proposals = proposals_of(ledger)?;
    for round in 0..6_u8 {
        let by = Uuid::now_v7();
        let action = ProposedAction::Adjustment { effective_date: ledger.today(), lines: lines(BANK, AMINA, 100) };
        let before = ledger.head().await?;
        let proposal = propose(&proposals, action, by).await?;
        // Nobody begins before all are there.
        let start = Arc::new(tokio::sync::Barrier::new(8));
        let deciders = (0..8_u8).map(|place| {
            let (proposals, start) = (proposals.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                let person = Uuid::now_v7();
                start.wait().await;
                if (place + round) % 4 == 0 {
                    proposals.withdraw(proposal.id, person).await.is_ok()
                } else {
                    proposals.approve(proposal.id, &proposal.digest, person).await.is_ok()
                }
            })
        });
        let mut heard = 0;
        for decider in deciders.collect::<Vec<_>>() {
            heard += usize::from(decider.await?);
        }
        assert_eq!(heard, 1);
        let booked = ledger.head().await?.number() - before.number();
        let state = proposals.get(proposal.id).await?.state;
        assert_eq!(booked, i64::from(state == ProposalState::CarriedOut));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_lapses_at_its_very_moment() -> Result {
    let test = TestDatabase::create().await?;
    let database = test.database()?;
    let (ledger, writer) = open(&database, Clock::fixed(at("2026-02-03"))).await?;
    let proposals = proposals_of(&ledger)?;
    let proposal = propose(&proposals, ProposedAction::Close { through: date("2026-01-31") }, Uuid::now_v7()).await?;
    drop((proposals, ledger));
    writer.finished().await;
    let (ledger, _writer) = open(&database, Clock::fixed(at("2026-02-10"))).await?;
    let proposals = proposals_of(&ledger)?;
    assert_eq!(proposals.get(proposal.id).await?.state, ProposalState::Lapsed);
    let late = proposals.approve(proposal.id, &proposal.digest, Uuid::now_v7()).await;
    assert!(matches!(late, Err(ProposalError::WrongState { state: "lapsed", .. })), "{late:?}");
    let late = proposals.withdraw(proposal.id, Uuid::now_v7()).await;
    assert!(matches!(late, Err(ProposalError::WrongState { state: "lapsed", .. })), "{late:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_erased_by_two_and_no_process_books_on_it_any_more() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let (other, _writer) = open(&fixture.test.database()?, Clock::system()).await?;
    let proposals = proposals_of(ledger)?;
    let (aissatou, binta) = (Uuid::now_v7(), Uuid::now_v7());
    ledger.post(unit(ledger, AMINA, BANK, euro(10))).await?;
    let erase = ProposedAction::Erasure { account: account(AMINA) };
    let holding = proposals.propose(ProposalId::generate(), &terms(erase.clone()), aissatou).await;
    assert!(matches!(holding, Err(ProposalError::NotErasable(_))), "{holding:?}");
    // Both processes know the account by its name, and an attempt that was refused names it.
    assert!(ledger.post(unit(ledger, BANK, AMINA, euro(11))).await.is_err());
    other.post(unit(&other, BANK, AMINA, euro(10))).await?;
    ledger.post(unit(ledger, CAPITAL, BANK, euro(1))).await?;
    other.post(unit(&other, CAPITAL, BANK, euro(1))).await?;

    let proposal = propose(&proposals, erase.clone(), aissatou).await?;
    let done = proposals.approve(proposal.id, &proposal.digest, binta).await?;
    assert_eq!((done.state, done.entry), (ProposalState::CarriedOut, None));
    assert_eq!(proposals.approve(proposal.id, &proposal.digest, binta).await?.state, ProposalState::CarriedOut);
    let again = proposals.propose(ProposalId::generate(), &terms(erase), aissatou).await;
    assert!(matches!(again, Err(ProposalError::NotErasable(_))), "{again:?}");
    // What comes under the old name is another account; the erased one is touched by nobody.
    let erased = ledger.trial_balance(AsOf::Now).await?.balances;
    let erased = erased.iter().find(|balance| balance.account.is_erased()).ok_or("an erased account")?;
    for process in [&other, ledger] {
        process.post(unit(process, AMINA, BANK, euro(1))).await?;
        let refused = process.post(unit(process, erased.account.as_str(), BANK, euro(1))).await;
        assert!(matches!(refused, Err(PostError::Refused(Refusal::AccountErased(_)))), "{refused:?}");
    }
    assert_eq!(ledger.balance(&erased.account, Currency::EUR, AsOf::Now).await?, euro(0));
    assert_eq!(wallet(ledger).await?, 2);
    assert!(!format!("{:?}", proposals.get(proposal.id).await?).contains("amina"));
    assert_eq!(ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_erasure_rewrote_is_booked_by_nobody() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let proposals = proposals_of(ledger)?;
    let (aissatou, binta) = (Uuid::now_v7(), Uuid::now_v7());
    ledger.post(unit(ledger, AMINA, BANK, euro(10))).await?;
    ledger.post(unit(ledger, BANK, AMINA, euro(10))).await?;
    let gift = ProposedAction::Adjustment { effective_date: ledger.today(), lines: lines(BANK, AMINA, 500) };
    let gift = propose(&proposals, gift, aissatou).await?;
    let erasure = propose(&proposals, ProposedAction::Erasure { account: account(AMINA) }, aissatou).await?;
    proposals.approve(erasure.id, &erasure.digest, binta).await?;
    let head = ledger.head().await?;
    let rewritten = proposals.get(gift.id).await?;
    assert_ne!(rewritten.terms, gift.terms);
    let approved = proposals.approve(gift.id, &rewritten.digest, binta).await;
    assert!(matches!(approved, Err(ProposalError::Rewritten(_))), "{approved:?}");
    assert_eq!(ledger.head().await?, head, "nothing is booked");
    assert_eq!(proposals.withdraw(gift.id, binta).await?.state, ProposalState::Withdrawn);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_to_another_book_when_two_people_say_so() -> Result {
    const BABACAR: &str = "liabilities:wallets:babacar";
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let second = BookSettings {
        book: BookId::new(2),
        name: "mali".to_owned(),
        chart: Chart::from_toml(CHART)?,
        clock: Clock::system(),
        observer: None,
    };
    let (second, _writer) = Ledger::open(fixture.database.clone(), second).await?;
    let clearing = Clearing::try_new(ledger.clone(), vec![second.clone()])?;
    let proposals = Proposals::new(ledger.clone(), clearing.clone(), rules());
    let (aissatou, binta) = (Uuid::now_v7(), Uuid::now_v7());
    ledger.post(unit(ledger, AMINA, BANK, euro(1_000))).await?;
    let to = |book, cents| {
        let to = BookAccount { book: BookId::new(book), account: account(BABACAR) };
        ProposedAction::Transfer(ProposedTransfer { from: account(AMINA), to, amount: euro(cents) })
    };
    let proposal = propose(&proposals, to(2, 600), aissatou).await?;
    let another = propose(&proposals, to(2, 600), binta).await?;
    assert_eq!(proposals.get(proposal.id).await?.terms, terms(to(2, 600)), "it is kept as it was proposed");
    let alone = proposals.approve(proposal.id, &proposal.digest, aissatou).await;
    assert!(matches!(alone, Err(ProposalError::SamePerson(_))), "{alone:?}");
    assert_eq!((wallet(ledger).await?, ledger.head().await?.number()), (1_000, 1), "nothing is booked by one");

    let done = proposals.approve(proposal.id, &proposal.digest, binta).await?;
    assert_eq!((done.state, done.entry), (ProposalState::CarriedOut, None));
    assert_eq!(proposals.approve(proposal.id, &proposal.digest, binta).await?, done, "a retry answers the same");
    let ordered = clearing.get(BookId::FIRST, TransferId::from_uuid(proposal.id.uuid())).await?;
    assert_eq!(
        (ordered.state, ordered.order.description.as_deref()),
        (TransferState::Arrived, Some("as the auditors ask"))
    );
    assert_eq!(wallet(ledger).await?, 400);
    assert_eq!(second.balance(&account(BABACAR), Currency::EUR, AsOf::Now).await?, euro(600));

    let refused = proposals.approve(another.id, &another.digest, aissatou).await;
    assert!(matches!(refused, Err(ProposalError::NotDeparting(Refusal::BelowFloor { .. }))), "{refused:?}");
    assert_eq!(proposals.get(another.id).await?.state, ProposalState::Proposed);
    let too_much = proposals.propose(ProposalId::generate(), &terms(to(2, 401)), aissatou).await;
    assert!(matches!(too_much, Err(ProposalError::NotDeparting(Refusal::BelowFloor { .. }))), "{too_much:?}");
    for (book, fault) in [(1, "both accounts are in book 1"), (3, "book 3 is not open here")] {
        let nowhere = proposals.propose(ProposalId::generate(), &terms(to(book, 1)), aissatou).await;
        assert!(
            matches!(&nowhere, Err(ProposalError::Transfer(error)) if error.to_string().contains(fault)),
            "{nowhere:?}"
        );
    }
    let through = ProposedAction::Transfer(ProposedTransfer {
        from: account("liabilities:clearing:book-2"),
        to: BookAccount { book: BookId::new(2), account: account(BABACAR) },
        amount: euro(1),
    });
    let through = proposals.propose(ProposalId::generate(), &terms(through), aissatou).await;
    assert!(matches!(through, Err(ProposalError::Transfer(ClearingError::ClearingAccount(_)))), "{through:?}");
    assert!(clearing.differences().await?.is_empty());
    Ok(())
}
