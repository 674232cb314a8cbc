//! One item against several of the other side: which of these sum to it, if only some do.
//!
//! Pure and deterministic. The work for one item and for a whole search is bounded: where a bound is met, the item is
//! left to a person and counted, since an answer that was not sought to its end might not be the only one.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};

use super::Rule;

/// Items of the other side that one item is tried against.
const MAX_CANDIDATES: usize = 24;
/// Items that one may be made up of.
const MAX_MEMBERS: usize = 8;
/// Items of the other side that are looked at for one item.
const MAX_LOOKS: usize = 2_000;
/// Steps of the search for one item.
const MAX_STEPS: u32 = 50_000;
/// Steps of a whole search.
const MAX_STEPS_OF_ALL: u64 = 50_000_000;

/// An item without a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenItem {
    pub(super) item: i64,
    pub(super) side: Side,
    pub(super) amount_minor: i64,
    pub(super) occurs_on: NaiveDate,
}

/// Where an item comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Line,
    Posting,
}

/// Items that belong together: one of a side and several of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) rule: Rule,
    pub(super) one: i64,
    pub(super) many: Vec<i64>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    /// Groups that share no item.
    pub(super) found: Vec<Group>,
    /// Items that more than one answer fits.
    pub(super) ambiguous: Vec<i64>,
    /// Items for which the bounds were met.
    pub(super) given_up: Vec<i64>,
}

/// The groups among open items by these rules, with at most `days` between the one and each of the many.
pub(super) fn groups(items: &[OpenItem], days: i32, rules: &[Rule]) -> Groups {
    let side = |side| {
        let mut items: Vec<OpenItem> = items.iter().copied().filter(|item| item.side == side).collect();
        items.sort_unstable_by_key(|item| (item.occurs_on, item.item));
        items
    };
    let (lines, postings) = (side(Side::Line), side(Side::Posting));
    let mut search = Search { days: Days::new(u64::try_from(days).unwrap_or(0)), steps: 0, groups: Groups::default() };
    if rules.contains(&Rule::OneLineManyPostings) {
        search.all(Rule::OneLineManyPostings, &lines, &postings);
    }
    if rules.contains(&Rule::OnePostingManyLines) {
        search.all(Rule::OnePostingManyLines, &postings, &lines);
    }
    search.groups.without_rivals()
}

struct Search {
    days: Days,
    steps: u64,
    groups: Groups,
}

impl Search {
    fn all(&mut self, rule: Rule, ones: &[OpenItem], others: &[OpenItem]) {
        for one in ones {
            match self.one(one, others) {
                Answer::None => {}
                Answer::Only(many) => self.groups.found.push(Group { rule, one: one.item, many }),
                Answer::Several => self.groups.ambiguous.push(one.item),
                Answer::NotSought => self.groups.given_up.push(one.item),
            }
        }
    }

    fn one(&mut self, one: &OpenItem, others: &[OpenItem]) -> Answer {
        let from = one.occurs_on.checked_sub_days(self.days).unwrap_or(NaiveDate::MIN);
        let to = one.occurs_on.checked_add_days(self.days).unwrap_or(NaiveDate::MAX);
        let start = others.partition_point(|other| other.occurs_on < from);
        let near = others[start..].iter().take_while(|other| other.occurs_on <= to);
        let mut candidates: Vec<(u64, i64)> = Vec::new();
        for (looks, other) in near.enumerate() {
            if looks >= MAX_LOOKS {
                return Answer::NotSought;
            }
            if other.amount_minor == one.amount_minor {
                // Two that are equal are a matter of the rules before; they found more than one of them.
                return Answer::None;
            }
            let same_sign = other.amount_minor.signum() == one.amount_minor.signum();
            if same_sign && other.amount_minor.unsigned_abs() < one.amount_minor.unsigned_abs() {
                candidates.push((other.amount_minor.unsigned_abs(), other.item));
            }
        }
        if candidates.len() > MAX_CANDIDATES || self.steps >= MAX_STEPS_OF_ALL {
            return if candidates.len() < 2 { Answer::None } else { Answer::NotSought };
        }
        let mut sums = Sums::new(candidates);
        let answer = sums.answer(one.amount_minor.unsigned_abs());
        self.steps += u64::from(sums.steps);
        answer
    }
}

