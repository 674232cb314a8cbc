//! Settings: defaults, overridden by a file, then by the environment; checked whole before anything starts.

mod books;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use ledger::Money;
use onboarding::screening::Spellings;
use onboarding::{PasswordPolicy, Tier};
use remittance::{Corridors, SendingLimits};
use secrecy::SecretString;
use serde::Deserialize;

pub(crate) use books::FIRST_BOOK;
pub use books::FurtherBook;

use crate::mail::settings::{MailSettings, MailTransport, SmsSettings};
use crate::sign_in_settings::{self, SignInSettings};
use crate::{log_keys, mail, screened};

/// The defaults, as shipped.
const DEFAULTS: &str = include_str!("../../config/teranga.toml");
const CORRIDORS: &str = include_str!("../../config/corridors.toml");
const SPELLINGS: &str = include_str!("../../config/screening.toml");
const CHART: &str = include_str!("../../config/chart-of-accounts.toml");
/// The rates that a new installation knows.
pub(crate) const RATES: &str = include_str!("../../config/rates.toml");

/// All settings; `config/teranga.toml` says what each means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where files live.
    pub data_directory: PathBuf,
    /// Books beside book 1.
    pub books: Vec<FurtherBook>,
    /// Where and how it listens.
    pub server: ServerSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// What seals personal data.
    #[serde(default)]
    pub secrets: SecretSettings,
    /// Tokens.
    pub tokens: TokenSettings,
    /// The logs of the books.
    pub transparency_log: TransparencyLogSettings,
    /// What a password costs to check.
    pub passwords: PasswordPolicy,
    /// How people are let in.
    pub sign_in: SignInSettings,
    /// How mail goes out.
    pub mail: MailSettings,
    /// How text messages go out.
    #[serde(default)]
    pub sms: SmsSettings,
    /// Where rates come from.
    #[serde(default)]
    pub rates: RateSettings,
    /// Who collects money.
    pub pay_in: PayInSettings,
    /// How often one address may ask.
    pub request_limits: RequestLimits,
    sending_limits: BTreeMap<String, SendingLimit>,
    /// Lists of sanctions.
    pub screening: screened::ScreeningSettings,
    /// What is logged.
    pub log: LogSettings,
}

impl Settings {
    /// Whether text messages come to phones, or into files during development.
    pub(crate) fn reaches_phones(&self) -> bool {
        self.sms.gateway_url.is_some() || self.mail.transport == MailTransport::File
    }
}

/// Where and how it listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// The five surfaces.
    pub listen: SocketAddr,
    /// Health and metrics.
    pub operations_listen: SocketAddr,
    /// How the outside reaches it.
    pub public_url: String,
    /// Threads; zero for one a core.
    pub workers: usize,
    /// The longest that a request may take.
    pub request_timeout_seconds: u64,
}

/// The database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// An external PostgreSQL; a private one runs without it.
    pub url: Option<SecretString>,
    /// Connections at once.
    pub pool_size: usize,
}

/// What seals personal data.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSettings {
    /// The key itself.
    pub master_key: Option<SecretString>,
    /// The file that holds it.
    pub master_key_file: Option<PathBuf>,
}

/// Tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// How long one is good.
    pub lifetime_minutes: u16,
}

/// The logs of the books.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransparencyLogSettings {
    /// The first part of their names.
    pub origin: String,
    /// What signs their checkpoints; files in the data directory when empty.
    pub signing_keys: Vec<SecretString>,
    /// Whose cosignatures are kept.
    pub witnesses: Vec<String>,
}

/// Where rates come from, beside our own staff.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateSettings {
    /// A file that is read whenever it changes.
    pub file: Option<PathBuf>,
}

/// Who collects money.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayInSettings {
    /// Their names in account codes.
    pub providers: Vec<String>,
}

/// How often one address may ask.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLimits {
    /// Requests a second, in the long run.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
    /// Registrations, codes and sign-ins a minute.
    pub sign_ins_per_minute: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SendingLimit {
    per_transfer: String,
    thirty_days: String,
}

