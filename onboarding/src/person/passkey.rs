//! Passkeys, by WebAuthn: <https://www.w3.org/TR/webauthn-3/>.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{
    CreationChallengeResponse, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, RequestChallengeResponse, Url,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::PersonId;
use crate::Error;

/// Second factors: who asks for them, and how long one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorPolicy {
    /// The name that authenticator apps and passkeys show.
    pub issuer: String,
    /// Minutes for which a second factor that was shown lets money out.
    pub fresh_minutes: u16,
    /// The domain that passkeys are bound to; without one there are none.
    pub relying_party: Option<String>,
    /// Where passkeys may be used: origins of pages, or `android:apk-key-hash:` of apps. The first is the main one.
    pub origins: Vec<String>,
}

/// What asks passkeys and checks what they answer.
#[derive(Clone)]
pub(super) struct Passkeys(Option<Arc<Webauthn>>);

impl Passkeys {
    /// # Errors
    /// [`Error::Passkeys`] with what of the settings cannot be.
    pub(super) fn try_new(policy: &SecondFactorPolicy) -> Result<Self, Error> {
        let Some(domain) = &policy.relying_party else { return Ok(Self(None)) };
        let fault = |what: &str| Error::Passkeys(what.to_owned());
        let mut origins = Vec::new();
        for origin in &policy.origins {
            origins.push(Url::parse(origin).map_err(|error| fault(&format!("{origin}: {error}")))?);
        }
        let main = origins.first().ok_or_else(|| fault("passkeys need an origin where they are used"))?;
        let builder = WebauthnBuilder::new(domain, main).map_err(|error| fault(&error.to_string()))?;
        let builder = origins.iter().skip(1).fold(builder, WebauthnBuilder::append_allowed_origin);
        let webauthn = builder.rp_name(&policy.issuer).build().map_err(|error| fault(&error.to_string()))?;
        Ok(Self(Some(Arc::new(webauthn))))
    }

    fn webauthn(&self) -> Result<&Webauthn, Error> {
        self.0.as_deref().ok_or(Error::NoPasskeysHere)
    }

    /// What a new passkey is asked to make, and what has to be kept until it answers.
    pub(super) fn enrol(
        &self,
        person: PersonId,
        account: &str,
        known: &[Passkey],
    ) -> Result<(CreationChallengeResponse, PasskeyRegistration), Error> {
        let known = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
        let started = self.webauthn()?.start_passkey_registration(person.uuid(), account, account, Some(known));
        started.map_err(|error| Error::Passkeys(error.to_string()))
    }

    /// The passkey that answered.
    pub(super) fn enrolled(
        &self,
        answer: serde_json::Value,
        state: &PasskeyRegistration,
    ) -> Result<Option<Passkey>, Error> {
        let webauthn = self.webauthn()?;
        let Ok(answer) = serde_json::from_value::<RegisterPublicKeyCredential>(answer) else { return Ok(None) };
        Ok(webauthn.finish_passkey_registration(&answer, state).ok())
    }

    /// What passkeys are asked, if there are any that can be asked here.
    pub(super) fn ask(
        &self,
        known: &[Passkey],
    ) -> Result<Option<(RequestChallengeResponse, PasskeyAuthentication)>, Error> {
        let Some(webauthn) = self.0.as_deref().filter(|_| !known.is_empty()) else { return Ok(None) };
        webauthn.start_passkey_authentication(known).map(Some).map_err(|error| Error::Passkeys(error.to_string()))
    }

    /// The passkey that answered, as it is after that; none if it is not one of these, or does not answer right. One
    /// whose counter does not go up was copied, and is not taken.
    pub(super) fn answered(
        &self,
        answer: serde_json::Value,
        state: &PasskeyAuthentication,
        known: &[Passkey],
    ) -> Result<Option<Passkey>, Error> {
        let webauthn = self.webauthn()?;
        let Ok(answer) = serde_json::from_value::<PublicKeyCredential>(answer) else { return Ok(None) };
        let Ok(result) = webauthn.finish_passkey_authentication(&answer, state) else { return Ok(None) };
        let used = known.iter().find(|passkey| passkey.cred_id() == result.cred_id()).cloned();
        Ok(used.map(|mut passkey| {
            passkey.update_credential(&result);
            passkey
        }))
    }
}
