//! What an owner hands in, and the rules that it has to keep.

use chrono::{DateTime, Duration, SubsecRound, Utc};
use ledger::{BasisPoints, Currency, MAX_MINOR_UNITS, Money};
use platform::unseen::is_misleading;

use super::Kind;
use crate::{Error, MilestoneId, ProjectId};

/// Milestones that a project may have.
pub const MAX_MILESTONES: usize = 20;
/// The longest campaign: two years, after which nobody remembers what they gave for.
pub const LONGEST_CAMPAIGN_DAYS: i64 = 730;
/// Characters of a title.
const LONGEST_TITLE: usize = 120;
/// Characters of a summary: two pages.
const LONGEST_SUMMARY: usize = 4_000;
/// Characters of a supplier's name.
const LONGEST_SUPPLIER: usize = 120;
/// Characters of an institution's code, as the room of the institutions has it.
const LONGEST_INSTITUTION: usize = 40;

/// A project as its owner describes it.
#[derive(Clone, Debug)]
pub struct ProjectDraft {
    /// Whom it serves.
    pub kind: Kind,
    /// Its name; public.
    pub title: String,
    /// What it is about; public.
    pub summary: String,
    /// The code of the institution that is to vet it.
    pub institution: String,
    /// What it needs at least.
    pub minimum: Money,
    /// What it takes at most.
    pub maximum: Money,
    /// When the campaign ends.
    pub deadline: DateTime<Utc>,
    /// Its steps, in order.
    pub milestones: Vec<MilestoneDraft>,
}

/// A step of a project as its owner describes it.
#[derive(Clone, Debug)]
pub struct MilestoneDraft {
    /// What will be reached; public.
    pub title: String,
    /// Its share of what is raised.
    pub share: BasisPoints,
    /// Who is paid for it; not public.
    pub supplier: String,
}

/// A project that keeps the rules, not yet handed in.
#[derive(Clone, Debug)]
pub struct NewProject {
    draft: ProjectDraft,
}

impl NewProject {
    /// Checks a draft.
    ///
    /// # Errors
    /// [`Error::BusinessNotOffered`], [`Error::Text`], [`Error::InstitutionCode`], [`Error::Amounts`],
    /// [`Error::Deadline`], [`Error::MilestoneCount`], [`Error::Shares`] or [`Error::ShareTooSmall`].
    pub fn try_new(mut draft: ProjectDraft, now: DateTime<Utc>) -> Result<Self, Error> {
        if draft.kind == Kind::Business {
            return Err(Error::BusinessNotOffered);
        }
        draft.title = line("title", &draft.title, LONGEST_TITLE)?;
        draft.summary = paragraphs("summary", &draft.summary, LONGEST_SUMMARY)?;
        check_institution(&draft.institution)?;
        check_amounts(draft.minimum, draft.maximum)?;
        // The database keeps whole microseconds.
        draft.deadline = draft.deadline.trunc_subsecs(6);
        if draft.deadline <= now || draft.deadline - now > Duration::days(LONGEST_CAMPAIGN_DAYS) {
            return Err(Error::Deadline { days: LONGEST_CAMPAIGN_DAYS });
        }
        for milestone in &mut draft.milestones {
            milestone.title = line("milestones.title", &milestone.title, LONGEST_TITLE)?;
            milestone.supplier = line("milestones.supplier", &milestone.supplier, LONGEST_SUPPLIER)?;
        }
        check_shares(draft.minimum, &draft.milestones)?;
        Ok(Self { draft })
    }

    /// The currency of its money.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.draft.maximum.currency()
    }

    /// Who is paid for each milestone of the project, once it has this id.
    pub fn suppliers(&self, project: ProjectId) -> impl Iterator<Item = (MilestoneId, &str)> {
        let numbered = (1..).zip(&self.draft.milestones);
        numbered.map(move |(ordinal, milestone)| (MilestoneId::derived(project, ordinal), milestone.supplier.as_str()))
    }

    pub(crate) const fn draft(&self) -> &ProjectDraft {
        &self.draft
    }
}

fn check_institution(code: &str) -> Result<(), Error> {
    let characters = code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let edges = !code.starts_with('-') && !code.ends_with('-');
    let fits = (1..=LONGEST_INSTITUTION).contains(&code.len());
    if fits && characters && edges { Ok(()) } else { Err(Error::InstitutionCode) }
}

fn check_amounts(minimum: Money, maximum: Money) -> Result<(), Error> {
    let in_order = 0 < minimum.minor() && minimum.minor() <= maximum.minor() && maximum.minor() <= MAX_MINOR_UNITS;
    if in_order && minimum.currency() == maximum.currency() {
        Ok(())
    } else {
        Err(Error::Amounts { most: MAX_MINOR_UNITS })
    }
}

/// The shares are the whole, and none of them rounds to nothing: an entry cannot release nothing.
fn check_shares(minimum: Money, milestones: &[MilestoneDraft]) -> Result<(), Error> {
    if !(1..=MAX_MILESTONES).contains(&milestones.len()) {
        return Err(Error::MilestoneCount { given: milestones.len(), most: MAX_MILESTONES });
    }
    let given: u64 = milestones.iter().map(|milestone| u64::from(milestone.share.value())).sum();
    let whole = BasisPoints::WHOLE.value();
    if given != u64::from(whole) {
        return Err(Error::Shares { given });
    }
    let too_small = |milestone: &MilestoneDraft| {
        i128::from(minimum.minor()) * i128::from(milestone.share.value()) < i128::from(whole)
    };
    match milestones.iter().position(too_small) {
        Some(index) => Err(Error::ShareTooSmall { ordinal: index + 1 }),
        None => Ok(()),
    }
}

