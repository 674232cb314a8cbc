//! Books beside book 1.

use serde::Deserialize;

/// The name of book 1.
pub(crate) const FIRST_BOOK: &str = "teranga";
/// Books that may stand beside book 1: each has a writer and a connection of its own.
const MOST_FURTHER_BOOKS: usize = 32;

/// A book beside book 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherBook {
    /// Its number; part of its clearing accounts' names, so never changed.
    pub number: i16,
    /// Its name, when it has to be made.
    pub name: String,
}

/// Whether the books can stand side by side.
pub(super) fn check(books: &[FurtherBook], require: &mut impl FnMut(bool, &str)) {
    require(books.len() <= MOST_FURTHER_BOOKS, "books: 32 at most");
    for (position, book) in books.iter().enumerate() {
        let others = &books[..position];
        require(book.number >= 2, "books: numbers are 2 or more; book 1 is always there");
        require(!others.iter().any(|other| other.number == book.number), "books: a number is there twice");
        let known = book.name == FIRST_BOOK || others.iter().any(|other| other.name == book.name);
        require(!known, "books: a name is there twice");
        let well_formed = (1..=60).contains(&book.name.chars().count()) && !book.name.chars().any(char::is_control);
        require(well_formed, "books: names have 1 to 60 characters on one line");
    }
}
