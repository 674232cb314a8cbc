//! Payment references: what the sender writes on the transfer, `TRG-7K3MQ-9X2AF`.
//!
//! Nine random characters of Crockford's alphabet, which has no I, L, O or U to be misread, and a check character.

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_CHARACTERS: usize = 9;
const PREFIX: &str = "TRG";

/// A new reference.
pub(crate) fn generate() -> String {
    let symbols: Vec<usize> = (0..RANDOM_CHARACTERS).map(|_| rand::random_range(0..ALPHABET.len())).collect();
    let mut text: String = symbols.iter().map(|&symbol| char::from(ALPHABET[symbol])).collect();
    text.push(char::from(ALPHABET[check(&symbols)]));
    format!("{PREFIX}-{}-{}", &text[..5], &text[5..])
}

/// The first reference in a line that a bank passed on, whatever it did to case, blanks and hyphens.
#[must_use]
pub fn find(line: &str) -> Option<String> {
    let bare: String = line.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    bare.match_indices(PREFIX).find_map(|(start, _)| {
        let text = bare.get(start + PREFIX.len()..start + PREFIX.len() + RANDOM_CHARACTERS + 1)?;
        let text: String = text.chars().map(unread).collect();
        let symbols: Option<Vec<usize>> =
            text.bytes().map(|byte| ALPHABET.iter().position(|known| *known == byte)).collect();
        let symbols = symbols?;
        let (random, given) = symbols.split_at(RANDOM_CHARACTERS);
        (given == [check(random)]).then(|| format!("{PREFIX}-{}-{}", &text[..5], &text[5..]))
    })
}

/// Whether a text is a reference, as it was given out.
pub(crate) fn is_one(text: &str) -> bool {
    find(text).as_deref() == Some(text)
}

/// Weighted so that one wrong character, or two neighbours swapped, is noticed.
fn check(symbols: &[usize]) -> usize {
    // 31 is a prime: every weight below it has an inverse, and so does every difference of neighbours.
    symbols.iter().zip(2..).map(|(symbol, weight): (&usize, usize)| (symbol + 1) * weight).sum::<usize>() % 31
}

fn unread(character: char) -> char {
    match character {
        'O' => '0',
        'I' | 'L' => '1',
        character => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_found_in_what_banks_make_of_it() {
        for _ in 0..200 {
            let reference = generate();
            let bare = reference.replace('-', "").to_lowercase();
            assert_eq!(find(&format!("VIREMENT DE A. DIOP /{bare}/ MERCI")), Some(reference.clone()));
            assert_eq!(find(&reference.replace('-', " - ")), Some(reference.clone()));
            assert_eq!(find(&reference.replace('0', "O").replace('1', "l")), Some(reference));
        }
        assert_eq!(find("no reference at all"), None);
        assert_eq!(find("TRG-1"), None);
    }

    #[test]
    fn most_slips_of_the_pen_are_noticed() {
        let mut noticed = 0;
        let mut slips = 0;
        for _ in 0..200 {
            let reference = generate();
            let mut characters: Vec<char> = reference.chars().collect();
            let (a, b) = (5, 6);
            if characters[a] == characters[b] {
                continue;
            }
            characters.swap(a, b);
            slips += 1;
            let slipped: String = characters.into_iter().collect();
            noticed += usize::from(find(&slipped).is_none());
        }
        assert!(noticed * 10 >= slips * 9, "{noticed} of {slips}");
    }
}
