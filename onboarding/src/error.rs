/// Why onboarding said no.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database did not answer or refused.
    #[error("onboarding's database failed: {0}")]
    Database(#[from] diesel::result::Error),
    /// A connection, a cipher or the outbox failed.
    #[error(transparent)]
    Platform(#[from] platform::Error),
    /// The password is shorter or longer than allowed.
    #[error("a password has {minimum} to {maximum} characters")]
    PasswordLength {
        /// Least characters.
        minimum: usize,
        /// Most characters.
        maximum: usize,
    },
    /// Contact, password, client id or secret do not fit; which one is not told.
    #[error("the credentials are not right")]
    WrongCredentials,
    /// Too many failures; sign-in is refused for a while.
    #[error("too many failed sign-ins; try again in {seconds} s")]
    Locked {
        /// Until then.
        seconds: i64,
    },
    /// A credential could not be put where it is kept, and so was not made.
    #[error("the credential cannot be kept: {0}")]
    NotKept(#[source] std::io::Error),
    /// The code is wrong, used up or too old.
    #[error("the code is wrong, used up or too old; ask for another one")]
    WrongCode,
    /// A second factor does not fit, or was asked for too long ago; which of it is not told.
    #[error("the second factor is wrong, used up or too late; ask for another try")]
    WrongSecondFactor,
    /// The password alone is not enough on this device.
    #[error("this device is not proven: ask for a code to your contact and show it first")]
    DeviceNotProven,
    /// The second factor was not shown lately.
    #[error("show your second factor first")]
    SecondFactorNeeded,
    /// A person has as many second factors as one can have.
    #[error("at most {most} second factors")]
    TooManyFactors {
        /// Most.
        most: usize,
    },
    /// Passkeys are not set up at this place.
    #[error("passkeys cannot be used here")]
    NoPasskeysHere,
    /// Passkeys failed; a fault of the configuration.
    #[error("passkeys cannot be used as they are set up: {0}")]
    Passkeys(String),
    /// As many messages were sent as a day allows, or one only just now.
    #[error("a message was sent less than a minute ago, or five were sent today")]
    TooManyMessages,
    /// There is no such recovery, it is over, or the key is not its.
    #[error("there is no such recovery, it is over, or the key is not its")]
    NoRecovery,
    /// The recovery waits, so that the owner can stop it.
    #[error("the recovery can be completed from {ready_at} on")]
    TooEarly {
        /// From when on.
        ready_at: chrono::DateTime<chrono::Utc>,
    },
    /// The account is closed or restricted.
    #[error("this account cannot be used")]
    AccountUnusable,
    /// A child cannot open an account alone.
    #[error("a person of under {years} years cannot open an account alone")]
    TooYoung {
        /// The least age.
        years: u32,
    },
    /// Nobody who lives was born then.
    #[error("a birth date lies in the year {earliest} or later")]
    BirthDate {
        /// The earliest year.
        earliest: i32,
    },
    /// A text is empty or too long.
    #[error("{field} has 1 to {maximum} characters on one line, and none that cannot be seen")]
    Text {
        /// Which one.
        field: &'static str,
        /// Most characters.
        maximum: usize,
    },
    /// A grant for no book, or for too many.
    #[error("a grant names 1 to {most} books, by numbers above zero")]
    Books {
        /// Most books.
        most: usize,
    },
    /// The last day comes before the first one.
    #[error("{through} comes before {from}")]
    Backwards {
        /// The first day.
        from: chrono::NaiveDate,
        /// The last day.
        through: chrono::NaiveDate,
    },
    /// There is no such thing, or it is not for the one who asks.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The state does not allow it.
    #[error("a {thing} that is {state} cannot be {wanted}")]
    WrongState {
        /// Of what.
        thing: &'static str,
        /// As it is.
        state: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// It takes two people.
    #[error("it takes two people: another operator than the one who asked for it")]
    SamePerson,
    /// Somebody to be paid is kept under that id already, and is another one.
    #[error("somebody else is kept there already")]
    SomebodyElse,
    /// An institution of that code is there already.
    #[error("an institution of that code is there already")]
    CodeTaken,
    /// Hashing failed; a fault of the configuration.
    #[error("passwords cannot be hashed: {0}")]
    Hashing(String),
    /// A list's file is not what it should be; nothing of it was taken.
    #[error("the list is refused: {0}")]
    ListRefused(#[from] crate::screening::ListFault),
    /// A list's file could not be read.
    #[error("the list cannot be read: {0}")]
    ListUnread(#[source] std::io::Error),
    /// A list's file leaves out more names than goes without saying; nothing of it was taken.
    #[error(
        "the file leaves out {removed} of the {known} entries that the list has, more than one of ten; if that is right, say that {removed} may go"
    )]
    ListShrinks {
        /// Entries that it leaves out.
        removed: usize,
        /// Entries that the list has.
        known: usize,
    },
    /// Another version of the list came into force meanwhile.
    #[error("another version of this list came into force meanwhile; load the file again")]
    ListChanging,
    /// Work on a thread of its own ended badly.
    #[error("the work was cut off")]
    CutOff,
    /// Something about a household.
    #[error(transparent)]
    Household(#[from] crate::HouseholdError),
    /// Something about a protected account.
    #[error(transparent)]
    Child(#[from] crate::ChildError),
    /// An entry could not be built; a fault in this room.
    #[error("an entry could not be built: {0}")]
    Entry(#[from] ledger::EntryError),
    /// A text is empty, too long, or not of paragraphs.
    #[error("{field} has 1 to {maximum} characters")]
    Paragraphs {
        /// Which one.
        field: &'static str,
        /// Most characters.
        maximum: usize,
    },
    /// Documents are shown beside an identity.
    #[error("say who you are first: a document is looked at beside the identity that is stated")]
    NoIdentity,
    /// The source of funds is looked at beside a paper.
    #[error("show a paper of yours first: the source of funds is looked at beside one that is accepted")]
    NoDocument,
    /// No number of a document.
    #[error("a number has 1 to {maximum} letters and digits, with spaces, hyphens, dots and slashes between them")]
    DocumentNumber {
        /// Most characters.
        maximum: usize,
    },
    /// A document that is not valid any more, or for longer than any is.
    #[error("a document is valid today, {today}, and expires by {latest}")]
    ExpiryDate {
        /// The earliest day.
        today: chrono::NaiveDate,
        /// The latest day.
        latest: chrono::NaiveDate,
    },
    /// The lines are no machine-readable zone.
    #[error(transparent)]
    Zone(#[from] crate::document::ZoneFault),
    /// The machine-readable zone says other things than the person.
    #[error("the machine-readable zone says other things than what is stated")]
    Disagrees(Vec<crate::document::Disagreement>),
    /// Enough documents of the person wait.
    #[error("{most} documents wait to be looked at; withdraw one, or wait")]
    TooManyWaiting {
        /// The most.
        most: i64,
    },
    /// An image is not taken.
    #[error(transparent)]
    Image(#[from] crate::document::ImageFault),
    /// What is decided on is not what is there any more.
    #[error("the images were changed since; look at the document again")]
    OtherContent,
    /// What is stored is not what this room writes.
    #[error("onboarding holds something that it never writes: {0}")]
    Corrupt(&'static str),
}
