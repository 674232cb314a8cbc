//! How like two people are, in thousandths, and why.

use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::birth_date::{Agreement, PartialDate};
use super::likeness::{Kinship, Likeness, of_joined, of_words};
use super::name::Name;
use super::spellings::Spellings;

/// What the shorter name's part counts, in tenths; the longer one's counts the rest. People leave names out more often
/// than they add some.
const SHORTER_NAMES_TENTHS: u32 = 7;
/// One word in common is not enough when there are more.
pub(super) const ONE_WORD_AT_MOST: i32 = 700;
/// What an initial counts for the word that it stands for.
const INITIALS_PART: u32 = 600;
/// Taken off where initials stand for words and no birth date agrees.
const INITIALS_ALONE: i32 = 60;
/// Taken off where all that agrees is what very many people are called, names were left out, and no birth date agrees.
const COMMON_ALONE: i32 = 60;
const SAME_COUNTRY: i32 = 20;
const OTHER_COUNTRY: i32 = -10;

/// A likeness in thousandths: 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Score(u16);

impl Score {
    /// So many thousandths; more than 1000 are 1000.
    #[must_use]
    pub fn new(thousandths: u16) -> Self {
        Self(thousandths.min(1_000))
    }

    /// The thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u16 {
        self.0
    }

    fn clamped(thousandths: i32) -> Self {
        Self(u16::try_from(thousandths.clamp(0, 1_000)).unwrap_or_default())
    }
}

/// One reason of a score. It tells names: it is personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ScoreReason {
    /// Two words are taken for one.
    Words {
        /// The person's.
        given: String,
        /// The list's.
        listed: String,
        /// Why.
        kinship: Kinship,
        /// How like they are, in thousandths.
        thousandths: u32,
    },
    /// Words of one name that the other one does not have.
    LeftOver {
        /// The person's.
        given: Vec<String>,
        /// The list's.
        listed: Vec<String>,
    },
    /// What agrees is what very many people are called.
    CommonNames,
    /// The birth dates are the same day.
    SameBirthDate,
    /// Day and month of the birth dates stand in each other's place.
    BirthDateSwapped,
    /// The birth dates agree as far as the list knows.
    BirthYearAgrees,
    /// The birth dates lie years apart.
    BirthDatesApart,
    /// A country is the same.
    SameCountry,
    /// The countries are others.
    OtherCountry,
}

impl fmt::Display for ScoreReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words { given, listed, kinship, thousandths } => match kinship {
                Kinship::Same => write!(formatter, "{given} is {listed}"),
                Kinship::Spellings => write!(formatter, "{given} and {listed} are spellings of one name"),
                Kinship::Consonants => write!(formatter, "{given} has the consonants of {listed}"),
                Kinship::Initial => write!(formatter, "{given} and {listed}: one is the other's first letter"),
                Kinship::Alike => write!(formatter, "{given} is like {listed} by {thousandths} of 1000"),
                Kinship::Joined => write!(formatter, "{given} is {listed} when words are joined"),
            },
            Self::LeftOver { given, listed } => {
                let said = |words: &[String]| if words.is_empty() { "nothing".to_owned() } else { words.join(" ") };
                write!(formatter, "left over: {} of the person, {} of the list", said(given), said(listed))
            }
            Self::CommonNames => formatter.write_str("very many people have these names"),
            Self::SameBirthDate => formatter.write_str("the birth dates are the same"),
            Self::BirthDateSwapped => formatter.write_str("day and month of the birth dates are swapped"),
            Self::BirthYearAgrees => formatter.write_str("the birth dates agree as far as the list knows"),
            Self::BirthDatesApart => formatter.write_str("the birth dates lie years apart"),
            Self::SameCountry => formatter.write_str("a country is the same"),
            Self::OtherCountry => formatter.write_str("the countries are others"),
        }
    }
}

/// A pair of words that are taken for one: the person's, the list's.
pub(super) type Pair = (usize, usize, Likeness);

/// What two names have in common.
pub(super) struct Overlap {
    pub(super) thousandths: i32,
    pub(super) pairs: Vec<Pair>,
}

/// What beside the name is known of somebody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// The person's birth date.
    pub born: Option<NaiveDate>,
    /// The person's country.
    pub country: Option<&'a str>,
    /// The birth dates of the list.
    pub listed_births: &'a [PartialDate],
    /// The countries of the list.
    pub listed_countries: &'a [String],
}

/// How like two people are, and why; see [`Evidence`] for what counts beside the name.
#[must_use]
pub fn compare(
    given: &Name,
    listed: &Name,
    evidence: &Evidence<'_>,
    spellings: &Spellings,
) -> (Score, Vec<ScoreReason>) {
    let overlap = overlap(given, listed, spellings, |i, j| of_words(&given.words[i], &listed.words[j]));
    let score = weigh(given, listed, &overlap, evidence);
    (score, reasons(given, listed, &overlap, evidence))
}

