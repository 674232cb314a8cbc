//! Personal data sealed at rest, and blind indexes to find it by.
//!
//! XChaCha20-Poly1305 with a random nonce; the context (`onboarding.people.name`) is bound as associated data, so a
//! sealed value cannot be moved to another column. The first byte names the key, so that keys can be rotated.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::Error;

/// The key that seals today.
const KEY_ID: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Seals and opens personal data. Cheap to clone.
#[derive(Clone)]
pub struct Cipher {
    sealing: Arc<XChaCha20Poly1305>,
    indexing: Arc<[u8; 32]>,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Cipher")
    }
}

impl Cipher {
    /// A cipher under a master key of 32 bytes, in hexadecimal.
    ///
    /// # Errors
    /// [`Error::Key`] when the text is none.
    pub fn try_new(master_key: &SecretString) -> Result<Self, Error> {
        let bytes = decode_key(master_key.expose_secret()).ok_or(Error::Key)?;
        let derive = |purpose: &str| -> Result<[u8; 32], Error> {
            let mut mac = Hmac::<Sha256>::new_from_slice(&bytes).map_err(|_| Error::Key)?;
            mac.update(purpose.as_bytes());
            Ok(mac.finalize().into_bytes().into())
        };
        let sealing = XChaCha20Poly1305::new(&derive("teranga/seal")?.into());
        Ok(Self { sealing: Arc::new(sealing), indexing: Arc::new(derive("teranga/blind-index")?) })
    }

    /// A fresh master key, in hexadecimal.
    #[must_use]
    pub fn generate_key() -> SecretString {
        let bytes: [u8; 32] = rand::random();
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        text.into()
    }

    /// Seals a text for one context.
    #[must_use]
    pub fn encrypt(&self, context: &str, clear: &str) -> Vec<u8> {
        self.encrypt_bytes(context, clear.as_bytes())
    }

    /// Seals bytes, such as an image, for one context.
    #[must_use]
    pub fn encrypt_bytes(&self, context: &str, clear: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: clear, aad: context.as_bytes() };
        // Sealing fails only beyond 256 GiB; an empty answer can then never be opened as anything.
        let sealed = self.sealing.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        let mut out = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        out.push(KEY_ID);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what was sealed for the same context.
    ///
    /// # Errors
    /// [`Error::Sealed`] for another key, another context, or tampering.
    pub fn decrypt(&self, context: &str, sealed: &[u8]) -> Result<String, Error> {
        String::from_utf8(self.decrypt_bytes(context, sealed)?).map_err(|_| Error::Sealed)
    }

    /// Opens bytes that were sealed for the same context.
    ///
    /// # Errors
    /// [`Error::Sealed`] for another key, another context, or tampering.
    pub fn decrypt_bytes(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (&key, rest) = sealed.split_first().ok_or(Error::Sealed)?;
        let (nonce, message) = rest.split_at_checked(NONCE_BYTES).ok_or(Error::Sealed)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| Error::Sealed)?;
        if key != KEY_ID {
            return Err(Error::Sealed);
        }
        let payload = Payload { msg: message, aad: context.as_bytes() };
        self.sealing.decrypt(&XNonce::from(nonce), payload).map_err(|_| Error::Sealed)
    }

    /// What a value is found by without being stored in clear: the same value in the same context gives the same index.
    #[must_use]
    pub fn blind_index(&self, context: &str, value: &str) -> Vec<u8> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.indexing.as_slice()) else { return Vec::new() };
        mac.update(&(context.len() as u64).to_be_bytes());
        mac.update(context.as_bytes());
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

fn decode_key(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_context_open_a_sealed_text() -> Result<(), Error> {
        let cipher = Cipher::try_new(&Cipher::generate_key())?;
        let sealed = cipher.encrypt("people.name", "Awa Ndiaye");
        assert_eq!(cipher.decrypt("people.name", &sealed)?, "Awa Ndiaye");
        assert!(cipher.decrypt("people.address", &sealed).is_err());
        assert!(Cipher::try_new(&Cipher::generate_key())?.decrypt("people.name", &sealed).is_err());
        for position in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[position] ^= 1;
            assert!(cipher.decrypt("people.name", &tampered).is_err(), "byte {position}");
        }
        assert!(cipher.decrypt("people.name", &[]).is_err());
        assert_ne!(cipher.encrypt("people.name", "Awa Ndiaye"), sealed, "a nonce is used once");
        Ok(())
    }

    #[test]
    fn a_blind_index_tells_values_and_contexts_apart() -> Result<(), Error> {
        let cipher = Cipher::try_new(&Cipher::generate_key())?;
        let index = cipher.blind_index("mail", "awa@example.org");
        assert_eq!(index, cipher.blind_index("mail", "awa@example.org"));
        assert_ne!(index, cipher.blind_index("mail", "awb@example.org"));
        assert_ne!(index, cipher.blind_index("phone", "awa@example.org"));
        Ok(())
    }
}
