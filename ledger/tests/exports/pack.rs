//! A period in one archive.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use ledger::{Extent, Manifest, ManifestSigner, Sequence, Subjects};
use sha2::{Digest, Sha256};

use super::parts::three_days;
use crate::fixture::{LedgerFixture, Result};

/// A signature that anybody can compute: what is tested is that it stands over the manifest.
struct Stamp;

impl ManifestSigner for Stamp {
    fn public_key(&self) -> String {
        "a key\n".to_owned()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let digest: [u8; 32] = Sha256::digest(message).into();
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&digest);
        signature
    }
}

/// Packs the entries of a book from one through another.
pub(super) async fn pack(fixture: &LedgerFixture, first: i64, last: i64, path: &Path) -> Result<Manifest> {
    let extent = Extent::WHOLE.from(Sequence::new(first)).through(Sequence::new(last));
    let export = fixture.ledger.export(extent, Subjects::AsTheyAre).await?;
    Ok(export.pack(path, Some("a checkpoint\n".to_owned()), &Stamp).await?)
}

fn unpacked(path: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut archive = tar::Archive::new(std::fs::File::open(path)?);
    let mut files = BTreeMap::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(entry.path()?.display().to_string(), content);
    }
    Ok(files)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_gives_the_same_archive_each_time_and_its_manifest_names_every_byte() -> Result {
    let fixture = three_days().await?;
    let directory = tempfile::tempdir()?;
    let [once, again] = ["once.tar", "again.tar"].map(|name| directory.path().join(name));
    let manifest = pack(&fixture, 4, 6, &once).await?;
    pack(&fixture, 4, 6, &again).await?;
    assert!(std::fs::read(&once)? == std::fs::read(&again)?);
    let mut files = unpacked(&once)?;
    let text = files.remove("manifest.json").ok_or("no manifest")?;
    assert_eq!(serde_json::from_slice::<Manifest>(&text)?, manifest);
    assert_eq!(files.remove("manifest.sig"), Some(Stamp.sign(&text).to_vec()));
    assert_eq!(files.remove("manifest.pub.pem"), Some(b"a key\n".to_vec()));
    assert_eq!(files.remove("checkpoint"), Some(b"a checkpoint\n".to_vec()));
    let named: BTreeMap<&str, (u64, &str)> =
        manifest.files.iter().map(|file| (file.name.as_str(), (file.bytes, file.sha256.as_str()))).collect();
    assert_eq!(named.len(), files.len());
    for (name, content) in &files {
        let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(named.get(name.as_str()), Some(&(content.len() as u64, hash.as_str())), "{name}");
    }
    assert!(files.contains_key("statements/assets.pay-in.bank-EUR.camt053.xml"));
    assert_eq!((manifest.entries, manifest.postings, manifest.hold_changes), (3, 6, 0));
    let totals: Vec<(&str, &str, &str)> = manifest
        .totals
        .iter()
        .map(|totals| (totals.currency.as_str(), totals.debits.as_str(), totals.credits.as_str()))
        .collect();
    assert_eq!(totals, [("EUR", "1.97", "1.97")]);
    Ok(())
}