/// A text on one line, without the blanks around it.
pub(crate) fn line(field: &'static str, given: &str, maximum: usize) -> Result<String, Error> {
    checked(field, given, maximum, is_misleading)
}

/// A text that may have several lines, without the blanks around it.
pub(crate) fn paragraphs(field: &'static str, given: &str, maximum: usize) -> Result<String, Error> {
    checked(field, given, maximum, |character| character.is_control() && character != '\n')
}

fn checked(field: &'static str, given: &str, maximum: usize, refused: impl Fn(char) -> bool) -> Result<String, Error> {
    let given = given.trim();
    if given.is_empty() || given.chars().count() > maximum || given.chars().any(refused) {
        return Err(Error::Text { field, maximum });
    }
    Ok(given.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> ProjectDraft {
        let milestone = |title: &str, share| MilestoneDraft {
            title: title.to_owned(),
            share: BasisPoints::new(share),
            supplier: "Forages du Sahel".to_owned(),
        };
        ProjectDraft {
            kind: Kind::Community,
            title: "A well for Keur Massar".to_owned(),
            summary: "Clean water for 300 households.\nThe village digs with us.".to_owned(),
            institution: "caisse-thies".to_owned(),
            minimum: Money::from_minor(10_000, Currency::EUR),
            maximum: Money::from_minor(20_000, Currency::EUR),
            deadline: now() + Duration::days(30),
            milestones: vec![milestone("Drilled", 6_000), milestone("Pump runs", 4_000)],
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::days(20_000)
    }

    fn with(change: impl FnOnce(&mut ProjectDraft)) -> Result<NewProject, Error> {
        let mut draft = draft();
        change(&mut draft);
        NewProject::try_new(draft, now())
    }

    #[test]
    fn an_ordinary_project_keeps_the_rules() {
        assert!(with(|_| {}).is_ok());
        assert!(with(|draft| draft.maximum = draft.minimum).is_ok());
        assert!(with(|draft| draft.deadline = now() + Duration::days(LONGEST_CAMPAIGN_DAYS)).is_ok());
    }

    #[test]
    fn a_business_waits_for_the_protection_of_its_investors() {
        assert!(matches!(with(|draft| draft.kind = Kind::Business), Err(Error::BusinessNotOffered)));
    }

    #[test]
    fn texts_have_bounds() {
        for title in ["", "  ", "two\nlines", &"x".repeat(LONGEST_TITLE + 1)] {
            let refused = with(|draft| draft.title = title.to_owned());
            assert!(matches!(refused, Err(Error::Text { field: "title", .. })), "{title:?}");
        }
        for summary in ["", "\u{7}", &"x".repeat(LONGEST_SUMMARY + 1)] {
            let refused = with(|draft| draft.summary = summary.to_owned());
            assert!(matches!(refused, Err(Error::Text { field: "summary", .. })), "{summary:?}");
        }
        for institution in ["", "Caisse", "caisse:thies", "-caisse", &"x".repeat(41)] {
            let refused = with(|draft| draft.institution = institution.to_owned());
            assert!(matches!(refused, Err(Error::InstitutionCode)), "{institution:?}");
        }
        let refused = with(|draft| draft.milestones[1].supplier = String::new());
        assert!(matches!(refused, Err(Error::Text { field: "milestones.supplier", .. })));
    }

    #[test]
    fn amounts_and_deadline_have_bounds() {
        let euro = |cents| Money::from_minor(cents, Currency::EUR);
        let pairs = [
            (euro(0), euro(1)),
            (euro(-1), euro(1)),
            (euro(2), euro(1)),
            (euro(1), Money::from_minor(1, Currency::XOF)),
            (euro(1), euro(MAX_MINOR_UNITS + 1)),
        ];
        for (minimum, maximum) in pairs {
            let refused = with(|draft| (draft.minimum, draft.maximum) = (minimum, maximum));
            assert!(matches!(refused, Err(Error::Amounts { .. })), "{minimum:?} {maximum:?}");
        }
        for deadline in [now(), now() + Duration::days(LONGEST_CAMPAIGN_DAYS) + Duration::seconds(1)] {
            assert!(matches!(with(|draft| draft.deadline = deadline), Err(Error::Deadline { .. })));
        }
    }

    #[test]
    fn shares_are_the_whole_and_none_is_nothing() {
        assert!(matches!(with(|draft| draft.milestones.clear()), Err(Error::MilestoneCount { given: 0, .. })));
        let one = draft().milestones.remove(0);
        let many = vec![one; MAX_MILESTONES + 1];
        assert!(matches!(with(|draft| draft.milestones = many), Err(Error::MilestoneCount { given: 21, .. })));
        let short = with(|draft| draft.milestones[0].share = BasisPoints::new(5_999));
        assert!(matches!(short, Err(Error::Shares { given: 9_999 })));
        let nothing = with(|draft| {
            draft.minimum = Money::from_minor(9_999, Currency::EUR);
            draft.milestones[0].share = BasisPoints::new(9_999);
            draft.milestones[1].share = BasisPoints::new(1);
        });
        assert!(matches!(nothing, Err(Error::ShareTooSmall { ordinal: 2 })));
    }
}
