//! The one place where the time comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, NaiveDate, SubsecRound, Utc};

/// The time, in whole microseconds as the database keeps it. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    hands: Hands,
}

#[derive(Clone, Debug)]
enum Hands {
    System,
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self { hands: Hands::System }
    }

    /// A clock that stands still until it is set or advanced; for tests.
    #[must_use]
    pub fn fixed(time: DateTime<Utc>) -> Self {
        Self { hands: Hands::Set(Arc::new(AtomicI64::new(time.timestamp_micros()))) }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.hands {
            Hands::System => Utc::now().trunc_subsecs(6),
            Hands::Set(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or(DateTime::UNIX_EPOCH)
            }
        }
    }

    /// The day, in UTC.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.now().date_naive()
    }

    /// Moves a fixed clock on; the machine's clock cannot be moved and stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Hands::Set(micros) = &self.hands {
            micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}
