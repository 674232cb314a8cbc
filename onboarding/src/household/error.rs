/// Why something about a household cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HouseholdError {
    /// Who they are is not known yet.
    #[error("say first who you are: name, birth date, address and country")]
    IdentityNeeded,
    /// Only heads change a household.
    #[error("only a head of the household may do this")]
    NotHead,
    /// A household has at least one head.
    #[error("the household would have no head; make another member a head first")]
    LastHead,
    /// A guardian stays as long as they are one.
    #[error("a guardian of one of the household's children stays; let them step down first")]
    StillGuardian,
    /// There are so many already.
    #[error("there are at most {most} {what}")]
    Full {
        /// Of what.
        what: &'static str,
        /// The most.
        most: usize,
    },
    /// Too many wrong codes.
    #[error("too many wrong codes; try again in {seconds} s")]
    TooManyCodes {
        /// Until then.
        seconds: i64,
    },
}
