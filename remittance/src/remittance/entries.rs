//! The entries of each step. Revenue is earned at the payout, never before.

use chrono::NaiveDate;
use ledger::{AccountCode, Entry, EntryBuilder, EntryKind, Money};

use super::{Placement, Remittance};
use crate::{Error, SenderId};

const FUNDED: EntryKind = EntryKind::new("remittance-funded");
const PAID_OUT: EntryKind = EntryKind::new("remittance-paid-out");
const REFUNDED: EntryKind = EntryKind::new("remittance-refunded");
const CANCELLED: EntryKind = EntryKind::new("remittance-cancelled");
const CREDITED: EntryKind = EntryKind::new("pay-in-credited");

/// All entries of this room. Each moves a remittance or a pay-in with it, so none is taken back by hand.
pub const ENTRY_KINDS: &[EntryKind] = &[FUNDED, PAID_OUT, REFUNDED, CANCELLED, CREDITED];

fn in_transit(remittance: &Remittance) -> Result<AccountCode, Error> {
    Ok(AccountCode::held_by("liabilities:in-transit", &remittance.corridor)?)
}

pub(super) fn wallet(sender: SenderId) -> Result<AccountCode, Error> {
    Ok(AccountCode::held_by("liabilities:wallets", sender)?)
}

fn fx_position() -> Result<AccountCode, Error> {
    Ok(AccountCode::try_new("equity:fx-position")?)
}

fn held(remittance: &Remittance) -> Result<Money, Error> {
    Ok(remittance.family.checked_add(remittance.fee)?)
}

fn about(kind: EntryKind, date: NaiveDate, remittance: &Remittance) -> EntryBuilder {
    Entry::builder(kind, date).description(&remittance.reference).subject(remittance.id.uuid())
}

fn placed(placement: &Placement, remittance: &Remittance) -> Money {
    Money::from_minor(placement.allocation.minor, remittance.source())
}

/// The pay-in arrived: it is in transit, and the other parts are where they belong.
pub(super) fn funded(
    date: NaiveDate,
    remittance: &Remittance,
    provider: &str,
    placements: &[Placement],
) -> Result<Entry, Error> {
    let pay_in = AccountCode::held_by("assets:pay-in", provider)?;
    let mut entry = about(FUNDED, date, remittance)
        .debit(pay_in, remittance.to_pay()?)
        .credit(in_transit(remittance)?, held(remittance)?);
    for placement in placements {
        entry = entry.credit(placement.account.clone(), placed(placement, remittance));
    }
    Ok(entry.build()?)
}

/// The institution paid: fee and margin are earned, and the institution is owed what it paid.
pub(super) fn paid_out(date: NaiveDate, remittance: &Remittance) -> Result<Entry, Error> {
    let payables = AccountCode::held_by("liabilities:payables", &remittance.institution)?;
    let mut entry = about(PAID_OUT, date, remittance).debit(in_transit(remittance)?, held(remittance)?);
    if remittance.fee.is_positive() {
        entry = entry.credit(AccountCode::held_by("revenue:fees", &remittance.corridor)?, remittance.fee);
    }
    if remittance.source() == remittance.received.currency() {
        return Ok(entry.credit(payables, remittance.received).build()?);
    }
    entry = entry
        .credit(fx_position()?, remittance.family)
        .debit(fx_position()?, remittance.at_mid)
        .credit(payables, remittance.received);
    let margin = remittance.at_mid.checked_sub(remittance.received)?;
    let revenue = AccountCode::held_by("revenue:fx-margin", &remittance.corridor)?;
    // A margin of zero can round to a unit against us.
    entry = match margin.minor() {
        0 => entry,
        minor if minor > 0 => entry.credit(revenue, margin),
        _ => entry.debit(revenue, margin.checked_neg()?),
    };
    Ok(entry.build()?)
}

/// The institution could not pay: the sender has the family's part and the fee back.
pub(super) fn refunded(date: NaiveDate, remittance: &Remittance) -> Result<Entry, Error> {
    let amount = held(remittance)?;
    Ok(about(REFUNDED, date, remittance)
        .debit(in_transit(remittance)?, amount)
        .credit(wallet(remittance.sender)?, amount)
        .build()?)
}

/// The sender gave it up in time: everything goes back, the other parts too where they still can.
pub(super) fn cancelled(date: NaiveDate, remittance: &Remittance, withdrawn: &[Placement]) -> Result<Entry, Error> {
    let mut amount = held(remittance)?;
    let mut entry = about(CANCELLED, date, remittance).debit(in_transit(remittance)?, amount);
    for placement in withdrawn {
        let part = placed(placement, remittance);
        amount = amount.checked_add(part)?;
        entry = entry.debit(placement.account.clone(), part);
    }
    Ok(entry.credit(wallet(remittance.sender)?, amount).build()?)
}