/// What is logged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// In which form.
    pub format: LogFormat,
    /// What.
    pub filter: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person.
    Text,
    /// For a program.
    Json,
}

/// Settings and what they name, checked.
#[derive(Clone)]
pub struct Configuration {
    /// The settings.
    pub settings: Settings,
    /// Where money can be sent.
    pub corridors: Corridors,
    /// The accounts that may be opened.
    pub chart: ledger::Chart,
    /// What is known of names.
    pub spellings: Spellings,
    sending_limits: BTreeMap<Tier, SendingLimits>,
    shown: toml::Table,
}

/// Why the settings cannot be used: every fault.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is faulty:\n  {}", .0.join("\n  "))]
pub struct ConfigurationFaults(pub Vec<String>);

impl Configuration {
    /// Reads the settings: defaults, then the file, then the environment.
    ///
    /// # Errors
    /// [`ConfigurationFaults`] with every fault that can be told at once.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigurationFaults> {
        let mut figment = Figment::new().merge(Toml::string(DEFAULTS));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigurationFaults(vec![format!("there is no file {}", file.display())]));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        Self::from_figment(&figment.merge(Env::prefixed("TERANGA__").split("__")))
    }

    /// The defaults with some settings overridden, as TOML; the environment is left alone.
    ///
    /// # Errors
    /// As [`Configuration::load`].
    pub fn from_toml(overrides: &str) -> Result<Self, ConfigurationFaults> {
        Self::from_figment(&Figment::new().merge(Toml::string(DEFAULTS)).merge(Toml::string(overrides)))
    }

    fn from_figment(figment: &Figment) -> Result<Self, ConfigurationFaults> {
        let named = |error: figment::Error| ConfigurationFaults(error.into_iter().map(|one| one.to_string()).collect());
        let settings: Settings = figment.extract().map_err(named)?;
        let shown: toml::Table = figment.extract().map_err(named)?;
        let mut faults = Vec::new();
        let corridors = Corridors::from_toml(CORRIDORS).map_err(|found| faults.extend(found.0)).ok();
        let chart = ledger::Chart::from_toml(CHART).map_err(|fault| faults.push(fault.to_string())).ok();
        let spellings = Spellings::from_toml(SPELLINGS).map_err(|fault| faults.push(fault.to_string())).ok();
        let sending_limits = corridors.as_ref().map(|corridors| limits(&settings, corridors, &mut faults));
        check(&settings, &mut faults);
        match (corridors, chart, spellings, sending_limits) {
            (Some(corridors), Some(chart), Some(spellings), Some(sending_limits)) if faults.is_empty() => {
                Ok(Self { settings, corridors, chart, spellings, sending_limits, shown })
            }
            _ => Err(ConfigurationFaults(faults)),
        }
    }

    /// What a person of a tier may send; nothing where nothing is set.
    #[must_use]
    pub fn sending_limits(&self, tier: Tier) -> SendingLimits {
        let nothing = Money::zero(self.corridors.base);
        let none = SendingLimits { per_transfer: nothing, thirty_days: nothing };
        self.sending_limits.get(&tier).copied().unwrap_or(none)
    }

    /// The settings in force as TOML, with secrets masked.
    #[must_use]
    pub fn masked(&self) -> String {
        let mut shown = self.shown.clone();
        for (section, key) in [
            ("database", "url"),
            ("secrets", "master_key"),
            ("mail", "smtp_url"),
            ("sms", "token"),
            ("transparency_log", "signing_keys"),
        ] {
            if let Some(value) = shown.get_mut(section).and_then(|section| section.get_mut(key)) {
                *value = toml::Value::String("********".to_owned());
            }
        }
        toml::to_string_pretty(&shown).unwrap_or_default()
    }
}

/// Prints no secret.
impl std::fmt::Debug for Configuration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.masked())
    }
}

