//! How like two words are, in thousandths.

use serde::{Deserialize, Serialize};

use super::name::{Form, Word};
use super::sound::{is_vowel, skeleton};

/// Below this, two words are two names.
pub(super) const LEAST: u32 = 770;
/// The same for short words, where one letter makes another name: Ba and Bâ, but Fall and Sall.
const LEAST_OF_SHORT: u32 = 850;
/// Weights of letters up to which a word is short.
const SHORT: u32 = 6;
/// Different spellings that are known to be one name.
const ONE_NAME: u32 = 980;
/// Alike only with the particle, or joined with the neighbour.
pub(super) const JOINED_AT_MOST: u32 = 950;
/// All consonants are the same; the vowels are not written.
const SAME_CONSONANTS: u32 = 940;
/// All but one of the consonants.
const LIKE_CONSONANTS: u32 = 800;
/// A letter that the other word begins with.
const INITIAL: u32 = 900;

/// Why two words are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kinship {
    /// They are written, or sound, the same.
    Same,
    /// They are known spellings of one name.
    Spellings,
    /// They have the same consonants, and one of them is written without vowels.
    Consonants,
    /// One is the first letter of the other.
    Initial,
    /// They differ in a letter or two.
    Alike,
    /// They are the same when a particle or a neighbour is joined to one.
    Joined,
}

/// How like two words are, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) thousandths: u32,
    pub(super) kinship: Kinship,
}

impl Likeness {
    const fn new(thousandths: u32, kinship: Kinship) -> Self {
        Self { thousandths, kinship }
    }
}

/// How like two words are; none for two names.
pub(super) fn of_words(one: &Word, other: &Word) -> Option<Likeness> {
    if one.is_initial() || other.is_initial() {
        return of_initials(&one.form, &other.form);
    }
    let of_forms = if one.without_vowels == other.without_vowels { of_forms } else { without_vowels };
    let joined = [(one.with_particle.as_ref(), &other.form), (other.with_particle.as_ref(), &one.form)]
        .into_iter()
        .filter_map(|(joined, plain)| as_joined(of_forms(joined?, plain)?));
    of_forms(&one.form, &other.form).into_iter().chain(joined).max_by_key(|likeness| likeness.thousandths)
}

/// The likeness of a form that was made of two words.
pub(super) fn of_joined(joined: &Form, plain: &Form) -> Option<Likeness> {
    as_joined(of_forms(joined, plain)?)
}

fn as_joined(found: Likeness) -> Option<Likeness> {
    (found.thousandths >= 900).then(|| Likeness::new(found.thousandths.min(JOINED_AT_MOST), Kinship::Joined))
}

pub(super) fn of_initials(one: &Form, other: &Form) -> Option<Likeness> {
    let begins = |form: &Form| [form.text.bytes().next(), form.sound.bytes().next()];
    let alike = begins(one).iter().flatten().any(|letter| begins(other).contains(&Some(*letter)));
    if !alike {
        return None;
    }
    let both = one.text.len() == 1 && other.text.len() == 1;
    Some(if both { Likeness::new(1_000, Kinship::Same) } else { Likeness::new(INITIAL, Kinship::Initial) })
}

fn of_forms(one: &Form, other: &Form) -> Option<Likeness> {
    let one_group = one.group.is_some() && one.group == other.group;
    if one.group.is_some() && other.group.is_some() && !one_group {
        return None;
    }
    if one.text == other.text || one.sound == other.sound {
        return Some(Likeness::new(1_000, Kinship::Same));
    }
    if one_group {
        return Some(Likeness::new(ONE_NAME, Kinship::Spellings));
    }
    let thousandths = of_letters(&one.sound, &other.sound).max(of_letters(&one.text, &other.text));
    let short = weight(&one.sound).max(weight(&other.sound)) <= SHORT;
    let least = if short { LEAST_OF_SHORT } else { LEAST };
    (thousandths >= least).then(|| Likeness::new(thousandths, Kinship::Alike))
}

/// The same where one of both scripts writes no vowels.
fn without_vowels(one: &Form, other: &Form) -> Option<Likeness> {
    let written = of_forms(one, other);
    if written.is_some_and(|found| found.thousandths >= SAME_CONSONANTS) || one.group.is_some() && other.group.is_some()
    {
        return written;
    }
    let consonants =
        [(&one.sound, &other.sound), (&one.text, &other.text)].map(|(one, other)| (skeleton(one), skeleton(other)));
    if consonants.iter().any(|(one, other)| one.len() >= 2 && one == other) {
        return Some(Likeness::new(SAME_CONSONANTS, Kinship::Consonants));
    }
    let (one, other) = &consonants[0];
    let near = one.len().min(other.len()) >= 4 && cost(one.as_bytes(), other.as_bytes()) <= 2;
    written.or_else(|| near.then(|| Likeness::new(LIKE_CONSONANTS, Kinship::Consonants)))
}

