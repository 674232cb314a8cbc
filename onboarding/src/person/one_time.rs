//! Codes by time (RFC 6238), as authenticator apps make them: six digits, half a minute each, SHA-1.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::Error;

/// Seconds that a code stands for.
const STEP_SECONDS: u64 = 30;
/// Steps before and after the present one that are taken too, since clocks differ (RFC 6238, 5.2 advises one at most).
const SKEW: u16 = 1;

/// A secret that an authenticator app shares with us: 160 random bits in base 32.
pub(super) fn new_secret() -> SecretString {
    let bytes: [u8; 20] = rand::random();
    Secret::from(bytes).to_base32().into()
}

/// The address that an authenticator app reads, mostly from a square code.
pub(super) fn address(secret: &SecretString, issuer: &str, account: &str) -> Result<String, Error> {
    // A colon parts issuer and account in such an address.
    let account = account.replace(':', " ");
    let built = totp(secret)?.with_issuer(Some(issuer)).with_account_name(account).build();
    built.and_then(|totp| totp.to_url()).map_err(|_| Error::Corrupt("a secret of one-time codes"))
}

/// The step whose code this is, if it is that of the present, the one before or the one after, and later than the last
/// one that was taken: a code is good once.
pub(super) fn step(
    secret: &SecretString,
    code: &str,
    last: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, Error> {
    let Ok(seconds) = u64::try_from(now.timestamp()) else { return Ok(None) };
    let totp = finished(secret)?;
    let step = totp.check(code, seconds).and_then(|step| i64::try_from(step).ok());
    Ok(step.filter(|step| last.is_none_or(|last| *step > last)))
}

fn totp(secret: &SecretString) -> Result<Builder, Error> {
    let secret = Secret::try_from_base32(secret.expose_secret());
    let secret = secret.map_err(|_| Error::Corrupt("a secret of one-time codes"))?;
    Ok(Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(STEP_SECONDS)
        .with_skew(SKEW)
        .with_secret(secret))
}

fn finished(secret: &SecretString) -> Result<Totp, Error> {
    let named = totp(secret)?.with_account_name("account");
    named.build().map_err(|_| Error::Corrupt("a secret of one-time codes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: SHA-1 with the secret `12345678901234567890`; the last six of its eight digits.
    #[test]
    fn the_codes_of_the_standard_are_known() -> Result<(), Box<dyn std::error::Error>> {
        let secret: SecretString = Secret::from(*b"12345678901234567890").to_base32().into();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = DateTime::from_timestamp(seconds, 0).ok_or("a time")?;
            assert_eq!(step(&secret, code, None, now)?, Some(seconds / 30), "{seconds}");
            assert_eq!(step(&secret, code, Some(seconds / 30), now)?, None, "a code is good once");
            let later = now + chrono::Duration::seconds(61);
            assert_eq!(step(&secret, code, None, later)?, None);
        }
        Ok(())
    }

    #[test]
    fn what_is_no_code_is_none() -> Result<(), Error> {
        let secret = new_secret();
        for text in ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12 456"] {
            assert_eq!(step(&secret, text, None, Utc::now())?, None, "{text}");
        }
        Ok(())
    }

    #[test]
    fn an_app_reads_issuer_account_and_secret() -> Result<(), Error> {
        let secret = new_secret();
        let address = address(&secret, "Teranga", "awa@example.org")?;
        assert!(address.starts_with("otpauth://totp/Teranga:awa%40example.org?"), "{address}");
        assert!(address.contains(&format!("secret={}", secret.expose_secret())));
        assert!(address.contains("issuer=Teranga"));
        Ok(())
    }
}
