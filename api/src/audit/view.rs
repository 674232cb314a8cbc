//! What of a book a grant shows: which entries, and who appears as whom. Every read goes through a view, so that none
//! can forget to ask.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use ledger::{
    AccountCode, AccountPrefix, AsOf, BookId, Commodity, Dates, EntryName, Extent, InvalidFilter, Ledger, Sequence,
    Subjects, WholeEntry,
};
use onboarding::{AuditScope, Auditor};
use platform::cipher::Cipher;
use uuid::Uuid;

use crate::cursor::faulty_cursor;
use crate::house::House;
use crate::problem::{Faults, Problem, kinds};

/// The book that is meant when none is named.
pub(super) const ORDINARY_BOOK: i16 = 1;

/// A book as a grant shows it.
pub(super) struct View {
    pub(super) ledger: Ledger,
    scope: AuditScope,
    subjects: Subjects,
    /// The entries that were booked on the days of the grant; all of them when it names none.
    window: Option<Window>,
    cipher: Cipher,
    /// What cursors are sealed for: those of another grant are none.
    context: String,
}

/// Entries after one, and up to another.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) after: i64,
    pub(super) through: i64,
}

/// Where a number lies that does not belong to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beyond {
    /// An entry that is there, and is not shown.
    Outside,
    /// Nothing is there yet.
    Ahead,
}

impl Window {
    /// That the place after which something is asked for, or the last entry that counts, belongs to the window.
    ///
    /// Whatever lies behind the window is refused here, also what nobody has booked yet: by the time that the ledger
    /// looks, it may be there.
    const fn reach(self, number: i64, head: i64) -> Result<i64, Beyond> {
        if self.after <= number && number <= self.through {
            Ok(number)
        } else if number > head {
            Err(Beyond::Ahead)
        } else {
            Err(Beyond::Outside)
        }
    }
}

fn outside(detail: impl Into<String>) -> Problem {
    Problem::new(&kinds::OUTSIDE_GRANT, detail)
}

/// That the grant shows the book.
pub(super) fn require_book(auditor: &Auditor, book: i16) -> Result<BookId, Problem> {
    let shown = auditor.scope().books();
    if shown.contains(&book) {
        return Ok(BookId::new(book));
    }
    let shown: Vec<String> = shown.iter().map(ToString::to_string).collect();
    Err(outside(format!("the grant does not show book {book}; it shows {}", shown.join(", "))))
}

impl View {
    /// The book of that number, book 1 when none is named.
    pub(super) async fn open(house: &House, auditor: &Auditor, book: Option<i16>) -> Result<Self, Problem> {
        let book = require_book(auditor, book.unwrap_or(ORDINARY_BOOK))?;
        let ledger = house.audited_clearing.book(book)?.clone();
        let scope = auditor.scope().clone();
        let window = match (scope.booked_from(), scope.booked_through()) {
            (None, None) => None,
            (from, through) => {
                let (after, through) = ledger.booked_in(Dates { from, through }).await?;
                Some(Window { after: after.number(), through: through.number() })
            }
        };
        let subjects = match scope.shows_personal_data() {
            true => Subjects::AsTheyAre,
            false => house.pseudonyms(auditor.grant().uuid()),
        };
        let context = format!("audit.cursor.{}.{}", auditor.grant(), book.number());
        Ok(Self { ledger, scope, subjects, window, cipher: house.cipher.clone(), context })
    }

    pub(super) const fn window(&self) -> Option<Window> {
        self.window
    }

    fn days(&self) -> String {
        let day = |day: Option<NaiveDate>| day.map_or_else(|| "any day".to_owned(), |day| day.to_string());
        format!(
            "the grant shows entries booked from {} through {}",
            day(self.scope.booked_from()),
            day(self.scope.booked_through())
        )
    }

    fn outside_days(&self, what: impl std::fmt::Display) -> Problem {
        outside(format!("{what} is outside: {}", self.days()))
    }

    /// Whether entries booked on that day are shown.
    pub(super) fn shows_day(&self, day: NaiveDate) -> bool {
        self.scope.booked_from().is_none_or(|from| from <= day)
            && self.scope.booked_through().is_none_or(|through| day <= through)
    }