enum Answer {
    None,
    Only(Vec<i64>),
    Several,
    NotSought,
}

/// The search among the candidates of one item, the largest first.
struct Sums {
    candidates: Vec<(u64, i64)>,
    /// What all candidates from a place on come to.
    rests: Vec<u128>,
    chosen: Vec<usize>,
    found: Option<Vec<usize>>,
    several: bool,
    steps: u32,
}

impl Sums {
    fn new(mut candidates: Vec<(u64, i64)>) -> Self {
        candidates.sort_unstable_by(|a, b| b.cmp(a));
        let mut rests = vec![0; candidates.len() + 1];
        for place in (0..candidates.len()).rev() {
            rests[place] = rests[place + 1] + u128::from(candidates[place].0);
        }
        Self { candidates, rests, chosen: Vec::new(), found: None, several: false, steps: 0 }
    }

    fn answer(&mut self, sum: u64) -> Answer {
        self.seek(0, sum);
        if self.several {
            return Answer::Several;
        }
        if self.steps >= MAX_STEPS {
            return Answer::NotSought;
        }
        match &self.found {
            None => Answer::None,
            Some(places) => {
                let mut many: Vec<i64> = places.iter().map(|&place| self.candidates[place].1).collect();
                many.sort_unstable();
                Answer::Only(many)
            }
        }
    }

    fn seek(&mut self, from: usize, missing: u64) {
        if missing == 0 {
            self.several = self.found.is_some();
            self.found.get_or_insert_with(|| self.chosen.clone());
            return;
        }
        for place in from..self.candidates.len() {
            if self.several || self.steps >= MAX_STEPS || self.chosen.len() >= MAX_MEMBERS {
                return;
            }
            if self.rests[place] < u128::from(missing) {
                return;
            }
            self.steps += 1;
            let amount = self.candidates[place].0;
            if amount <= missing {
                self.chosen.push(place);
                self.seek(place + 1, missing - amount);
                self.chosen.pop();
            }
        }
    }
}

impl Groups {
    /// Groups that want the same item are rivals, and none of them is more right than another. So is a group with an
    /// item that has other answers of its own, or might have.
    fn without_rivals(mut self) -> Self {
        let mut wanted: HashMap<i64, u32> = HashMap::new();
        let undecided = self.ambiguous.iter().chain(&self.given_up).copied();
        for item in self.found.iter().flat_map(Group::items).chain(undecided) {
            *wanted.entry(item).or_default() += 1;
        }
        let (rivals, alone): (Vec<Group>, Vec<Group>) =
            self.found.into_iter().partition(|group| group.items().any(|item| wanted[&item] > 1));
        self.found = alone;
        self.ambiguous.extend(rivals.iter().flat_map(Group::items));
        for items in [&mut self.ambiguous, &mut self.given_up] {
            items.sort_unstable();
            items.dedup();
        }
        self
    }
}

