//! Tokens: short-lived, signed with Ed25519, good for one audience.
//!
//! The newest key of the directory signs, all of them verify, and the key set is public; so a key is replaced by adding
//! one and taking the old one away after a token's lifetime.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::keys;

/// Whom a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    Mobile,
    Partner,
    Audit,
    Operator,
}

impl Audience {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Partner => "partner",
            Self::Audit => "audit",
            Self::Operator => "operator",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    /// The device, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

struct Key {
    id: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: [u8; 32],
}

/// Makes and checks tokens.
pub(crate) struct Tokens {
    keys: Vec<Key>,
    issuer: String,
    lifetime: Duration,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenKeyError {
    #[error("the keys of tokens in {directory} cannot be read or made: {source}")]
    File { directory: String, source: std::io::Error },
    #[error("{0} holds no Ed25519 key in PKCS #8")]
    NoKey(String),
}

/// Whom a token names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) subject: Uuid,
    /// On which device; only people have them.
    pub(crate) device: Option<Uuid>,
}

/// The token is forged, expired, or for another audience.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidToken;

impl Tokens {
    /// Reads the keys of a directory, making the first one if there is none.
    pub(crate) fn load(directory: &Path, issuer: &str, lifetime: Duration) -> Result<Self, TokenKeyError> {
        let fault = |source| TokenKeyError::File { directory: directory.display().to_string(), source };
        let mut names = pem_files(directory).map_err(fault)?;
        if names.is_empty() {
            let first = directory.join("token-0001.pem");
            keys::load_or_make(&first, make_key).map_err(fault)?;
            names.push(first);
        }
        names.sort();
        let keys = names
            .iter()
            .map(|path| {
                let text: SecretString = std::fs::read_to_string(path).map_err(fault)?.into();
                Key::parse(&text).ok_or_else(|| TokenKeyError::NoKey(path.display().to_string()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { keys, issuer: issuer.to_owned(), lifetime })
    }

    /// A token for a subject of an audience.
    pub(crate) fn issue(&self, audience: Audience, bearer: Bearer, now: DateTime<Utc>) -> Option<String> {
        let key = self.keys.last()?;
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: audience.word().to_owned(),
            sub: bearer.subject,
            sid: bearer.device,
            iat: now.timestamp(),
            exp: (now + self.lifetime).timestamp(),
            jti: Uuid::now_v7(),
        };
        jsonwebtoken::encode(&header, &claims, &key.signing).ok()
    }

    /// Whom a token names, if it is ours, for this audience, and still good.
    pub(crate) fn check(&self, audience: Audience, token: &str, now: DateTime<Utc>) -> Result<Bearer, InvalidToken> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| InvalidToken)?;
        let key = self.keys.iter().find(|key| Some(&key.id) == header.kid.as_ref()).ok_or(InvalidToken)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[audience.word()]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // Times are checked below, by the clock that the rest of the house goes by.
        validation.validate_exp = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key.verifying, &validation).map_err(|_| InvalidToken)?.claims;
        if claims.exp <= now.timestamp() || claims.iat > now.timestamp() + 60 {
            return Err(InvalidToken);
        }
        Ok(Bearer { subject: claims.sub, device: claims.sid })
    }

    /// The public halves, as a JSON Web Key Set (RFC 7517, RFC 8037).
    pub(crate) fn key_set(&self) -> serde_json::Value {
        let keys: Vec<serde_json::Value> = self
            .keys
            .iter()
            .map(|key| {
                serde_json::json!({
                    "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                    "kid": key.id, "x": URL_SAFE_NO_PAD.encode(key.public),
                })
            })
            .collect();
        serde_json::json!({ "keys": keys })
    }

    /// How long a token is good, in seconds.
    pub(crate) fn lifetime_seconds(&self) -> i64 {
        self.lifetime.num_seconds()
    }
}

impl Key {
    fn parse(pem: &SecretString) -> Option<Self> {
        let key = SigningKey::from_pkcs8_pem(pem.expose_secret()).ok()?;
        let public = key.verifying_key().to_bytes();
        let id = hex::encode(&Sha256::digest(public)[..8]);
        let der = key.to_pkcs8_der().ok()?;
        let signing = EncodingKey::from_ed_der(der.as_bytes());
        let verifying = DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(public)).ok()?;
        Some(Self { id, signing, verifying, public })
    }
}

fn pem_files(directory: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    match std::fs::read_dir(directory) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()))
            .filter(|path| path.as_ref().is_ok_and(|path| path.extension().is_some_and(|extension| extension == "pem")))
            .collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn make_key() -> SecretString {
    let key = SigningKey::from_bytes(&rand::random());
    // A key of 32 bytes always has an encoding; an empty file would be refused at the next step.
    key.to_pkcs8_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF)
        .map(|pem| pem.as_str().to_owned())
        .unwrap_or_default()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(name: &str) -> Tokens {
        let directory = std::env::temp_dir().join(format!("teranga-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        let tokens = Tokens::load(&directory, "https://teranga.example", Duration::minutes(15)).expect("keys");
        std::fs::remove_dir_all(&directory).expect("a directory");
        tokens
    }

    #[test]
    fn a_token_is_good_for_its_audience_and_its_time_only() {
        let (ours, theirs) = (tokens("ours"), tokens("theirs"));
        let now = Utc::now();
        let subject = Bearer { subject: Uuid::now_v7(), device: Some(Uuid::now_v7()) };
        let token = ours.issue(Audience::Partner, subject, now).expect("a token");
        assert_eq!(ours.check(Audience::Partner, &token, now), Ok(subject));
        assert_eq!(ours.check(Audience::Mobile, &token, now), Err(InvalidToken));
        assert_eq!(ours.check(Audience::Partner, &token, now + Duration::minutes(15)), Err(InvalidToken));
        assert_eq!(theirs.check(Audience::Partner, &token, now), Err(InvalidToken));
        let forged = theirs.issue(Audience::Partner, subject, now).expect("a token");
        assert_eq!(ours.check(Audience::Partner, &forged, now), Err(InvalidToken));
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#),
            token.split('.').nth(1).expect("claims")
        );
        assert_eq!(ours.check(Audience::Partner, &unsigned, now), Err(InvalidToken));
    }

    #[test]
    fn a_new_key_signs_and_the_old_one_verifies_until_it_is_taken_away() {
        let directory = std::env::temp_dir().join(format!("teranga-rotation-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        let load = || Tokens::load(&directory, "https://teranga.example", Duration::minutes(15)).expect("keys");
        let now = Utc::now();
        let bearer = Bearer { subject: Uuid::now_v7(), device: None };
        let old = load().issue(Audience::Mobile, bearer, now).expect("a token");
        keys::load_or_make(&directory.join("token-0002.pem"), make_key).expect("a key");
        let both = load();
        let new = both.issue(Audience::Mobile, bearer, now).expect("a token");
        assert_eq!(both.check(Audience::Mobile, &old, now), Ok(bearer));
        assert_eq!(both.check(Audience::Mobile, &new, now), Ok(bearer));
        std::fs::remove_file(directory.join("token-0001.pem")).expect("a file");
        let newest = load();
        assert_eq!(newest.check(Audience::Mobile, &old, now), Err(InvalidToken));
        assert_eq!(newest.check(Audience::Mobile, &new, now), Ok(bearer));
        std::fs::remove_dir_all(&directory).expect("a directory");
    }
}