    /// What is known at the moment that is asked for. The newest entry is the newest one of the grant's days; what the
    /// accounts held before its first day is shown, as the balance that it opens with.
    pub(super) async fn known(&self, asked: AsOf) -> Result<AsOf, Problem> {
        let Some(window) = self.window else { return Ok(asked) };
        match asked {
            AsOf::Now => Ok(AsOf::Sequence(Sequence::new(window.through))),
            AsOf::Sequence(sequence) => {
                self.reach(window, sequence.number(), "as_of_sequence").await?;
                Ok(asked)
            }
            AsOf::BookedBy(time) if self.shows_day(time.date_naive()) => Ok(asked),
            AsOf::BookedBy(time) => Err(self.outside_days(time)),
        }
    }

    /// That the grant's entries reach to that number, which stands in that parameter.
    async fn reach(&self, window: Window, number: i64, pointer: &'static str) -> Result<i64, Problem> {
        // On the grant's days the window ends where the book stood; what came since is asked for again.
        let head = match self.shows_day(self.ledger.today()) {
            true => window.through,
            false => self.ledger.head().await?.number(),
        };
        window.reach(number, head).map_err(|beyond| match beyond {
            Beyond::Outside => self.outside_days(format!("entry {number}")),
            Beyond::Ahead => ahead(pointer)(ledger::Error::SequenceAhead { head, asked: number }),
        })
    }

    /// That nothing is asked of what took effect before the grant's days.
    pub(super) fn require_effective(&self, day: Option<NaiveDate>) -> Result<(), Problem> {
        match (day, self.scope.booked_from()) {
            (Some(day), Some(from)) if day < from => Err(self.outside_days(day)),
            _ => Ok(()),
        }
    }

    /// That periods of effective days can be told apart from what the grant does not show.
    pub(super) fn require_all_days(&self, what: &str) -> Result<(), Problem> {
        self.window.map_or(Ok(()), |_| Err(outside(format!("{what} is for grants of all days; {}", self.days()))))
    }

    /// That the grant shows the book as it stands today.
    pub(super) fn require_today(&self, what: &str) -> Result<(), Problem> {
        if self.shows_day(self.ledger.today()) {
            return Ok(());
        }
        Err(outside(format!("{what} is of today; {}", self.days())))
    }

    /// That the grant shows the entry.
    pub(super) fn require_entry(&self, sequence: i64) -> Result<(), Problem> {
        match self.window {
            Some(window) if sequence <= window.after || sequence > window.through => {
                Err(self.outside_days(format!("entry {sequence}")))
            }
            _ => Ok(()),
        }
    }

    /// One entry, if the grant shows it. Ids can be derived from those of remittances, so one whose entry lies outside is
    /// as unknown as one that there is not; sequences tell nothing that a grant does not say itself.
    pub(super) async fn entry(&self, name: EntryName) -> Result<WholeEntry, Problem> {
        let whole = self.ledger.entry(name).await?;
        match (self.require_entry(whole.entry.sequence.number()), name) {
            (Ok(()), _) => Ok(whole),
            (Err(_), EntryName::Key(_)) => Err(ledger::Error::UnknownEntry(name.to_string()).into()),
            (Err(outside), EntryName::Sequence(_)) => Err(outside),
        }
    }

    /// The days of booking that are asked for, within those of the grant.
    pub(super) fn booked(&self, asked: Dates) -> Result<Dates, Problem> {
        for day in [asked.from, asked.through].into_iter().flatten() {
            if !self.shows_day(day) {
                return Err(self.outside_days(day));
            }
        }
        let from = asked.from.or(self.scope.booked_from());
        let through = asked.through.or(self.scope.booked_through());
        Ok(Dates { from, through })
    }

    /// The entries from one to another that are asked for, by their sequences; those of the grant when left out. The
    /// last one stands in the parameter `pointer`.
    pub(super) async fn extent(
        &self,
        first: Option<i64>,
        last: Option<i64>,
        pointer: &'static str,
    ) -> Result<Extent, Problem> {
        let (mut first, mut last) = (first, last);
        if let Some(window) = self.window {
            if let Some(first) = first
                && first <= self.ledger.head().await?.number()
            {
                self.require_entry(first)?;
            }
            last = Some(match last {
                Some(last) => self.reach(window, last, pointer).await?,
                None => window.through,
            });
            first = first.or(Some(window.after + 1));
        }
        let from = first.map_or(Extent::WHOLE, |first| Extent::WHOLE.from(Sequence::new(first)));
        Ok(last.map_or(from, |last| from.through(Sequence::new(last))))
    }

    pub(super) const fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    /// Who a subject appears as.
    pub(super) fn subject(&self, subject: Option<Uuid>) -> Option<Uuid> {
        subject.map(|subject| self.subjects.subject(subject))
    }

