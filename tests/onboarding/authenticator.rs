//! A passkey in software: what a phone does when WebAuthn asks it, as far as a server can see it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::Result;

/// User present, user verified.
const SHOWN: u8 = 0x05;
/// Shown, with a new credential attached.
const MADE: u8 = 0x45;

pub(crate) struct Authenticator {
    key: SigningKey,
    credential: [u8; 32],
    domain: String,
    origin: String,
    /// How often it has signed.
    pub(crate) counter: u32,
}

impl Authenticator {
    pub(crate) fn new(domain: &str, origin: &str) -> Result<Self> {
        let seed: [u8; 32] = rand::random();
        let key = SigningKey::from_slice(&seed).map_err(|error| error.to_string())?;
        Ok(Self { key, credential: rand::random(), domain: domain.to_owned(), origin: origin.to_owned(), counter: 0 })
    }

    /// Makes its credential, as it is asked to.
    pub(crate) fn make(&mut self, asked: &Value) -> Result<Value> {
        let client = self.client_data("webauthn.create", asked)?;
        let point = self.key.verifying_key().to_sec1_point(false);
        let point = point.as_bytes();
        // Attested credential data: no model, the credential's id, the key in COSE (RFC 9053, 7.1.1).
        let mut attested = vec![0; 16];
        attested.extend([0, 32]);
        attested.extend(self.credential);
        attested.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 32]);
        attested.extend(&point[1..33]);
        attested.extend([0x22, 0x58, 32]);
        attested.extend(&point[33..65]);
        let data = self.data(MADE, &attested);
        // {"fmt": "none", "attStmt": {}, "authData": data} in CBOR.
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x58");
        object.push(u8::try_from(data.len())?);
        object.extend(data);
        let id = URL_SAFE_NO_PAD.encode(self.credential);
        Ok(json!({
            "id": id, "rawId": id, "type": "public-key", "extensions": {},
            "response": { "attestationObject": URL_SAFE_NO_PAD.encode(object),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client) },
        }))
    }

    /// Signs what it is asked.
    pub(crate) fn sign(&mut self, asked: &Value) -> Result<Value> {
        let client = self.client_data("webauthn.get", asked)?;
        self.counter += 1;
        let data = self.data(SHOWN, &[]);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client));
        let signature: Signature = self.key.sign(&signed);
        let id = URL_SAFE_NO_PAD.encode(self.credential);
        Ok(json!({
            "id": id, "rawId": id, "type": "public-key", "extensions": {},
            "response": { "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
                "signature": URL_SAFE_NO_PAD.encode(signature.to_der()), "userHandle": null },
        }))
    }

    fn client_data(&self, kind: &str, asked: &Value) -> Result<Vec<u8>> {
        let challenge = asked["publicKey"]["challenge"].as_str().ok_or("a challenge")?;
        let data = json!({
            "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false,
        });
        Ok(serde_json::to_vec(&data)?)
    }

    fn data(&self, flags: u8, attached: &[u8]) -> Vec<u8> {
        let mut data = Sha256::digest(self.domain.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data.extend(attached);
        data
    }
}