fn limits(settings: &Settings, corridors: &Corridors, faults: &mut Vec<String>) -> BTreeMap<Tier, SendingLimits> {
    let mut limits = BTreeMap::new();
    for (name, limit) in &settings.sending_limits {
        let tier = match name.as_str() {
            "identity" => Tier::Identity,
            "document" => Tier::Document,
            "funds" => Tier::Funds,
            _ => {
                faults.push(format!("sending_limits.{name}: the tiers are identity, document and funds"));
                continue;
            }
        };
        let mut amount = |field: &str, text: &str| {
            Money::parse(text, corridors.base).unwrap_or_else(|error| {
                faults.push(format!("sending_limits.{name}.{field}: {error}"));
                Money::zero(corridors.base)
            })
        };
        let per_transfer = amount("per_transfer", &limit.per_transfer);
        let thirty_days = amount("thirty_days", &limit.thirty_days);
        limits.insert(tier, SendingLimits { per_transfer, thirty_days });
    }
    limits
}

fn check(settings: &Settings, faults: &mut Vec<String>) {
    let mut require = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let limits = settings.request_limits;
    books::check(&settings.books, &mut require);
    require(settings.database.pool_size >= 4, "database.pool_size: at least 4");
    require(settings.server.request_timeout_seconds > 0, "server.request_timeout_seconds: above 0");
    screened::check(settings.screening, &mut require);
    sign_in_settings::check(&settings.sign_in, &mut require);
    require((1..=60).contains(&settings.tokens.lifetime_minutes), "tokens.lifetime_minutes: 1 to 60");
    require(limits.per_second > 0 && limits.burst > 0, "request_limits: per_second and burst are above 0");
    require(limits.sign_ins_per_minute > 0, "request_limits.sign_ins_per_minute: above 0");
    let url = &settings.server.public_url;
    require(url.starts_with("http://") || url.starts_with("https://"), "server.public_url: starts with http(s)://");
    require(!url.ends_with('/'), "server.public_url: ends without a slash");
    mail::settings::check(&settings.mail, &settings.sms, &mut require);
    log_keys::check(&settings.transparency_log, &mut require);
    let both = settings.secrets.master_key.is_some() && settings.secrets.master_key_file.is_some();
    require(!both, "secrets: master_key or master_key_file, not both");
    require(!settings.pay_in.providers.is_empty(), "pay_in.providers: is empty");
    for provider in &settings.pay_in.providers {
        let known = ledger::AccountCode::held_by("assets:pay-in", provider).is_ok();
        require(known, "pay_in.providers: names have lower-case letters, digits and hyphens");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_secrets_are_masked() -> Result<(), ConfigurationFaults> {
        let configuration = Configuration::from_toml("database.url = \"postgres://user:hidden@host/teranga\"")?;
        assert!(!configuration.masked().contains("hidden"));
        assert!(!format!("{configuration:?}").contains("hidden"));
        assert_eq!(configuration.sending_limits(Tier::Contact).per_transfer.minor(), 0);
        assert_eq!(configuration.sending_limits(Tier::Identity).per_transfer.to_string(), "1000.00");
        Ok(())
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let faulty = "[server]\npublic_url = \"teranga.example/\"\n[tokens]\nlifetime_minutes = 0\n\
                      [mail]\ntransport = \"smtp\"\n[sending_limits.gold]\nper_transfer = \"1\"\nthirty_days = \"1\"";
        let faults = Configuration::from_toml(faulty).expect_err("faulty").0;
        assert_eq!(faults.len(), 5, "{faults:?}");
        let books = "books = [{ number = 1, name = \"teranga\" }, { number = 1, name = \"\" }]";
        assert_eq!(Configuration::from_toml(books).expect_err("faulty").0.len(), 5);
        assert!(Configuration::from_toml("books = [{ number = 2, name = \"mali\" }]").is_ok());
        assert!(Configuration::from_toml("surprise = 1").is_err(), "unknown settings are refused");
    }
}
