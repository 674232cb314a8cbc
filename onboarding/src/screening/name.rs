//! A name as it is compared: its words, in Latin letters, without what says nothing.
//!
//! any_ascii brings every script into Latin letters. What it cannot know is how Arabic names are cut: the article hangs
//! on its word or stands alone, and Abd belongs to the word after it.

use std::sync::Arc;

use any_ascii::any_ascii_char;
use platform::unseen::is_unseen;

use super::sound::{self, LONGEST_WORD};
use super::spellings::Spellings;

/// Words of a name that are compared.
const MOST_WORDS: usize = 10;
/// Letters of a word that some write joined with its neighbour: Abou, Mame, N.
const LONGEST_JOINED: usize = 4;
/// What such a name weighs among others: see [`Word::weight`].
const COMMON_WEIGHT: u32 = 700;
const RARE_WEIGHT: u32 = 1_000;
const INITIAL_WEIGHT: u32 = 400;
/// The first part of the names of servants of God, as it is written before a word of its own.
const SERVANT: [&str; 19] = [
    "abd", "abdel", "abdul", "abdoul", "abdal", "abdol", "abder", "abdur", "abdar", "abdes", "abdus", "abdas", "abden",
    "abdun", "abdan", "abdeb", "abdat", "abdil", "abdu",
];

/// A word in Latin letters, and whether its script wrote the vowels.
pub(super) struct LatinWord {
    pub(super) text: String,
    pub(super) without_vowels: bool,
}

/// One way to write a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) text: String,
    pub(super) sound: String,
    pub(super) group: Option<u16>,
}

/// A word of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Word {
    pub(super) form: Form,
    /// With the particle that stood before it: `benali` of Ben Ali.
    pub(super) with_particle: Option<Form>,
    pub(super) without_vowels: bool,
    pub(super) common: bool,
}

impl Word {
    /// Whether it is a single letter that stands for a word.
    pub(super) fn is_initial(&self) -> bool {
        self.form.text.len() == 1
    }

    /// How much it tells of who somebody is.
    pub(super) fn weight(&self) -> u32 {
        match (self.is_initial(), self.common) {
            (true, _) => INITIAL_WEIGHT,
            (false, true) => COMMON_WEIGHT,
            (false, false) => RARE_WEIGHT,
        }
    }
}

/// A name, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// Shared among the names of a list.
    pub(super) words: Vec<Arc<Word>>,
}

impl Name {
    /// Reads a name in any script. What has no letters is a name without words, which is like no other.
    #[must_use]
    pub fn read(text: &str, spellings: &Spellings) -> Self {
        let all = latin_words(text);
        let says_something = |word: &LatinWord| !spellings.leaves_out(&word.text);
        let any_left = all.iter().any(says_something);
        let mut words = Vec::new();
        let mut particle: Option<String> = None;
        let mut servant = false;
        let last = all.len().saturating_sub(1);
        for (position, word) in all.into_iter().enumerate() {
            if any_left && spellings.leaves_out(&word.text) {
                particle = Some(word.text);
                continue;
            }
            if position < last && !servant && SERVANT.contains(&word.text.as_str()) {
                servant = true;
                continue;
            }
            if words.len() < MOST_WORDS {
                words.push(Arc::new(read_word(&word, servant, particle.take(), spellings)));
            }
            servant = false;
        }
        Self { words }
    }

    /// Two neighbours as one word, where one of them is short: `ndiaye` of N Diaye.
    pub(super) fn joined(&self, first: usize, spellings: &Spellings) -> Option<Form> {
        let (one, other) = (self.words.get(first)?, self.words.get(first + 1)?);
        let short = one.form.text.len().min(other.form.text.len()) <= LONGEST_JOINED;
        short.then(|| form(&format!("{}{}", one.form.text, other.form.text), spellings))
    }

    /// Whether letters stand for words.
    pub(super) fn has_initials(&self) -> bool {
        self.words.iter().any(|word| word.is_initial())
    }
}

fn form(text: &str, spellings: &Spellings) -> Form {
    let text: String = text.chars().take(LONGEST_WORD).collect();
    let sound = sound::of(&text);
    let group = spellings.group(&text, &sound);
    Form { text, sound, group }
}

fn read_word(word: &LatinWord, servant: bool, particle: Option<String>, spellings: &Spellings) -> Word {
    let text = if servant {
        let of = without_article(&word.text, word.without_vowels);
        let whole = form(&format!("abd{}", word.text), spellings);
        if whole.group.is_some() { whole.text } else { format!("abd{of}") }
    } else {
        let whole = form(&word.text, spellings);
        match whole.group {
            Some(_) => whole.text,
            None => joined_servant(&word.text)
                .unwrap_or_else(|| without_article(&word.text, word.without_vowels).to_owned()),
        }
    };
    let form = form(&text, spellings);
    let with_particle = particle.map(|particle| self::form(&format!("{particle}{}", word.text), spellings));
    let common = spellings.is_common(&form.sound, form.group);
    Word { form, with_particle, without_vowels: word.without_vowels, common }
}

