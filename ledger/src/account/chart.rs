use std::collections::BTreeMap;

use serde::Deserialize;

use super::{AccountCode, AccountKind};
use crate::Commodity;

/// The chart of accounts: which accounts may be opened, by template.
///
/// An account is opened by the first entry that names it, if a template fits its code; a code without a template is
/// refused. So a typing error in a code can never become an account.
#[derive(Clone, Debug)]
pub struct Chart {
    templates: Vec<Template>,
}

/// A family of accounts: a code in which `{...}` stands for any one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pattern: String,
    description: String,
    role: AccountRole,
    floor_minor: Option<i64>,
}

/// What an account is for: how it counts in the safeguarding equation, and whether it holds units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AccountRole {
    /// Money that we owe to clients, or to partners for clients.
    ClientMoney,
    /// Money that covers what we owe to clients.
    Safeguard,
    /// Units of projects, and no currency.
    Units,
    /// Neither.
    #[default]
    Other,
}

/// Why a chart could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChartError {
    /// The text is not the TOML that a chart is.
    #[error("the chart of accounts cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A template is no account code.
    #[error("the chart of accounts has {0:?}, which is no account code")]
    Pattern(String),
    /// A template stands twice.
    #[error("the chart of accounts has {0:?} twice")]
    Twice(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartFile {
    accounts: BTreeMap<String, TemplateFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateFile {
    description: String,
    #[serde(default)]
    role: AccountRole,
    floor: Option<i64>,
}

impl AccountRole {
    /// The word in exports.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::ClientMoney => "client-money",
            Self::Safeguard => "safeguard",
            Self::Units => "units",
            Self::Other => "other",
        }
    }
}

impl Chart {
    /// Reads a chart such as `config/chart-of-accounts.toml`.
    ///
    /// # Errors
    /// [`ChartError`] with the first fault.
    pub fn from_toml(text: &str) -> Result<Self, ChartError> {
        let file: ChartFile = toml::from_str(text)?;
        let mut templates = Vec::<Template>::with_capacity(file.accounts.len());
        for (pattern, template) in file.accounts {
            let example = pattern.replace(['{', '}'], "");
            AccountCode::try_new(&example).map_err(|_| ChartError::Pattern(pattern.clone()))?;
            if templates.iter().any(|known| known.overlaps(&pattern)) {
                return Err(ChartError::Twice(pattern));
            }
            templates.push(Template {
                pattern,
                description: template.description,
                role: template.role,
                floor_minor: template.floor,
            });
        }
        Ok(Self { templates })
    }

    /// The template that `code` fits.
    #[must_use]
    pub fn template(&self, code: &AccountCode) -> Option<&Template> {
        self.templates.iter().find(|template| template.fits(code.as_str()))
    }

    /// The patterns of the templates that a code with these first segments may fit.
    pub(crate) fn beginning<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a str> {
        let fits = |pattern: &str| {
            let mut wanted = pattern.split(':');
            path.split(':').all(|have| wanted.next().is_some_and(|want| want.starts_with('{') || want == have))
        };
        self.templates.iter().map(Template::pattern).filter(move |pattern| fits(pattern))
    }

    /// All templates, by code.
    #[must_use]
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }
}

impl Template {
    fn fits(&self, code: &str) -> bool {
        self.pattern.split(':').count() == code.split(':').count()
            && self.pattern.split(':').zip(code.split(':')).all(|(want, have)| want.starts_with('{') || want == have)
    }

    fn overlaps(&self, other: &str) -> bool {
        let wild = |segment: &str| segment.starts_with('{');
        self.pattern.split(':').count() == other.split(':').count()
            && self.pattern.split(':').zip(other.split(':')).all(|(a, b)| wild(a) || wild(b) || a == b)
    }

    /// The code with its open segments in braces.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// What accounts of this family hold.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The least balance on the normal side that may remain after an entry, in minor units; `None` for no floor.
    ///
    /// Client money and units have a floor of zero unless the chart says otherwise.
    #[must_use]
    pub fn floor_minor(&self) -> Option<i64> {
        let has_floor = matches!(self.role, AccountRole::ClientMoney | AccountRole::Units);
        self.floor_minor.or_else(|| has_floor.then_some(0))
    }

    /// Whether accounts of this family may hold that: units stand on accounts of their own.
    #[must_use]
    pub fn holds(&self, commodity: Commodity) -> bool {
        (self.role == AccountRole::Units) == commodity.unit().is_some()
    }

    pub(crate) fn role(&self) -> AccountRole {
        self.role
    }

    /// The kind of account.
    #[must_use]
    pub fn kind(&self) -> Option<AccountKind> {
        self.pattern.split(':').next().and_then(AccountKind::of_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHART: &str = r#"
        [accounts."liabilities:wallets:{person}"]
        description = "a person's balance"
        role = "client-money"
        [accounts."equity:capital"]
        description = "what the owners put in"
    "#;

    #[test]
    fn a_code_finds_its_template() -> Result<(), Box<dyn std::error::Error>> {
        let chart = Chart::from_toml(CHART)?;
        let wallet = chart.template(&AccountCode::try_new("liabilities:wallets:amina")?).ok_or("no template")?;
        assert_eq!(wallet.floor_minor(), Some(0));
        let capital = chart.template(&AccountCode::try_new("equity:capital")?).ok_or("no template")?;
        assert_eq!(capital.floor_minor(), None);
        assert!(chart.template(&AccountCode::try_new("liabilities:wallet:amina")?).is_none());
        assert!(chart.template(&AccountCode::try_new("liabilities:wallets:amina:2")?).is_none());
        Ok(())
    }

    #[test]
    fn overlapping_templates_are_refused() {
        let twice = format!("{CHART}\n[accounts.\"equity:{{any}}\"]\ndescription = \"x\"\n");
        assert!(matches!(Chart::from_toml(&twice), Err(ChartError::Twice(_))));
    }
}
