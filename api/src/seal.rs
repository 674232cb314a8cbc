//! The key that vouches for exports.

use std::path::Path;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signer, SigningKey};
use ledger::ManifestSigner;
use secrecy::{ExposeSecret, SecretString};

use crate::keys;

/// Where the key lies under the data directory; not beside the keys of tokens, which are all read as such.
const FILE: &str = "keys/exports/manifest.pem";

/// An Ed25519 key of its own, so that what vouches for a book cannot let anybody in.
pub(crate) struct Seal {
    key: SigningKey,
    public: String,
}

impl Seal {
    /// Reads the key of a data directory, making it if there is none.
    ///
    /// # Errors
    /// When it cannot be read or written, or is no Ed25519 key.
    pub(crate) fn load(directory: &Path) -> std::io::Result<Self> {
        let path = directory.join(FILE);
        let invalid = |error: String| std::io::Error::other(format!("{}: {error}", path.display()));
        let text = keys::load_or_make(&path, make_key)?;
        let key = SigningKey::from_pkcs8_pem(text.expose_secret()).map_err(|error| invalid(error.to_string()))?;
        let public = key.verifying_key().to_public_key_pem(LineEnding::LF);
        Ok(Self { public: public.map_err(|error| invalid(error.to_string()))?, key })
    }
}

fn make_key() -> SecretString {
    let seed: [u8; 32] = rand::random();
    // Writing a key that was just made as text cannot fail; an empty file would be refused when it is read.
    let text = SigningKey::from_bytes(&seed).to_pkcs8_pem(LineEnding::LF);
    text.map(|text| text.as_str().to_owned()).unwrap_or_default().into()
}

impl ManifestSigner for Seal {
    fn public_key(&self) -> String {
        self.public.clone()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}
