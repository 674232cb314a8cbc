use super::*;
use proptest::prelude::*;

fn memory() -> Accounts {
    let mut accounts = Accounts::default();
    for (code, floor) in
        [("assets:pay-in:bank", None), ("liabilities:wallets:a", Some(0)), ("liabilities:wallets:b", Some(0))]
    {
        let code = AccountCode::try_new(code).expect("a code");
        accounts.remember(Account::stored(code, crate::Currency::EUR.into(), 1, floor, [0; 32], 0));
    }
    accounts
}

fn book(accounts: &mut Accounts, amounts: &[(Slot, i64)], after: &mut Vec<i64>) -> Result<(), Refusal> {
    let booking = Booking { amounts: amounts.to_vec(), ..Booking::default() };
    let turn = Turn { at: DateTime::UNIX_EPOCH, sequence: 1, effective_date: NaiveDate::default() };
    let mut traces = Traces { balances: std::mem::take(after), ..Traces::default() };
    let applied = accounts.apply(&booking, turn, &mut traces);
    *after = traces.balances;
    applied
}

proptest! {
    #[test]
    fn no_floor_is_crossed_and_a_refusal_leaves_no_trace(
        transfers in proptest::collection::vec((0..3_usize, 0..3_usize, 1..100_i64), 1..40),
    ) {
        let mut accounts = memory();
        accounts.begin_attempt();
        let mut model = [0_i64; 3];
        for (from, to, amount) in transfers {
            let mut after = Vec::new();
            let mut next = model;
            next[from] += amount;
            next[to] -= amount;
            let allowed = next[1] <= 0 && next[2] <= 0;
            let answer = book(&mut accounts, &[(from, amount), (to, -amount)], &mut after);
            prop_assert_eq!(answer.is_ok(), allowed);
            if allowed {
                model = next;
                prop_assert_eq!(after.len(), 2);
            } else {
                prop_assert!(after.is_empty());
            }
            for (slot, balance) in model.iter().enumerate() {
                prop_assert_eq!(accounts.tentative_balance(slot), *balance);
            }
        }
    }
}

#[test]
fn an_attempt_that_is_not_committed_is_forgotten() {
    let mut accounts = memory();
    accounts.begin_attempt();
    book(&mut accounts, &[(0, 5), (1, -5)], &mut Vec::new()).expect("allowed");
    accounts.begin_attempt();
    assert_eq!(accounts.tentative_balance(1), 0);
    assert!(book(&mut accounts, &[(1, 5), (2, -5)], &mut Vec::new()).is_err());
}

#[test]
fn a_balance_beyond_64_bits_is_refused() {
    let mut accounts = memory();
    accounts.begin_attempt();
    book(&mut accounts, &[(0, i64::MAX), (1, -i64::MAX)], &mut Vec::new()).expect("allowed");
    let answer = book(&mut accounts, &[(1, -1), (0, 1)], &mut Vec::new());
    assert!(matches!(answer, Err(Refusal::BalanceTooLarge(_))));
    assert_eq!(accounts.tentative_balance(1), -i64::MAX);
}