/// The word without an article that hangs on it: `ghamdi` of Alghamdi.
fn without_article(word: &str, without_vowels: bool) -> &str {
    let shortest = if without_vowels { 4 } else { 6 };
    let rest = word.strip_prefix("al").or_else(|| word.strip_prefix("el")).filter(|_| word.len() >= shortest);
    rest.unwrap_or(word)
}

/// `abdrahman` of Abdurrahman, Abderrahmane and Abdulrahman alike.
fn joined_servant(word: &str) -> Option<String> {
    let rest = word.strip_prefix("abd").filter(|_| word.len() >= 7)?;
    let after = rest.trim_start_matches(|letter: char| sound::is_vowel(letter as u8));
    let linked = after.len() < rest.len();
    let mut letters = after.bytes();
    let (first, second) = (letters.next()?, letters.next()?);
    let article = linked && (first == second || first == b'l');
    let of = if article { after.get(1..)? } else { after };
    (of.len() >= 3).then(|| format!("abd{of}"))
}

/// The words of a text in lower-case Latin letters.
pub(super) fn latin_words(text: &str) -> Vec<LatinWord> {
    let mut words = Vec::new();
    let mut word = LatinWord { text: String::new(), without_vowels: false };
    for letter in text.chars().take(400) {
        if matches!(letter, '\'' | '’' | '‘' | '`' | '´' | 'ʿ' | 'ʾ' | 'ʼ' | 'ـ')
            || is_mark(letter)
            || is_unseen(letter)
        {
            continue;
        }
        if letter.is_alphabetic() {
            word.without_vowels |= is_arabic_or_hebrew(letter);
            let latin = our_own(letter).unwrap_or_else(|| any_ascii_char(letter));
            word.text.extend(latin.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()));
        } else if !word.text.is_empty() {
            words.push(std::mem::replace(&mut word, LatinWord { text: String::new(), without_vowels: false }));
        }
    }
    if !word.text.is_empty() {
        words.push(word);
    }
    words
}

/// Accents that stand as characters of their own, and the vowel signs of Arabic, which count as letters elsewhere.
const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{0300}'..='\u{036f}' | '\u{064b}'..='\u{065f}' | '\u{0670}' | '\u{0591}'..='\u{05c7}')
}

const fn is_arabic_or_hebrew(letter: char) -> bool {
    matches!(letter, '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
}

/// Letters of Arabic that stand for a vowel or for no sound of Latin's, which any_ascii writes as signs; and the Cyrillic
/// letter for the h of Hassan, which it writes as kh.
const fn our_own(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ا' | 'أ' | 'إ' | 'آ' | 'ٱ' | 'ع' | 'ى' | 'ة' => "a",
        'ئ' => "i",
        'ؤ' => "u",
        'ء' => "",
        'х' | 'Х' => "h",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::spellings::shipped;

    fn sounds(text: &str) -> Vec<String> {
        Name::read(text, &shipped()).words.iter().map(|word| word.form.sound.clone()).collect()
    }

    #[test]
    fn articles_and_particles_do_not_count() {
        assert_eq!(sounds("Mohamed Ould Abdel Aziz"), sounds("Mohamed Abdelaziz"));
        assert_eq!(sounds("al-Zahrani"), sounds("Alzahrani"));
        assert_eq!(sounds("El Hadj Malick Sy"), sounds("Malick SY"));
        assert_eq!(sounds("Fatou Diop née Ndiaye"), sounds("Fatou Diop Ndiaye"));
    }

    #[test]
    fn servants_of_god_are_one_word_however_they_are_cut() {
        let one = sounds("Abdurrahman");
        for other in ["Abd al-Rahman", "Abdul Rahman", "Abderrahmane", "Abdulrahman", "Abd ar-Rahman", "Abdel Rahman"] {
            assert_eq!(sounds(other), one, "{other}");
        }
        assert_eq!(sounds("Abdou Diouf").len(), 2, "Abdou is a name of its own");
    }

    #[test]
    fn what_cannot_be_seen_cuts_no_word() {
        for unseen in ['\u{ad}', '\u{34f}', '\u{200b}', '\u{200d}', '\u{2060}', '\u{fe0f}', '\u{feff}', '\u{e0020}'] {
            let hidden: String = "Kassoum Tambadou".chars().flat_map(|letter| [letter, unseen]).collect();
            assert_eq!(sounds(&hidden), sounds("Kassoum Tambadou"), "{unseen:?}");
        }
    }

    #[test]
    fn a_name_without_letters_has_no_words() {
        for text in ["", "   ", "123", "—", "'"] {
            assert!(sounds(text).is_empty(), "{text:?}");
        }
        assert_eq!(sounds("ben"), ["ben"], "a particle alone is a name");
    }

    #[test]
    fn long_names_are_bounded() {
        let name = Name::read(&"Mamadou ".repeat(1_000), &shipped());
        assert_eq!(name.words.len(), MOST_WORDS);
        assert!(Name::read(&"a".repeat(10_000), &shipped()).words[0].form.sound.len() <= LONGEST_WORD);
    }
}
