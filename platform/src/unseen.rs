//! Characters that nobody sees: by them two texts look alike and are not, and a name is none that a list knows.
//!
//! Two of them are letters' business, and stay: the joiners U+200C and U+200D, without which Persian and several
//! scripts of India are not spelled right.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Whether a character shows nothing by itself: what says how others are shown, marks that stand on the letter before
/// them and are none themselves, and what Unicode keeps free for more of these. Comparing leaves it out.
#[must_use]
pub fn is_unseen(character: char) -> bool {
    match character.general_category() {
        GeneralCategory::Format | GeneralCategory::EnclosingMark => true,
        GeneralCategory::NonspacingMark => !character.is_alphabetic(),
        GeneralCategory::Unassigned => is_kept_free(character),
        _ => false,
    }
}

/// Whether a character is one that nobody types into a name or an address to be read: a control, a line's end, what
/// [`is_unseen`] but for joiners and marks, a letter that is blank, or a space of a typesetter's widths.
#[must_use]
pub fn is_misleading(character: char) -> bool {
    match character.general_category() {
        GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => true,
        GeneralCategory::Format => !matches!(character, '\u{200c}' | '\u{200d}'),
        GeneralCategory::SpaceSeparator => !matches!(character, ' ' | '\u{a0}' | '\u{202f}' | '\u{3000}'),
        GeneralCategory::Unassigned => is_kept_free(character),
        _ => is_blank(character),
    }
}

/// Code points without a character yet that programs show as nothing (`Default_Ignorable_Code_Point`).
const fn is_kept_free(character: char) -> bool {
    matches!(character, '\u{2065}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters, a mark and a sign that take room or none, and show nothing.
const fn is_blank(character: char) -> bool {
    matches!(character, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_they_are_written_do_not_mislead() {
        for name in [
            "Fatou Ndiaye",
            "Aïssatou N’Diaye",
            "Ai\u{308}ssatou",
            "محمد صالح الغامدي",
            "مُحَمَّد",
            "علی\u{200c}رضا",
            "ක\u{dca}\u{200d}ර",
            "葛\u{e0100}城",
            "山田\u{3000}太郎",
            "Анна-Мария",
        ] {
            assert!(!name.chars().any(is_misleading), "{name:?}");
        }
    }

    #[test]
    fn what_nobody_sees_misleads() {
        for character in
            "\u{7}\u{ad}\u{34f}\u{61c}\u{180e}\u{200a}\u{200b}\u{200e}\u{2028}\u{202e}\u{2060}\u{2065}\u{2800}\
                          \u{3164}\u{feff}\u{fff9}\u{e0041}\u{e0fff}"
                .chars()
        {
            assert!(is_misleading(character), "{character:?}");
        }
    }

    #[test]
    fn marks_and_joiners_are_unseen_and_vowels_are_not() {
        for character in "\u{ad}\u{308}\u{200b}\u{200d}\u{20dd}\u{2060}\u{fe0f}\u{e0020}\u{e0100}\u{e0fff}".chars() {
            assert!(is_unseen(character), "{character:?}");
        }
        // Vowels of India and Thailand are marks by their category, and letters to whoever reads them.
        for character in "a म\u{941}ก\u{e34}\u{3164}".chars() {
            assert!(!is_unseen(character), "{character:?}");
        }
    }
}
