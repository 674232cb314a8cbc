use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const BIRTHDAY: i64 = 2_000;

fn euro(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

fn code(number: usize) -> InstitutionCode {
    InstitutionCode::try_new(&format!("caisse-{number}")).expect("a code")
}

fn moment(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::minutes(minute)
}

fn person(number: u128) -> PersonId {
    PersonId::from_uuid(uuid::Uuid::from_u128(number))
}

fn rules() -> impl Strategy<Value = Rules> {
    let allowance = (1..3_000_i64, proptest::option::of(0..3_usize));
    (1..2_000_i64, proptest::collection::vec(allowance, 1..=3)).prop_map(|(limit, allowances)| {
        let allowances = allowances.into_iter().zip(Purpose::ALL).map(|((ceiling, institution), purpose)| Allowance {
            purpose,
            ceiling: euro(ceiling),
            institution: institution.map(code),
        });
        Rules::try_new(euro(limit), allowances.collect()).expect("rules")
    })
}

fn wish() -> impl Strategy<Value = Wish> {
    (0..3_usize, -10..2_500_i64, any::<bool>(), 0..3_usize, 0..4_u128).prop_map(
        |(purpose, amount, other_currency, institution, by)| Wish {
            purpose: Purpose::ALL[purpose],
            amount: Money::from_minor(amount, if other_currency { Currency::XOF } else { Currency::EUR }),
            institution: code(institution),
            by: person(by),
        },
    )
}

fn ground() -> impl Strategy<Value = Ground> {
    (0..3_000_i64, proptest::sample::subsequence(vec![0_u128, 1, 2], 0..=2), 0..3_000_i64).prop_map(
        |(minute, guardians, spent)| Ground {
            now: moment(minute),
            protected_until: moment(BIRTHDAY),
            guardians: guardians.into_iter().map(person).collect(),
            spent: euro(spent),
        },
    )
}

proptest! {
    /// What is ordered or waits for a second guardian breaks no rule, each looked at by itself.
    #[test]
    fn nothing_is_allowed_that_breaks_a_rule(rules in rules(), wish in wish(), ground in ground()) {
        if let Ok(verdict) = rules.judge(&wish, &ground) {
            let allowance = rules.allowances().iter().find(|one| one.purpose == wish.purpose).expect("a purpose set");
            prop_assert!(ground.now < moment(BIRTHDAY));
            prop_assert!(ground.guardians.contains(&wish.by));
            prop_assert!(wish.amount.minor() > 0 && wish.amount.currency() == Currency::EUR);
            prop_assert!(allowance.institution.as_ref().is_none_or(|only| *only == wish.institution));
            prop_assert!(ground.spent.minor() + wish.amount.minor() <= allowance.ceiling.minor());
            prop_assert_eq!(verdict == Verdict::AskSecond, wish.amount.minor() > rules.limit().minor());
            prop_assert!(verdict == Verdict::Order || ground.guardians.len() == 2);
        }
    }

    /// What breaks no rule is allowed: nobody is refused for nothing.
    #[test]
    fn nothing_is_refused_that_keeps_the_rules(rules in rules(), wish in wish(), ground in ground()) {
        let allowance = rules.allowances().iter().find(|one| one.purpose == wish.purpose);
        let keeps = allowance.is_some_and(|allowance| {
            allowance.institution.as_ref().is_none_or(|only| *only == wish.institution)
                && ground.spent.minor() + wish.amount.minor() <= allowance.ceiling.minor()
        });
        let enough = wish.amount.minor() <= rules.limit().minor() || ground.guardians.len() == 2;
        let keeps = keeps && enough && wish.amount.minor() > 0 && wish.amount.currency() == Currency::EUR
            && ground.guardians.contains(&wish.by) && ground.now < moment(BIRTHDAY);
        prop_assert_eq!(rules.judge(&wish, &ground).is_ok(), keeps);
    }

    /// Nobody is their own second guardian, and nobody from outside is one.
    #[test]
    fn approval_takes_another_guardian(rules in rules(), wish in wish(), ground in ground(), by in 0..4_u128) {
        let by = person(by);
        if rules.judge_approval(&wish, by, &ground).is_ok() {
            prop_assert!(by != wish.by && ground.guardians.contains(&by) && ground.guardians.contains(&wish.by));
            prop_assert!(rules.judge(&wish, &ground).is_ok());
        }
    }

    /// Over a long history in which each wish is judged on what was ordered before, no thirty days exceed a ceiling.
    #[test]
    fn no_thirty_days_exceed_a_ceiling(
        rules in rules(),
        wishes in proptest::collection::vec((wish(), 0..20_000_i64), 1..60),
    ) {
        let (mut now, mut ordered) = (0, Vec::<(i64, Purpose, i64)>::new());
        let guardians = vec![person(0), person(1)];
        for (wish, minutes) in wishes {
            now += minutes;
            let since = now - SPENDING_WINDOW.num_minutes();
            let spent = ordered.iter().filter(|(at, purpose, _)| *at > since && *purpose == wish.purpose);
            let spent = euro(spent.map(|(_, _, minor)| minor).sum());
            let ground = Ground { now: moment(now), protected_until: moment(i64::from(i32::MAX)), guardians: guardians.clone(), spent };
            if rules.judge(&wish, &ground).is_ok() {
                ordered.push((now, wish.purpose, wish.amount.minor()));
            }
        }
        let ceilings: HashMap<_, _> = rules.allowances().iter().map(|one| (one.purpose, one.ceiling.minor())).collect();
        for (end, purpose, _) in &ordered {
            let window = ordered.iter().filter(|(at, of, _)| {
                of == purpose && at <= end && *at > end - SPENDING_WINDOW.num_minutes()
            });
            prop_assert!(window.map(|(_, _, minor)| minor).sum::<i64>() <= ceilings[purpose]);
        }
    }
}

#[test]
fn rules_name_each_purpose_once_in_one_currency() {
    let school = Allowance { purpose: Purpose::School, ceiling: euro(10), institution: None };
    assert!(Rules::try_new(euro(5), vec![school.clone()]).is_ok());
    assert!(matches!(Rules::try_new(euro(5), vec![]), Err(ChildError::Purposes { .. })));
    assert!(matches!(Rules::try_new(euro(5), vec![school.clone(), school.clone()]), Err(ChildError::Purposes { .. })));
    let francs = Money::from_minor(5, Currency::XOF);
    assert!(matches!(Rules::try_new(francs, vec![school.clone()]), Err(ChildError::WrongCurrency { .. })));
    assert_eq!(Rules::try_new(euro(0), vec![school]), Err(ChildError::NotPositive));
}
