//! How a word sounds, whoever wrote it down.
//!
//! The same name is written by French, English, Portuguese and Arabic ears: Diallo and Jallow, Cissé and Ceesay,
//! Ouattara and Watara, Thiam and Cham. A sound is a coarse common form of these, never shown to anybody.

/// A spelling at the beginning of the rest of a word, and what it sounds like.
struct Rule {
    spelling: &'static str,
    sound: &'static str,
    only: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    AtTheStart,
    AtTheEnd,
    BeforeAVowel,
    AtTheStartBeforeAVowel,
    BeforeEOrI,
    BeforeROrL,
}

const fn rule(spelling: &'static str, sound: &'static str, only: Place) -> Rule {
    Rule { spelling, sound, only }
}

/// The first that fits counts.
const RULES: [Rule; 36] = [
    rule("tch", "s", Place::Anywhere),
    rule("dzh", "j", Place::Anywhere),
    rule("sch", "s", Place::Anywhere),
    rule("sh", "s", Place::Anywhere),
    rule("ch", "k", Place::BeforeROrL),
    rule("ch", "s", Place::Anywhere),
    rule("ph", "f", Place::Anywhere),
    rule("dj", "j", Place::Anywhere),
    rule("di", "j", Place::BeforeAVowel),
    rule("dy", "j", Place::BeforeAVowel),
    rule("thi", "s", Place::BeforeAVowel),
    rule("ti", "s", Place::AtTheStartBeforeAVowel),
    rule("ty", "s", Place::AtTheStartBeforeAVowel),
    rule("cc", "k", Place::Anywhere),
    rule("ck", "k", Place::Anywhere),
    rule("c", "s", Place::BeforeEOrI),
    rule("c", "k", Place::Anywhere),
    rule("qu", "k", Place::BeforeEOrI),
    rule("q", "k", Place::Anywhere),
    rule("gu", "g", Place::BeforeEOrI),
    rule("x", "ks", Place::Anywhere),
    rule("ou", "w", Place::BeforeAVowel),
    rule("ou", "u", Place::Anywhere),
    rule("oo", "u", Place::Anywhere),
    rule("ee", "i", Place::Anywhere),
    rule("ie", "i", Place::AtTheEnd),
    rule("yu", "iu", Place::AtTheStart),
    rule("ai", "e", Place::Anywhere),
    rule("ay", "e", Place::Anywhere),
    rule("ei", "e", Place::Anywhere),
    rule("ey", "e", Place::Anywhere),
    rule("ae", "e", Place::Anywhere),
    rule("ow", "o", Place::AtTheEnd),
    rule("aw", "o", Place::AtTheEnd),
    rule("y", "i", Place::Anywhere),
    rule("h", "", Place::Anywhere),
];

/// Longer words are cut: no name is longer, and comparing costs the square of it.
pub(super) const LONGEST_WORD: usize = 32;

pub(super) const fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u')
}

impl Place {
    fn fits(self, at_start: bool, rest: &[u8]) -> bool {
        let next = rest.first().copied();
        let before_vowel = next.is_some_and(is_vowel);
        match self {
            Self::Anywhere => true,
            Self::AtTheStart => at_start,
            Self::AtTheEnd => rest.is_empty(),
            Self::BeforeAVowel => before_vowel,
            Self::AtTheStartBeforeAVowel => at_start && before_vowel,
            Self::BeforeEOrI => matches!(next, Some(b'e' | b'i' | b'y')),
            Self::BeforeROrL => matches!(next, Some(b'r' | b'l')),
        }
    }
}

/// The sound of a word of lower-case ASCII letters.
pub(super) fn of(word: &str) -> String {
    let letters = word.as_bytes();
    let mut sound: Vec<u8> = Vec::with_capacity(letters.len());
    let mut at = 0;
    while let Some(rest) = letters.get(at..).filter(|rest| !rest.is_empty()) {
        let rule = RULES.iter().find(|rule| {
            rest.strip_prefix(rule.spelling.as_bytes()).is_some_and(|after| rule.only.fits(at == 0, after))
        });
        let doubled = at > 0 && letters[at - 1] == rest[0];
        match rule {
            Some(rule) => {
                rule.sound.bytes().for_each(|letter| push(&mut sound, letter));
                at += rule.spelling.len();
            }
            None => {
                if !doubled {
                    push(&mut sound, rest[0]);
                }
                at += 1;
            }
        }
    }
    // The e that French writes and nobody says.
    if sound.len() > 3 && sound.ends_with(b"e") {
        sound.pop();
    }
    sound.truncate(LONGEST_WORD);
    String::from_utf8(sound).unwrap_or_default()
}

fn push(sound: &mut Vec<u8>, letter: u8) {
    if !(is_vowel(letter) && sound.last() == Some(&letter)) {
        sound.push(letter);
    }
}

/// The consonants of a sound: all that scripts without vowels tell.
pub(super) fn skeleton(sound: &str) -> String {
    sound.chars().filter(|letter| letter.is_ascii() && !is_vowel(*letter as u8) && *letter != 'w').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_alike_sounds_alike() {
        for (one, other) in [
            ("ouattara", "wattara"),
            ("thiam", "cham"),
            ("keita", "kaita"),
            ("souleymane", "suleiman"),
            ("diaby", "jabbie"),
            ("seydou", "saidou"),
            ("djibril", "jibril"),
            ("camara", "kamara"),
            ("sylla", "silla"),
            ("diatta", "jatta"),
            ("mohammed", "mohamed"),
            ("cheikh", "sheik"),
        ] {
            assert_eq!(of(one), of(other), "{one} and {other}");
        }
        for (one, other) in [("fall", "sall"), ("diallo", "diarra"), ("ba", "bo"), ("sy", "so")] {
            assert_ne!(of(one), of(other), "{one} and {other}");
        }
    }

    #[test]
    fn a_skeleton_has_no_vowels() {
        assert_eq!(skeleton(&of("mohamed")), "mmd");
        assert_eq!(skeleton(&of("yaya")), "");
    }
}