/// What two names have in common, whatever the order of their words, by what is known of each two words.
pub(super) fn overlap(
    given: &Name,
    listed: &Name,
    spellings: &Spellings,
    likeness: impl Fn(usize, usize) -> Option<Likeness>,
) -> Overlap {
    let mut all: Vec<Pair> = Vec::new();
    for i in 0..given.words.len() {
        all.extend((0..listed.words.len()).filter_map(|j| Some((i, j, likeness(i, j)?))));
    }
    all.sort_by_key(|(i, j, likeness)| (std::cmp::Reverse(likeness.thousandths), *i, *j));
    let (initials, words): (Vec<Pair>, Vec<Pair>) =
        all.into_iter().partition(|pair| given.words[pair.0].is_initial() || listed.words[pair.1].is_initial());
    let mut taken = Taken::nothing(given, listed);
    let mut pairs: Vec<Pair> = Vec::new();
    // Whole words first, then words that were cut in two; initials take what is left.
    words.into_iter().for_each(|pair| taken.take(given, listed, pair, &mut pairs));
    taken.join(given, listed, &mut pairs, spellings);
    initials.into_iter().for_each(|pair| taken.take(given, listed, pair, &mut pairs));
    let (of_given, of_listed) = (taken.given_share(given), taken.listed_share(listed));
    let (better, worse) = (of_given.max(of_listed), of_given.min(of_listed));
    let thousandths = (better * SHORTER_NAMES_TENTHS + worse * (10 - SHORTER_NAMES_TENTHS)) / 10;
    Overlap { thousandths: i32::try_from(thousandths).unwrap_or(0), pairs }
}

/// How much of each word's weight is matched, in thousandths of it.
struct Taken {
    given: Vec<u32>,
    listed: Vec<u32>,
}

impl Taken {
    fn nothing(given: &Name, listed: &Name) -> Self {
        Self { given: vec![0; given.words.len()], listed: vec![0; listed.words.len()] }
    }

    fn take(&mut self, given: &Name, listed: &Name, pair: Pair, pairs: &mut Vec<Pair>) {
        let (i, j, likeness) = pair;
        if self.given[i] > 0 || self.listed[j] > 0 {
            return;
        }
        let initial = likeness.kinship == Kinship::Initial;
        let part = |is_initial: bool| if initial && !is_initial { INITIALS_PART } else { likeness.thousandths };
        self.given[i] = part(given.words[i].is_initial());
        self.listed[j] = part(listed.words[j].is_initial());
        pairs.push(pair);
    }

    /// Neighbours of one name, of which nothing is taken, that are one word of the other.
    fn join(&mut self, given: &Name, listed: &Name, pairs: &mut Vec<Pair>, spellings: &Spellings) {
        for i in 0..given.words.len().saturating_sub(1) {
            for j in 0..listed.words.len() {
                if self.given[i..=i + 1] == [0, 0] && self.listed[j] == 0 {
                    let joined = given.joined(i, spellings);
                    if let Some(found) = joined.and_then(|joined| of_joined(&joined, &listed.words[j].form)) {
                        (self.given[i], self.given[i + 1]) = (found.thousandths, found.thousandths);
                        self.listed[j] = found.thousandths;
                        pairs.push((i, j, found));
                    }
                }
            }
        }
        for j in 0..listed.words.len().saturating_sub(1) {
            for i in 0..given.words.len() {
                if self.listed[j..=j + 1] == [0, 0] && self.given[i] == 0 {
                    let joined = listed.joined(j, spellings);
                    if let Some(found) = joined.and_then(|joined| of_joined(&joined, &given.words[i].form)) {
                        (self.listed[j], self.listed[j + 1]) = (found.thousandths, found.thousandths);
                        self.given[i] = found.thousandths;
                        pairs.push((i, j, found));
                    }
                }
            }
        }
    }

    fn given_share(&self, name: &Name) -> u32 {
        share(name, &self.given)
    }

    fn listed_share(&self, name: &Name) -> u32 {
        share(name, &self.listed)
    }
}

fn share(name: &Name, taken: &[u32]) -> u32 {
    let whole: u32 = name.words.iter().map(|word| word.weight()).sum();
    let matched: u32 = name.words.iter().zip(taken).map(|(word, taken)| word.weight() * taken).sum();
    matched / whole.max(1)
}

