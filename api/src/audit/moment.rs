use chrono::{DateTime, Datelike, NaiveDate, Utc};
use ledger::{AsOf, Dates, Moment, Sequence};

use super::view::View;
use crate::problem::{Faults, Problem};

/// How long a read waits for a database that follows another one to come as far as it is asked.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// The moment that is asked for, as the parameters tell it.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked {
    pub(super) as_of_sequence: Option<i64>,
    pub(super) known_at: Option<DateTime<Utc>>,
    pub(super) effective_date: Option<NaiveDate>,
    pub(super) at_least_sequence: Option<i64>,
}

impl Asked {
    /// The moment, once the book has come as far as is asked, if the grant shows it.
    pub(super) async fn moment(self, view: &View) -> Result<Moment, Problem> {
        let mut faults = Faults::default();
        check_year(self.effective_date, "effective_date", &mut faults);
        let known = self.known(&mut faults);
        if self.at_least_sequence.is_some_and(|number| number < 0) {
            faults.add("at_least_sequence", "sequence", "a sequence is zero or above");
        }
        faults.finish()?;
        if let Some(number) = self.at_least_sequence {
            view.ledger.at_least(Sequence::new(number), PATIENCE).await?;
        }
        view.require_effective(self.effective_date)?;
        let known = view.known(known).await?;
        Ok(match self.effective_date {
            Some(day) => known.effective_by(day),
            None => known.into(),
        })
    }

    /// What is known, for what is never asked by effective date alone.
    pub(super) async fn as_of(self, view: &View) -> Result<AsOf, Problem> {
        let mut faults = Faults::default();
        let known = self.known(&mut faults);
        faults.finish()?;
        Self { effective_date: None, ..self }.moment(view).await?;
        view.known(known).await
    }

    fn known(self, faults: &mut Faults) -> AsOf {
        match (self.as_of_sequence, self.known_at) {
            (None, None) => AsOf::Now,
            (Some(number), None) => AsOf::Sequence(Sequence::new(number)),
            (None, Some(time)) => AsOf::BookedBy(time),
            (Some(_), Some(_)) => {
                faults.add("known_at", "one-moment", "give known_at or as_of_sequence, not both");
                AsOf::Now
            }
        }
    }
}

/// Days whose years have four digits, as ISO 8601 writes them.
pub(crate) fn dates(from: (&str, Option<NaiveDate>), through: (&str, Option<NaiveDate>), faults: &mut Faults) -> Dates {
    check_year(from.1, from.0, faults);
    check_year(through.1, through.0, faults);
    Dates { from: from.1, through: through.1 }
}

fn check_year(day: Option<NaiveDate>, name: &str, faults: &mut Faults) {
    if day.is_some_and(|day| !(1..=9999).contains(&day.year())) {
        faults.add(name, "date", "a year has four digits");
    }
}