impl Group {
    /// All items.
    pub(super) fn items(&self) -> impl Iterator<Item = i64> + '_ {
        std::iter::once(self.one).chain(self.many.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [Rule; 2] = [Rule::OneLineManyPostings, Rule::OnePostingManyLines];

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 1 + day).expect("a date")
    }

    fn open(item: i64, side: Side, amount_minor: i64, on: u32) -> OpenItem {
        OpenItem { item, side, amount_minor, occurs_on: day(on) }
    }

    #[test]
    fn one_line_is_made_up_of_the_only_postings_that_sum_to_it() {
        let mut items = vec![open(1, Side::Line, 1_000, 3)];
        for (item, amount) in [(2, 700), (3, 300), (4, 450), (5, -300)] {
            items.push(open(item, Side::Posting, amount, 2));
        }
        items.push(open(6, Side::Posting, 550, 20));
        let found = groups(&items, 3, &BOTH);
        assert_eq!(found.found, [Group { rule: Rule::OneLineManyPostings, one: 1, many: vec![2, 3] }]);
        assert!(found.ambiguous.is_empty() && found.given_up.is_empty());
        assert_eq!(groups(&items, 3, &BOTH[1..]), Groups::default());
        // With the sixth near enough, two answers fit, and none is taken.
        assert_eq!(groups(&items, 31, &BOTH).ambiguous, [1]);
        assert!(groups(&items, 31, &BOTH).found.is_empty());
    }

    #[test]
    fn one_posting_that_two_lines_want_is_left_to_a_person() {
        let items = [
            open(1, Side::Line, -1_000, 3),
            open(2, Side::Line, -1_100, 3),
            open(3, Side::Posting, -600, 3),
            open(4, Side::Posting, -400, 3),
            open(5, Side::Posting, -500, 3),
        ];
        let found = groups(&items, 0, &BOTH);
        assert!(found.found.is_empty());
        assert_eq!(found.ambiguous, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        let mut items = vec![open(0, Side::Line, 1_000_001, 0)];
        items.extend((1..=24).map(|item| open(item, Side::Posting, 200_000 + 2 * item, 0)));
        let found = groups(&items, 0, &BOTH);
        assert_eq!((found.given_up.as_slice(), found.found.len()), (&[0][..], 0));
        items.push(open(25, Side::Posting, 7, 0));
        assert_eq!(groups(&items, 0, &BOTH).given_up, [0], "more candidates than are tried");
    }

    /// All subsets of two and more that sum to the amount, by looking at every one.
    fn every_subset(sum: i64, amounts: &[i64]) -> Vec<Vec<usize>> {
        (0..1_u32 << amounts.len())
            .map(|set| (0..amounts.len()).filter(|place| set >> place & 1 == 1).collect::<Vec<_>>())
            .filter(|set| (2..=MAX_MEMBERS).contains(&set.len()))
            .filter(|set| set.iter().map(|&place| amounts[place]).sum::<i64>() == sum)
            .collect()
    }

    proptest! {
        #[test]
        fn a_group_is_found_exactly_when_it_is_the_only_one(
            sum in 1..60_i64,
            amounts in proptest::collection::vec(1..40_i64, 0..10),
        ) {
            let mut items = vec![open(100, Side::Line, sum, 0)];
            items.extend(amounts.iter().zip(0..).map(|(amount, item)| open(item, Side::Posting, *amount, 0)));
            let found = groups(&items, 0, &BOTH[..1]);
            let expected = if amounts.contains(&sum) { Vec::new() } else { every_subset(sum, &amounts) };
            match &expected[..] {
                [] => prop_assert_eq!(found, Groups::default()),
                [only] => {
                    let many: Vec<i64> = only.iter().map(|&place| i64::try_from(place).expect("small")).collect();
                    prop_assert_eq!(&found.found, &[Group { rule: Rule::OneLineManyPostings, one: 100, many }]);
                }
                _ => prop_assert!(found.found.is_empty() && found.ambiguous.contains(&100)),
            }
        }

        #[test]
        fn groups_share_no_item_sum_up_and_do_not_depend_on_the_order(
            drawn in proptest::collection::vec((any::<bool>(), -40..40_i64, 0..10_u32), 0..24),
            days in 0..4_i32,
        ) {
            let items: Vec<OpenItem> = drawn
                .iter()
                .zip(0..)
                .filter(|((_, amount, _), _)| *amount != 0)
                .map(|((line, amount, on), item)| {
                    open(item, if *line { Side::Line } else { Side::Posting }, *amount, *on)
                })
                .collect();
            let found = groups(&items, days, &BOTH);
            let by_number = |number| items.iter().find(|item| item.item == number).expect("an item");
            let mut seen = std::collections::BTreeSet::new();
            for group in &found.found {
                let one = by_number(group.one);
                let many: Vec<&OpenItem> = group.many.iter().map(|&item| by_number(item)).collect();
                prop_assert_eq!(many.iter().map(|item| item.amount_minor).sum::<i64>(), one.amount_minor);
                for other in &many {
                    prop_assert!(other.side != one.side);
                    let apart = (other.occurs_on - one.occurs_on).num_days().abs();
                    prop_assert!(apart <= i64::from(days));
                }
                prop_assert!(many.len() >= 2);
                prop_assert!(group.items().all(|item| seen.insert(item)));
            }
            let mut turned = items.clone();
            turned.reverse();
            prop_assert_eq!(groups(&turned, days, &BOTH), found);
        }
    }
}