/// The score of two people whose names have something in common.
pub(super) fn weigh(given: &Name, listed: &Name, overlap: &Overlap, evidence: &Evidence<'_>) -> Score {
    if overlap.pairs.is_empty() {
        return Score(0);
    }
    let mut thousandths = overlap.thousandths + beside_the_name(evidence);
    let agrees = births(evidence).is_some_and(|agreement| agreement >= Agreement::YearAgrees);
    if !agrees && overlap.pairs.iter().any(|pair| pair.2.kinship == Kinship::Initial) {
        thousandths -= INITIALS_ALONE;
    }
    if !agrees && common_alone(given, listed, overlap) {
        thousandths -= COMMON_ALONE;
    }
    let most = if is_one_word(given, listed, overlap) { ONE_WORD_AT_MOST } else { i32::MAX };
    Score::clamped(thousandths.min(most))
}

/// Whether one word is all that agrees, and there are more.
fn is_one_word(given: &Name, listed: &Name, overlap: &Overlap) -> bool {
    let several = given.words.len() > 1 || listed.words.len() > 1;
    let whole_words = overlap.pairs.iter().filter(|pair| pair.2.kinship != Kinship::Initial).count();
    let joined = overlap.pairs.iter().any(|pair| pair.2.kinship == Kinship::Joined);
    several && (overlap.pairs.len() < 2 && !joined || whole_words == 0)
}

/// What the birth dates and countries add or take off, before initials and common names count.
pub(super) fn beside_the_name(evidence: &Evidence<'_>) -> i32 {
    births(evidence).map_or(0, birth_points) + country_points(evidence)
}

/// Whether all that agrees is common, and one of the names has more.
fn common_alone(given: &Name, listed: &Name, overlap: &Overlap) -> bool {
    let common = overlap.pairs.iter().all(|(i, j, _)| given.words[*i].common && listed.words[*j].common);
    common && (given.words.len() > overlap.pairs.len() || listed.words.len() > overlap.pairs.len())
}

const fn birth_points(agreement: Agreement) -> i32 {
    match agreement {
        Agreement::SameDay => 120,
        Agreement::Swapped => 80,
        Agreement::YearAgrees => 40,
        Agreement::Open => 0,
        Agreement::Apart => -120,
        Agreement::FarApart => -250,
    }
}

fn country_points(evidence: &Evidence<'_>) -> i32 {
    match same_country(evidence) {
        Some(true) => SAME_COUNTRY,
        Some(false) => OTHER_COUNTRY,
        None => 0,
    }
}

fn births(evidence: &Evidence<'_>) -> Option<Agreement> {
    let born = evidence.born?;
    evidence.listed_births.iter().map(|listed| listed.beside(born)).max()
}

fn same_country(evidence: &Evidence<'_>) -> Option<bool> {
    let country = evidence.country?;
    let known = !evidence.listed_countries.is_empty();
    known.then(|| evidence.listed_countries.iter().any(|listed| listed == country))
}

pub(super) fn reasons(given: &Name, listed: &Name, overlap: &Overlap, evidence: &Evidence<'_>) -> Vec<ScoreReason> {
    let text = |name: &Name, at: usize| name.words[at].form.text.clone();
    let mut reasons: Vec<ScoreReason> = overlap
        .pairs
        .iter()
        .map(|(i, j, likeness)| ScoreReason::Words {
            given: text(given, *i),
            listed: text(listed, *j),
            kinship: likeness.kinship,
            thousandths: likeness.thousandths,
        })
        .collect();
    let of_given: BTreeSet<usize> = overlap.pairs.iter().map(|pair| pair.0).collect();
    let of_listed: BTreeSet<usize> = overlap.pairs.iter().map(|pair| pair.1).collect();
    let rest = |name: &Name, taken: &BTreeSet<usize>| -> Vec<String> {
        (0..name.words.len()).filter(|at| !taken.contains(at)).map(|at| text(name, at)).collect()
    };
    let joined = overlap.pairs.iter().any(|pair| pair.2.kinship == Kinship::Joined);
    let (left, over) = (rest(given, &of_given), rest(listed, &of_listed));
    if !joined && (!left.is_empty() || !over.is_empty()) {
        reasons.push(ScoreReason::LeftOver { given: left, listed: over });
    }
    if common_alone(given, listed, overlap) {
        reasons.push(ScoreReason::CommonNames);
    }
    reasons.extend(births(evidence).and_then(|agreement| match agreement {
        Agreement::SameDay => Some(ScoreReason::SameBirthDate),
        Agreement::Swapped => Some(ScoreReason::BirthDateSwapped),
        Agreement::YearAgrees => Some(ScoreReason::BirthYearAgrees),
        Agreement::Open => None,
        Agreement::Apart | Agreement::FarApart => Some(ScoreReason::BirthDatesApart),
    }));
    reasons.extend(same_country(evidence).map(|same| match same {
        true => ScoreReason::SameCountry,
        false => ScoreReason::OtherCountry,
    }));
    reasons
}
