//! How people are let in, as it is set.

use onboarding::{PasswordPolicy, RecoveryPolicy, SecondFactorPolicy, SignInPolicy};
use serde::Deserialize;

/// Devices, second factors, and lost ones.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInSettings {
    /// Days after which a device that was not heard of is signed out.
    pub idle_days: u16,
    /// Minutes after the contact was confirmed in which a sign-in proves its device.
    pub confirmation_proves_minutes: u16,
    /// Lost passwords and second factors.
    pub recovery: RecoveryPolicy,
    /// Second factors.
    pub second_factors: SecondFactorPolicy,
}

impl SignInSettings {
    /// The same in onboarding's words.
    pub(crate) fn policy(&self, passwords: PasswordPolicy) -> SignInPolicy {
        SignInPolicy {
            passwords,
            second_factors: self.second_factors.clone(),
            recovery: self.recovery,
            idle_days: self.idle_days,
            confirmation_proves_minutes: self.confirmation_proves_minutes,
        }
    }
}

/// Whether the settings can be used.
pub(crate) fn check(settings: &SignInSettings, require: &mut impl FnMut(bool, &str)) {
    require((1..=366).contains(&settings.idle_days), "sign_in.idle_days: 1 to 366");
    let short = settings.confirmation_proves_minutes <= 1_440;
    require(short, "sign_in.confirmation_proves_minutes: 1440 at most");
    require((1..=720).contains(&settings.recovery.wait_hours), "sign_in.recovery.wait_hours: 1 to 720");
    require(settings.recovery.lowered_days <= 366, "sign_in.recovery.lowered_days: 366 at most");
    let factors = &settings.second_factors;
    require((1..=1_440).contains(&factors.fresh_minutes), "sign_in.second_factors.fresh_minutes: 1 to 1440");
    let named = !factors.issuer.trim().is_empty() && !factors.issuer.contains(':');
    require(named, "sign_in.second_factors.issuer: a name without a colon");
    let placed = factors.relying_party.is_none() || !factors.origins.is_empty();
    require(placed, "sign_in.second_factors.origins: are missing, and relying_party is set");
}
