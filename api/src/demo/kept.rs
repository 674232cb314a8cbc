//! What is kept to go on by hand: credentials that were shown once, passwords, and how far the demo came.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Failure;
use crate::keys;

/// The file `demo.json`, for our eyes only.
pub(super) struct Kept {
    path: PathBuf,
    content: Content,
}

#[derive(Default, Serialize, Deserialize)]
struct Content {
    played: bool,
    /// Client credentials by the institution's code.
    institutions: BTreeMap<String, Value>,
    /// Passwords by contact.
    people: BTreeMap<String, String>,
    auditor: Option<Value>,
}

impl Kept {
    pub(super) fn load(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join("demo.json");
        let content = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Content::default(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { path, content })
    }

    fn save(&self) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(&self.content)?;
        Ok(keys::write_private(&self.path, &format!("{text}\n"))?)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_played(&self) -> bool {
        self.content.played
    }

    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.content.played = true;
        self.save()
    }

    pub(super) fn institution(&self, code: &str) -> Option<&Value> {
        self.content.institutions.get(code)
    }

    pub(super) fn institutions(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.content.institutions.iter()
    }

    pub(super) fn keep_institution(&mut self, code: &str, credential: Value) -> Result<(), Failure> {
        self.content.institutions.insert(code.to_owned(), credential);
        self.save()
    }

    pub(super) fn password(&self, contact: &str) -> Option<&String> {
        self.content.people.get(contact)
    }

    pub(super) fn people(&self) -> impl Iterator<Item = (&String, &String)> {
        self.content.people.iter()
    }

    /// Keeps passwords before they are used, so that nobody is locked out by a stop in between.
    pub(super) fn keep_passwords(&mut self, passwords: BTreeMap<String, String>) -> Result<(), Failure> {
        self.content.people.extend(passwords);
        self.save()
    }

    pub(super) fn auditor(&self) -> Option<&Value> {
        self.content.auditor.as_ref()
    }

    pub(super) fn keep_auditor(&mut self, credential: Value) -> Result<(), Failure> {
        self.content.auditor = Some(credential);
        self.save()
    }
}
