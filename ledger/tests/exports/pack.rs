//! A period in one archive.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use ledger::{EntryDifference, Extent, Manifest, ManifestSigner, Sequence, Subjects, Which, diff_packs};
use sha2::{Digest, Sha256};

use super::check::Par;
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
    Ok(export.pack(path, &Par, &Stamp).await?)
}

pub(super) fn unpacked(path: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
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

/// The same archive with other texts in one of its files.
fn altered(path: &Path, file: &str, from: &str, to: &str, target: &Path) -> Result {
    let mut archive = tar::Builder::new(std::fs::File::create(target)?);
    for (name, content) in unpacked(path)? {
        let content = match name == file {
            true => String::from_utf8(content)?.replacen(from, to, 1).into_bytes(),
            false => content,
        };
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content.as_slice())?;
    }
    archive.finish()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_of_two_packs_is_explained_by_its_entries() -> Result {
    let fixture = three_days().await?;
    let directory = tempfile::tempdir()?;
    let [short, long, other] = ["short.tar", "long.tar", "other.tar"].map(|name| directory.path().join(name));
    pack(&fixture, 1, 6, &short).await?;
    pack(&fixture, 1, 9, &long).await?;
    assert!(diff_packs(&short, &short, |_| panic!("nothing differs"))?.is_none());

    let mut told = Vec::new();
    let difference = diff_packs(&short, &long, |entry| told.push(entry))?;
    let missing = |sequence| EntryDifference::Missing { only_in: Which::Second, sequence, kind: "transfer".to_owned() };
    assert_eq!(told, [missing(7), missing(8), missing(9)]);
    let bank = difference.accounts.iter().find(|account| account.account == "assets:pay-in:bank").ok_or("no bank")?;
    assert_eq!((bank.closing.to_string(), bank.by_entries.to_string()), ("1.97".to_owned(), "1.97".to_owned()));
    assert_eq!(bank.entries, [7, 8, 9]);
    assert!(difference.accounts.iter().all(|account| account.unexplained().is_zero()));

    told.clear();
    altered(&long, "journal.jsonl", "\"effective_date\":\"2026-03-01\"", "\"effective_date\":\"2026-02-28\"", &other)?;
    diff_packs(&long, &other, |entry| told.push(entry))?;
    assert_eq!(told, [EntryDifference::Changed { sequence: 1, fields: vec!["effective_date".to_owned()] }]);

    // A balance that no entry explains.
    altered(&long, "trial_balance.csv", "5.91,EUR", "6.91,EUR", &other)?;
    let difference = diff_packs(&long, &other, |_| {})?;
    let [account] = &difference.accounts[..] else { return Err("one account differs".into()) };
    assert_eq!(account.unexplained().to_string(), "1.00");

    std::fs::write(&other, b"no archive")?;
    assert!(diff_packs(&long, &other, |_| {}).is_err());
    Ok(())
}
