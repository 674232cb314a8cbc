//! Exports of a book for those who check it with their own tools.

mod hledger;