    /// Further facts, where the grant shows them.
    pub(super) fn metadata(&self, metadata: Option<serde_json::Value>) -> Option<serde_json::Value> {
        metadata.filter(|_| self.subjects.shows_metadata())
    }

    /// That entries may be asked for by their metadata.
    pub(super) fn require_metadata(&self) -> Result<(), Problem> {
        if self.subjects.shows_metadata() {
            return Ok(());
        }
        Err(outside("metadata is for grants that show personal data"))
    }

    /// The currency or the unit of that code.
    pub(super) async fn commodity(&self, text: &str, pointer: &str) -> Result<Commodity, Problem> {
        let mut faults = Faults::default();
        let found = self.ledger.commodity(text).await?;
        faults.check(pointer, "currency", found).ok_or_else(|| faults.problem())
    }

    /// How an account appears.
    pub(super) fn code(&self, code: &AccountCode) -> String {
        self.subjects.code(code, self.ledger.chart())
    }

    /// How the beginning of codes appears.
    pub(super) fn prefix(&self, prefix: &AccountPrefix) -> String {
        self.subjects.prefix(prefix, self.ledger.chart())
    }

    /// The account that appears so. Under pseudonyms no account appears by its own code.
    pub(super) fn code_of(&self, shown: &AccountCode) -> Result<AccountCode, Problem> {
        let code = self.subjects.code_of(shown, self.ledger.chart());
        code.ok_or_else(|| Problem::new(&kinds::NOT_FOUND, format!("there is no account {shown}")))
    }

    /// The beginning of codes that appears so.
    pub(super) fn prefix_of(&self, shown: AccountPrefix) -> Result<AccountPrefix, Problem> {
        let prefix = self.subjects.prefix_of(&shown, self.ledger.chart());
        prefix.ok_or(InvalidFilter::NoSuchAccounts { prefix: shown }).map_err(|error| ledger::Error::from(error).into())
    }

    /// What went wrong, with accounts as they appear: a pseudonym that was guessed must not be turned back for whoever
    /// guessed.
    pub(super) fn said(&self, error: ledger::Error) -> Problem {
        let again = |prefix: &AccountPrefix| AccountPrefix::try_new(&self.prefix(prefix)).ok();
        let shown = match &error {
            ledger::Error::UnknownAccount { code, commodity } => AccountCode::try_new(&self.code(code))
                .ok()
                .map(|code| ledger::Error::UnknownAccount { code, commodity: *commodity }),
            ledger::Error::Filter(InvalidFilter::NoSuchAccounts { prefix }) => {
                again(prefix).map(|prefix| InvalidFilter::NoSuchAccounts { prefix }.into())
            }
            ledger::Error::Filter(InvalidFilter::TooManyAccounts { prefix }) => {
                again(prefix).map(|prefix| InvalidFilter::TooManyAccounts { prefix }.into())
            }
            _ => None,
        };
        shown.unwrap_or(error).into()
    }

    /// A cursor that names accounts: sealed, since these are the house's own codes.
    pub(super) fn seal(&self, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.cipher.encrypt(&self.context, place))
    }

    /// What a sealed cursor names.
    pub(super) fn unseal(&self, cursor: &str) -> Result<String, Problem> {
        let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| faulty_cursor())?;
        self.cipher.decrypt(&self.context, &sealed).map_err(|_| faulty_cursor())
    }

    /// A place in the order of the book that is asked for: the beginning of what the grant shows when none is.
    pub(super) async fn place(&self, after: Option<i64>) -> Result<Sequence, Problem> {
        let Some(window) = self.window else { return Ok(Sequence::new(after.unwrap_or(0))) };
        let Some(after) = after else { return Ok(Sequence::new(window.after)) };
        Ok(Sequence::new(self.reach(window, after, "after").await?))
    }
}

/// The fault of a sequence that the book has not reached, at the parameter that names it.
pub(super) fn ahead(pointer: &'static str) -> impl Fn(ledger::Error) -> Problem {
    move |error| match error {
        ledger::Error::SequenceAhead { .. } => {
            let mut faults = Faults::default();
            faults.add(pointer, "sequence-ahead", error.to_string());
            faults.problem()
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_booked_meanwhile_nothing_behind_the_window_is_let_through() {
        let window = Window { after: 2, through: 5 };
        for head in 5..9 {
            for number in -1..12 {
                let reached = window.reach(number, head);
                assert_eq!(reached.is_ok(), (2..=5).contains(&number), "{number} at {head}");
                assert_eq!(reached == Err(Beyond::Ahead), number > head, "{number} at {head}");
            }
        }
    }
}
