//! What is known of names: particles, titles, names that many bear, and spellings of one name.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::name::latin_words;
use super::sound;

/// The knowledge that `config/screening.toml` holds.
#[derive(Clone, Debug)]
pub struct Spellings {
    left_out: HashSet<String>,
    common: HashSet<String>,
    groups: HashMap<String, u16>,
    /// None where names of two lines sound alike: then only the spelling tells.
    groups_by_sound: HashMap<String, Option<u16>>,
    /// Of groups of which one spelling is common.
    common_groups: HashSet<u16>,
}

/// Why the spellings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the spellings of names are faulty: {0}")]
pub struct SpellingsFault(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    particles: Vec<String>,
    titles: Vec<String>,
    common: Vec<String>,
    spellings: Vec<Vec<String>>,
}

impl Spellings {
    /// Reads `config/screening.toml`.
    ///
    /// # Errors
    /// [`SpellingsFault`] for what is no such file, and for a spelling that stands on two lines.
    pub fn from_toml(text: &str) -> Result<Self, SpellingsFault> {
        let file: File = toml::from_str(text).map_err(|error| SpellingsFault(error.to_string()))?;
        let left_out =
            file.particles.iter().chain(&file.titles).flat_map(|word| latin_words(word)).map(|word| word.text);
        let left_out = left_out.collect();
        let mut groups: HashMap<String, u16> = HashMap::new();
        let mut groups_by_sound: HashMap<String, Option<u16>> = HashMap::new();
        for (number, spellings) in file.spellings.iter().enumerate() {
            let number = u16::try_from(number).map_err(|_| SpellingsFault("there are too many lines".to_owned()))?;
            for spelling in spellings {
                let letters = letters_of(spelling);
                if letters.is_empty() {
                    return Err(SpellingsFault(format!("{spelling:?} has no letters")));
                }
                let known = groups_by_sound.entry(sound::of(&letters)).or_insert(Some(number));
                if *known != Some(number) {
                    *known = None;
                }
                if groups.insert(letters, number).is_some_and(|other| other != number) {
                    return Err(SpellingsFault(format!("{spelling:?} stands on two lines")));
                }
            }
        }
        let common = file.common.iter().map(|word| sound::of(&letters_of(word))).collect();
        let mut known = Self { left_out, common, groups, groups_by_sound, common_groups: HashSet::new() };
        known.common_groups = file
            .common
            .iter()
            .map(|word| letters_of(word))
            .filter_map(|letters| known.group(&letters, &sound::of(&letters)))
            .collect();
        Ok(known)
    }

    /// Whether a word in Latin letters says nothing of who somebody is.
    pub(super) fn leaves_out(&self, word: &str) -> bool {
        self.left_out.contains(word)
    }

    /// The line on which a word stands, or one that sounds like it.
    pub(super) fn group(&self, letters: &str, sound: &str) -> Option<u16> {
        self.groups.get(letters).copied().or_else(|| self.groups_by_sound.get(sound).copied().flatten())
    }

    /// Whether very many people bear the name.
    pub(super) fn is_common(&self, sound: &str, group: Option<u16>) -> bool {
        self.common.contains(sound) || group.is_some_and(|group| self.common_groups.contains(&group))
    }
}

/// The letters of a spelling, which may be of several words: عبد الله.
fn letters_of(spelling: &str) -> String {
    latin_words(spelling).into_iter().map(|word| word.text).collect()
}

#[cfg(test)]
pub(crate) fn shipped() -> Spellings {
    Spellings::from_toml(include_str!("../../../config/screening.toml")).expect("the shipped spellings are sound")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_on_two_lines_is_refused() {
        let text = "particles = []\ntitles = []\ncommon = []\nspellings = [[\"jallow\"], [\"Jàllow\"]]";
        assert!(Spellings::from_toml(text).is_err());
        assert!(Spellings::from_toml("surprise = 1").is_err());
        let known = shipped();
        let group = |text: &str| known.group(&letters_of(text), &sound::of(&letters_of(text)));
        assert_eq!(group("Mamadou"), group("محمد"));
        assert_ne!(group("Aisha"), group("Essa"), "they sound alike, and are spelled otherwise");
    }
}