/// What of the heavier word agrees, in thousandths.
fn of_letters(one: &str, other: &str) -> u32 {
    let whole = weight(one).max(weight(other));
    let differs = cost(one.as_bytes(), other.as_bytes());
    // Names that begin otherwise are mostly others: Fall, Sall, Tall.
    let begins = u32::from(one.bytes().next() != other.bytes().next());
    1_000_u32.saturating_sub((differs + begins) * 1_000 / whole.max(1))
}

const fn letter_weight(letter: u8) -> u32 {
    if is_vowel(letter) { 1 } else { 2 }
}

fn weight(text: &str) -> u32 {
    text.bytes().map(letter_weight).sum()
}

/// What it costs to write one letter for another: ears differ most about vowels and about voiced consonants.
const fn substitution(one: u8, other: u8) -> u32 {
    if one == other {
        return 0;
    }
    if is_vowel(one) && is_vowel(other) {
        return 1;
    }
    match (one, other) {
        (b'b', b'p') | (b'p', b'b') | (b'd', b't') | (b't', b'd') | (b'g', b'k') | (b'k', b'g') => 1,
        (b'v', b'w' | b'f' | b'b') | (b'w' | b'f' | b'b', b'v') | (b's', b'z') | (b'z', b's') => 1,
        (b'w', b'u' | b'o') | (b'u' | b'o', b'w') | (b'i', b'j') | (b'j', b'i') => 1,
        _ if is_vowel(one) || is_vowel(other) => 3,
        _ => 2,
    }
}

/// The weighted distance of optimal string alignment: what is put in, left out, exchanged, or swapped with its neighbour.
fn cost(one: &[u8], other: &[u8]) -> u32 {
    let width = other.len() + 1;
    let mut before: Vec<u32> = vec![0; width];
    let mut last: Vec<u32> = Vec::with_capacity(width);
    last.push(0);
    for letter in other {
        last.push(last.last().copied().unwrap_or(0) + letter_weight(*letter));
    }
    let mut row = vec![0; width];
    for (i, &letter) in one.iter().enumerate() {
        row[0] = last[0] + letter_weight(letter);
        for (j, &facing) in other.iter().enumerate() {
            let least = (last[j] + substitution(letter, facing))
                .min(last[j + 1] + letter_weight(letter))
                .min(row[j] + letter_weight(facing));
            let swapped = i > 0 && j > 0 && letter == other[j - 1] && one[i - 1] == facing && letter != facing;
            row[j + 1] = if swapped { least.min(before[j - 1] + 2) } else { least };
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::name::Name;
    use crate::screening::spellings::shipped;

    fn likeness(one: &str, other: &str) -> Option<(u32, Kinship)> {
        let spellings = shipped();
        let (one, other) = (Name::read(one, &spellings), Name::read(other, &spellings));
        of_words(&one.words[0], &other.words[0]).map(|likeness| (likeness.thousandths, likeness.kinship))
    }

    #[test]
    fn a_word_is_like_itself_its_spellings_and_its_slips() {
        assert_eq!(likeness("Cissé", "cisse"), Some((1_000, Kinship::Same)));
        assert_eq!(likeness("Mamadou", "Muhammad"), Some((980, Kinship::Spellings)));
        assert_eq!(likeness("محمد", "Mohamed").map(|found| found.1), Some(Kinship::Spellings));
        assert_eq!(likeness("وليد", "Walid"), Some((940, Kinship::Consonants)));
        assert_eq!(likeness("D.", "Diallo"), Some((900, Kinship::Initial)));
        assert_eq!(likeness("Boumedienne", "Bumedian").map(|found| found.1), Some(Kinship::Alike));
        assert_eq!(likeness("Bouteflika", "Boutfelika").map(|found| found.1), Some(Kinship::Alike));
        assert_eq!(likeness("Ben Ali", "Benali").map(|found| found.1), Some(Kinship::Joined));
    }

    #[test]
    fn other_names_are_not_alike() {
        for (one, other) in [
            ("Fall", "Sall"),
            ("Diallo", "Diarra"),
            ("Amadou", "Mamadou"),
            ("Hassan", "Hussein"),
            ("Diop", "Diouf"),
            ("Issa", "Moussa"),
            ("Sow", "Sy"),
            ("M", "Diallo"),
        ] {
            assert_eq!(likeness(one, other), None, "{one} and {other}");
        }
    }

    #[test]
    fn the_distance_is_the_same_both_ways() {
        for (one, other) in [("kulibali", "kulbali"), ("sako", "sakho"), ("abc", "acb"), ("", "wedraogo")] {
            assert_eq!(cost(one.as_bytes(), other.as_bytes()), cost(other.as_bytes(), one.as_bytes()));
        }
        assert_eq!(cost(b"abc", b"abc"), 0);
    }
}
