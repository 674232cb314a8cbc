use chrono::NaiveDate;
use ledger::{Currency, Money};
use serde::Deserialize;

use super::{BankFile, bounded, fault};
use crate::{Error, NewPayIn};

/// The columns, sorted.
const COLUMNS: [&str; 5] = ["amount", "currency", "provider_reference", "text", "value_date"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    provider_reference: String,
    amount: String,
    currency: String,
    value_date: NaiveDate,
    text: String,
}

/// Reads a CSV file with the columns `provider_reference,amount,currency,value_date,text`, in any order.
///
/// # Errors
/// [`Error::File`] with the first fault and its line.
pub fn read_csv(provider: &str, file: &[u8]) -> Result<BankFile, Error> {
    let text = bounded(file)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    // Looked at by itself: a file without lines would pass with any header.
    let mut columns: Vec<&str> = reader.headers().map_err(|error| fault(error.to_string()))?.iter().collect();
    columns.sort_unstable();
    if columns != COLUMNS {
        return Err(fault(format!("line 1: the columns are {}", COLUMNS.join(", "))));
    }
    let mut read = BankFile::default();
    for (line, number) in reader.deserialize::<Line>().zip(2..) {
        let at = |what: &dyn std::fmt::Display| fault(format!("line {number}: {what}"));
        let line = line.map_err(|error| at(&error))?;
        let currency = Currency::try_new(&line.currency).map_err(|error| at(&error))?;
        let amount = Money::parse(&line.amount, currency).map_err(|error| at(&error))?;
        let pay_in = NewPayIn::try_new(provider, &line.provider_reference, amount, line.value_date, &line.text);
        read.add(pay_in.map_err(|error| at(&error))?)?;
    }
    read.checked()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "provider_reference,amount,currency,value_date,text\n";

    fn read(lines: &str) -> Result<BankFile, Error> {
        read_csv("bank", format!("{HEADER}{lines}").as_bytes())
    }

    #[test]
    fn each_line_is_a_pay_in() -> Result<(), Error> {
        let file = read("A1,101.50,EUR,2026-01-31,\"TRG-7K3MQ-9X2AF, merci\"\nA2,65268,XOF,2026-01-31,\n")?;
        let amounts: Vec<String> = file.pay_ins.iter().map(|pay_in| pay_in.amount.to_string()).collect();
        assert_eq!(amounts, ["101.50", "65268"]);
        assert_eq!(file.pay_ins[0].text, "TRG-7K3MQ-9X2AF, merci");
        Ok(())
    }

    #[test]
    fn a_fault_is_named_with_its_line_and_refuses_the_file() {
        for (lines, what) in [
            ("A1,1.00,EUR,2026-01-31,x\nA2,1.0,EUR,2026-01-31,x\n", "line 3"),
            ("A1,1.00,EUR,2026-13-31,x\n", "line 2"),
            ("A1,-1.00,EUR,2026-01-31,x\n", "above zero"),
            ("A1,1.00,EUX,2026-01-31,x\n", "EUX"),
            ("A1,1.00,EUR,2026-01-31,x\nA1,1.00,EUR,2026-01-31,y\n", "twice"),
            ("A1,1.00,EUR,2026-01-31\n", "line 2"),
            (",1.00,EUR,2026-01-31,x\n", "reference"),
        ] {
            let error = read(lines).expect_err(lines).to_string();
            assert!(error.contains(what), "{error}");
        }
        for faulty in ["amount,text\n1.00,x\n", "null", "", &HEADER.replace("text", "text,text")] {
            assert!(read_csv("bank", faulty.as_bytes()).is_err(), "{faulty}");
        }
        assert!(read("").is_ok_and(|file| file.pay_ins.is_empty()), "a day without pay-ins");
        assert!(read_csv("bank", b"\xff\xfe").is_err());
        assert!(read_csv("bank", &vec![b'x'; super::super::MAX_FILE_BYTES + 1]).is_err());
    }
}
