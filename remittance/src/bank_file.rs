//! Files in which banks report what arrived: ISO 20022 camt.054, or CSV.
//!
//! A file is taken whole or not at all. It is untrusted: its size, its entries and its texts are bounded, and XML with
//! a document type is refused before anything in it is expanded.

mod camt_054;
mod comma_separated;

pub use camt_054::read_camt_054;
pub use comma_separated::read_csv;

use crate::{Error, NewPayIn};

/// The largest file that is read.
pub const MAX_FILE_BYTES: usize = 10 << 20;
/// Pay-ins that one file may report.
pub const MAX_FILE_PAY_INS: usize = 10_000;

/// What a file reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankFile {
    /// Money that arrived.
    pub pay_ins: Vec<NewPayIn>,
    /// Entries that are none: debits, reversals, and what is not booked yet.
    pub passed_over: usize,
}

fn fault(what: impl Into<String>) -> Error {
    Error::File { what: what.into() }
}

fn bounded(file: &[u8]) -> Result<&str, Error> {
    if file.len() > MAX_FILE_BYTES {
        return Err(fault(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    std::str::from_utf8(file).map_err(|error| fault(format!("byte {} is not UTF-8", error.valid_up_to())))
}

impl BankFile {
    fn add(&mut self, pay_in: NewPayIn) -> Result<(), Error> {
        if self.pay_ins.len() >= MAX_FILE_PAY_INS {
            return Err(fault(format!("it reports more than {MAX_FILE_PAY_INS} pay-ins; split it")));
        }
        self.pay_ins.push(pay_in);
        Ok(())
    }

    fn checked(self) -> Result<Self, Error> {
        let mut seen = std::collections::HashSet::with_capacity(self.pay_ins.len());
        match self.pay_ins.iter().find(|pay_in| !seen.insert(&pay_in.provider_reference)) {
            Some(twice) => {
                let reference: String = twice.provider_reference.chars().take(40).collect();
                Err(fault(format!("the reference {reference:?} stands in it twice")))
            }
            None => Ok(self),
        }
    }
}
