//! An export is checked by itself, and whoever touches it is found, even with the house's own key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::{Signer, SigningKey};
use ledger::{
    Believed, CheckError, CheckedExport, Currency, Extent, ManifestSigner, Money, RatesOfTheDay, Sequence, Subjects,
    Verification, verify_export,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::fixture::Result;
use crate::log::everything_that_can_be_booked;
use crate::logged_book::LoggedBook;

/// One unit of any currency is worth one of the base's smallest.
pub(super) struct Par;

impl RatesOfTheDay for Par {
    fn base(&self) -> Currency {
        Currency::EUR
    }

    fn in_base(&self, amount: Money) -> Option<Money> {
        Some(Money::from_minor(amount.minor(), Currency::EUR))
    }
}

struct House(SigningKey);

impl ManifestSigner for House {
    fn public_key(&self) -> String {
        self.0.verifying_key().to_public_key_pem(LineEnding::LF).expect("a key")
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

fn house() -> House {
    House(SigningKey::from_bytes(&[7; 32]))
}

struct Packed {
    _directory: tempfile::TempDir,
    path: PathBuf,
    believed: Believed,
}

impl Packed {
    /// A book in which everything was booked, packed from one entry through another.
    async fn new(first: i64, last: Option<i64>) -> Result<Self> {
        let book = LoggedBook::new().await?;
        everything_that_can_be_booked(&book).await?;
        book.book(40).await?;
        book.ledger.keep_log(&book.signer).await?;
        let extent = Extent::WHOLE.from(Sequence::new(first));
        let extent = last.map_or(extent, |last| extent.through(Sequence::new(last)));
        let subjects = Subjects::Pseudonyms(ledger::PseudonymKey::for_grant(b"house", uuid::Uuid::nil()));
        let export = book.ledger.export(extent, subjects).await?;
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("pack.tar");
        export.pack(&path, &Par, &house()).await?;
        let believed =
            Believed { log_keys: book.signer.verifier_keys().to_vec(), manifest_key: Some(house().public_key()) };
        Ok(Self { _directory: directory, path, believed })
    }

    fn files(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        super::pack::unpacked(&self.path)
    }

    fn check(&self, path: &Path) -> std::result::Result<Verification, CheckError> {
        Ok(self.checked(path)?.verification)
    }

    fn checked(&self, path: &Path) -> std::result::Result<CheckedExport, CheckError> {
        verify_export(path, &self.believed, |_, _| {})
    }

    /// Whether somebody who holds the house's key and writes those files is found.
    fn is_found(&self, mut files: BTreeMap<String, Vec<u8>>, forged: bool) -> Result<bool> {
        if forged {
            let mut manifest: ledger::Manifest = serde_json::from_slice(&files["manifest.json"])?;
            for file in &mut manifest.files {
                let Some(content) = files.get(&file.name) else { continue };
                file.bytes = content.len() as u64;
                file.sha256 = hex::encode(Sha256::digest(content));
            }
            let text = manifest.canonical()?;
            files.insert("manifest.sig".to_owned(), house().sign(&text).to_vec());
            files.insert("manifest.json".to_owned(), text);
        }
        let directory = tempfile::tempdir()?;
        for (name, content) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(directory.path()))?;
            std::fs::write(path, content)?;
        }
        Ok(!self.check(directory.path()).is_ok_and(|verification| verification.holds()))
    }
}

fn differences(verification: &Verification) -> Vec<String> {
    let named = verification.checks.iter().filter_map(|check| Some((check.name, check.difference.as_ref()?)));
    named.map(|(name, difference)| format!("{name}: {difference}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_book_and_a_part_of_it_are_checked_without_the_house() -> Result {
    for (first, last) in [(1, None), (5, Some(20)), (12, Some(12))] {
        let packed = Packed::new(first, last).await?;
        let verification = packed.check(&packed.path)?;
        assert_eq!(differences(&verification), [""; 0], "{first} through {last:?}");
        assert_eq!(verification.checkpoints, 1);
        assert!(!packed.is_found(packed.files()?, false)?, "unpacked it is the same");
        let nobody = verify_export(&packed.path, &Believed::default(), |_, _| {})?;
        assert!(!nobody.verification.holds(), "a signature that nobody believes proves nothing");
        assert_eq!((nobody.signed_size, nobody.is_whole()), (None, false));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_not_taken_for_the_whole() -> Result {
    for (first, last, is_whole) in [(1, None, true), (1, Some(50), false), (5, None, false)] {
        let packed = Packed::new(first, last).await?;
        let checked = packed.checked(&packed.path)?;
        assert!(checked.verification.holds());
        let size = checked.signed_size.ok_or("a signed head")?;
        assert_eq!((checked.book, checked.first_sequence), (ledger::BookId::FIRST, first));
        assert_eq!(checked.last_sequence, last.unwrap_or(size));
        assert_eq!(checked.is_whole(), is_whole, "{first} through {last:?} of {size}");
        let files = packed.files()?;
        let manifest: ledger::Manifest = serde_json::from_slice(&files["manifest.json"])?;
        assert_eq!(checked.last_booked_at, Some(manifest.closed_at.parse()?));
        // Nor is it said to have been closed at another time.
        let later = String::from_utf8(files["manifest.json"].clone())?
            .replace(&manifest.closed_at, "2030-01-01T00:00:00.000000Z");
        let mut forged = files;
        forged.insert("manifest.json".to_owned(), later.into_bytes());
        assert!(packed.is_found(forged, true)?);
    }
    Ok(())
}

/// Texts of the journal that somebody would like to be others, each with what it becomes.
const WISHES: [(&str, &str, &str); 9] = [
    ("journal.jsonl", "\"amount\":\"", "\"amount\":\"1"),
    ("journal.jsonl", "\"balance\":\"", "\"balance\":\"1"),
    ("journal.jsonl", "\"effective_date\":\"2", "\"effective_date\":\"1"),
    ("journal.jsonl", "\"kind\":\"", "\"kind\":\"x"),
    ("journal.jsonl", "\"account\":\"assets:", "\"account\":\"expenses:"),
    ("accounts.jsonl", "\"closing\":\"", "\"closing\":\"1"),
    ("accounts.jsonl", "\"floor\":\"0", "\"floor\":\"-9"),
    ("safeguarding.json", "\"safeguards\":\"", "\"safeguards\":\"1"),
    ("log_proof.json", "\"checkpoint\":\"", "\"checkpoint\":\"x"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_houses_own_key_forges_nothing() -> Result {
    let packed = Packed::new(1, None).await?;
    let files = packed.files()?;
    for (name, wanted, instead) in WISHES {
        let text = String::from_utf8(files[name].clone())?;
        assert!(text.contains(wanted), "{name} has {wanted}");
        let mut changed = files.clone();
        changed.insert(name.to_owned(), text.replacen(wanted, instead, 1).into_bytes());
        let is_floor = wanted.contains("floor");
        // A floor is bound by the account's commitment alone, whose salt stays in the house.
        assert!(is_floor || packed.is_found(changed, true)?, "{name}: {wanted}");
    }
    let lines = |name: &str| -> Vec<Vec<u8>> {
        files[name].split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    };
    // Lines are taken out, doubled and swapped, in the journal and in the forms alike.
    let (journal, leaves) = (lines("journal.jsonl"), lines("log.jsonl"));
    type Change = fn(&mut Vec<Vec<u8>>);
    let changes: [Change; 4] = [
        |lines| drop(lines.remove(7)),
        |lines| lines.insert(7, lines[6].clone()),
        |lines| lines.swap(7, 8),
        |lines| drop(lines.pop()),
    ];
    for change in changes {
        for both in [true, false] {
            let (mut journal, mut leaves) = (journal.clone(), leaves.clone());
            change(&mut journal);
            if both {
                change(&mut leaves);
            }
            let mut changed = files.clone();
            changed.insert("journal.jsonl".to_owned(), journal.concat());
            changed.insert("log.jsonl".to_owned(), leaves.concat());
            assert!(packed.is_found(changed, true)?);
        }
    }
    // A form that says the same as a changed line is not the one that was signed.
    let amount = |line: &[u8]| String::from_utf8_lossy(line).contains("\"amount\":\"");
    let place = journal.iter().position(|line| amount(line)).ok_or("a line with an amount")?;
    let mut leaf: serde_json::Value = serde_json::from_slice(&leaves[place])?;
    let mut bytes = BASE64_STANDARD.decode(leaf["leaf"].as_str().unwrap_or_default())?;
    let end = bytes.len() - 5;
    bytes[end] ^= 1;
    leaf["leaf"] = BASE64_STANDARD.encode(bytes).into();
    let mut forged = leaves.clone();
    forged[place] = (leaf.to_string() + "\n").into_bytes();
    let mut changed = files.clone();
    changed.insert("log.jsonl".to_owned(), forged.concat());
    assert!(packed.is_found(changed, true)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn any_byte_of_any_file_is_missed() -> Result {
    let packed = Packed::new(3, Some(30)).await?;
    let files = packed.files()?;
    let names: Vec<&String> = files.keys().collect();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(96));
    let changes = (0..names.len(), any::<prop::sample::Index>(), 1..=255_u8);
    runner.run(&changes, |(file, place, by)| {
        let mut changed = files.clone();
        let content = changed.get_mut(names[file]).expect("a file");
        // The key beside the manifest is not believed, so it does not count.
        prop_assume!(!content.is_empty() && names[file] != "manifest.pub.pem");
        let place = place.index(content.len());
        content[place] ^= by;
        prop_assert!(packed.is_found(changed, false).expect("an answer"), "{} at {place}", names[file]);
        Ok(())
    })?;
    for name in names {
        let mut changed = files.clone();
        changed.remove(name);
        assert!(packed.is_found(changed, false)?, "{name} is gone");
    }
    for name in ["more.txt", "statements/more.txt", "statements/deeper/more.txt"] {
        let mut more = files.clone();
        more.insert(name.to_owned(), b"more".to_vec());
        assert!(packed.is_found(more, false)?, "{name}");
    }
    let bytes = std::fs::read(&packed.path)?;
    let cut = packed.path.with_file_name("cut.tar");
    for length in [0, 100, bytes.len() / 3, bytes.len() / 2] {
        std::fs::write(&cut, &bytes[..length])?;
        assert!(!packed.check(&cut).is_ok_and(|verification| verification.holds()), "cut off after {length}");
    }
    assert!(packed.check(Path::new("/nowhere")).is_err());
    Ok(())
}

/// What somebody with the house's key writes, by file.
struct Forgery {
    packed: Packed,
    files: BTreeMap<String, Vec<u8>>,
}

impl Forgery {
    async fn of_a_whole_book() -> Result<Self> {
        let packed = Packed::new(1, None).await?;
        let files = packed.files()?;
        Ok(Self { packed, files })
    }

    fn replace(&mut self, name: &str, wanted: &str, instead: &str) -> Result {
        let text = String::from_utf8(self.files[name].clone())?;
        assert!(text.contains(wanted), "{name} has {wanted}");
        self.files.insert(name.to_owned(), text.replace(wanted, instead).into_bytes());
        Ok(())
    }

    fn is_found(&self) -> Result<bool> {
        self.packed.is_found(self.files.clone(), true)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_nobody_booked_on_covers_nothing() -> Result {
    let mut forgery = Forgery::of_a_whole_book().await?;
    let lines = String::from_utf8(forgery.files["accounts.jsonl"].clone())?;
    let bank = lines.lines().find(|line| line.contains("\"assets:pay-in:bank\"")).ok_or("the bank")?;
    let mut invented: serde_json::Value = serde_json::from_str(bank)?;
    for (field, value) in [("account", "assets:pay-in:other"), ("opening", "1000000.00"), ("closing", "1000000.00")] {
        invented[field] = value.into();
    }
    invented["number"] = 999_999.into();
    forgery.files.insert("accounts.jsonl".to_owned(), format!("{lines}{invented}\n").into_bytes());
    // The equation counts it too.
    let mut equation: serde_json::Value = serde_json::from_slice(&forgery.files["safeguarding.json"])?;
    for side in ["safeguards", "safeguards_in_base"] {
        let held = &mut equation["currencies"][0][side];
        let minor: i64 = held.as_str().ok_or("an amount")?.replace('.', "").parse()?;
        *held = Money::from_minor(minor + 100_000_000, Currency::EUR).to_string().into();
    }
    forgery.files.insert("safeguarding.json".to_owned(), serde_json::to_vec(&equation)?);
    assert!(forgery.is_found()?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn euros_are_called_by_no_other_name() -> Result {
    let mut forgery = Forgery::of_a_whole_book().await?;
    for (name, behind) in [
        ("manifest.json", "debits"),
        ("accounts.jsonl", "commodity"),
        ("journal.jsonl", "amount"),
        ("safeguarding.json", "client_money"),
    ] {
        let says = |code: &str| format!("\"currency\":\"{code}\",\"{behind}\"");
        forgery.replace(name, &says("EUR"), &says("USD"))?;
    }
    assert!(forgery.is_found()?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lots_move_from_no_posting_to_another() -> Result {
    let mut forgery = Forgery::of_a_whole_book().await?;
    let lines = String::from_utf8(forgery.files["journal.jsonl"].clone())?;
    let issue = lines.lines().find(|line| line.contains("\"lots\"")).ok_or("an issue of units")?;
    let mut forged: serde_json::Value = serde_json::from_str(issue)?;
    let postings = forged["postings"].as_array_mut().ok_or("postings")?;
    let last = postings.len() - 1;
    let mut invented = postings[last]["lots"].take();
    invented[0]["amount"] = "1000000".into();
    postings[last].as_object_mut().ok_or("a posting")?.remove("lots");
    let first = postings[0]["lots"].as_array_mut().ok_or("lots")?;
    first.push(invented[0].take());
    let forged = lines.replace(issue, &forged.to_string());
    forgery.files.insert("journal.jsonl".to_owned(), forged.into_bytes());
    assert!(forgery.is_found()?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_was_made_to_wear_out_who_checks_it_is_refused() -> Result {
    let mut forgery = Forgery::of_a_whole_book().await?;
    let padded = format!("{{{}\"number\":1,", " ".repeat(9 << 20));
    forgery.replace("accounts.jsonl", "{\"number\":1,", &padded)?;
    assert!(forgery.is_found()?, "a line without end");
    let mut forgery = Forgery::of_a_whole_book().await?;
    let mut manifest: ledger::Manifest = serde_json::from_slice(&forgery.files["manifest.json"])?;
    manifest.files.extend(manifest.files.clone());
    forgery.files.insert("manifest.json".to_owned(), manifest.canonical()?);
    assert!(forgery.is_found()?, "files that would be read again and again");
    Ok(())
}