/// A pay-in that fits no remittance is the sender's all the same.
pub(crate) fn pay_in_credited(
    date: NaiveDate,
    remittance: &Remittance,
    provider: &str,
    amount: Money,
) -> Result<Entry, Error> {
    Ok(about(CREDITED, date, remittance)
        .debit(AccountCode::held_by("assets:pay-in", provider)?, amount)
        .credit(wallet(remittance.sender)?, amount)
        .build()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quote::Allocation;
    use crate::{BeneficiaryId, RemittanceId, State};
    use ledger::{Currency, Effect, EffectKind};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use uuid::Uuid;

    static NOTHING: EffectKind = EffectKind { name: "nothing", statement: "" };

    fn remittance(family: i64, fee: i64, allocated: i64, at_mid: i64, received: i64) -> Remittance {
        let euro = |minor| Money::from_minor(minor, Currency::EUR);
        let franc = |minor| Money::from_minor(minor, Currency::XOF);
        Remittance {
            id: RemittanceId::generate(),
            sender: SenderId::generate(),
            beneficiary: BeneficiaryId::generate(),
            institution: "caisse-thies".to_owned(),
            corridor: crate::corridor::stored("eur-xof".to_owned()),
            reference: "TRG-00000-00000".to_owned(),
            state: State::Funded,
            sent: euro(family + allocated),
            fee: euro(fee),
            family: euro(family),
            at_mid: franc(at_mid),
            received: franc(received),
            rate: crate::rate::Rate::ONE,
            mid_rate: crate::rate::Rate::ONE,
            allocations: Vec::new(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            pay_by: chrono::DateTime::UNIX_EPOCH,
            funded_at: None,
        }
    }

    fn placements(allocated: i64) -> Vec<Placement> {
        if allocated == 0 {
            return Vec::new();
        }
        let project = Uuid::now_v7();
        vec![Placement {
            allocation: Allocation { project, minor: allocated },
            account: AccountCode::held_by("liabilities:escrow", project).expect("a code"),
            effect: Effect::try_new(&NOTHING, &()).expect("an effect"),
        }]
    }

    fn sums(entries: &[Entry]) -> BTreeMap<(String, ledger::Commodity), i64> {
        let mut sums = BTreeMap::new();
        for posting in entries.iter().flat_map(Entry::postings) {
            *sums.entry((posting.account().to_string(), posting.amount().commodity())).or_default() +=
                posting.amount().minor();
        }
        sums.retain(|_, sum| *sum != 0);
        sums
    }

    #[test]
    fn the_textbook_remittance_is_booked_as_the_book_says() -> Result<(), Error> {
        let remittance = remittance(10_000, 150, 0, 65_596, 65_268);
        let date = NaiveDate::default();
        let all = [funded(date, &remittance, "bank", &[])?, paid_out(date, &remittance)?];
        let sums = sums(&all);
        let expected = [
            (("assets:pay-in:bank", Currency::EUR), 10_150),
            (("equity:fx-position", Currency::EUR), -10_000),
            (("equity:fx-position", Currency::XOF), 65_596),
            (("liabilities:payables:caisse-thies", Currency::XOF), -65_268),
            (("revenue:fees:eur-xof", Currency::EUR), -150),
            (("revenue:fx-margin:eur-xof", Currency::XOF), -328),
        ];
        let expected: BTreeMap<_, _> =
            expected.into_iter().map(|((code, currency), sum)| ((code.to_owned(), currency.into()), sum)).collect();
        assert_eq!(sums, expected);
        Ok(())
    }

    proptest! {
        #[test]
        fn nothing_stays_in_transit_whatever_the_end(
            family in 1..1_000_000_i64,
            fee in 0..5_000_i64,
            allocated in 0..100_000_i64,
            at_mid in 1_000..1_000_000_i64,
            margin in -1..900_i64,
        ) {
            let remittance = remittance(family, fee, allocated, at_mid, at_mid - margin);
            let date = NaiveDate::default();
            let placements = placements(allocated);
            let paid_in = funded(date, &remittance, "bank", &placements).expect("balanced");
            let ends = [
                paid_out(date, &remittance).expect("balanced"),
                refunded(date, &remittance).expect("balanced"),
                cancelled(date, &remittance, &placements).expect("balanced"),
            ];
            for (index, end) in ends.into_iter().enumerate() {
                let sums = sums(&[paid_in.clone(), end]);
                prop_assert!(!sums.keys().any(|(code, _)| code.starts_with("liabilities:in-transit")));
                let back = sums.get(&(format!("liabilities:wallets:{}", remittance.sender), Currency::EUR.into())).copied();
                let expected = [None, Some(-(family + fee)), Some(-(family + fee + allocated))];
                prop_assert_eq!(back, expected[index]);
            }
        }
    }
}
