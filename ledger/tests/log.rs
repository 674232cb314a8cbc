//! The transparency log: what it signs is what is booked, whoever reads can check it, and names can be taken away.

use chrono::Duration;
use diesel_async::SimpleAsyncConnection;
use ed25519_dalek::{Signer, SigningKey};
use ledger::{
    CheckpointAt, Entry, EntryKind, IdempotencyKey, Kept, LogEntry, LogError, LogSigner, LogTile, LogVerifier,
    Sequence, UnitOfWork, Witness,
};
use sha2::{Digest, Sha256};

use crate::fixture::{Result, account, euro};
use crate::logged_book::{AMINA, BABACAR, BANK, Hash, LoggedBook, ORIGIN, root, signing_key};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_is_what_postgresql_computes_from_the_tables() -> Result {
    let book = LoggedBook::new().await?;
    assert_eq!(book.ledger.keep_log(&book.signer).await?, Kept::UpToDate, "an empty book");
    let missing = book.ledger.checkpoint(CheckpointAt::Newest).await;
    assert!(matches!(missing, Err(LogError::NotSigned { asked: 0, newest: 0 })));
    book.book(3).await?;
    let words = Entry::builder(EntryKind::new("told"), book.ledger.today())
        .description("une ligne, à lire")
        .subject(uuid::Uuid::from_u128(7))
        .debit(account(BANK), euro(3))
        .credit(account(AMINA), euro(1))
        .credit(account(BABACAR), euro(2))
        .build()?;
    book.ledger.post(UnitOfWork::new(IdempotencyKey::generate(), words)).await?;
    book.signed().await?;
    let head = book.verifier()?.check_checkpoint(&book.ledger.checkpoint(CheckpointAt::Newest).await?.note)?;
    assert_eq!((head.origin.as_str(), head.size), (ORIGIN, 4));
    Ok(())
}

/// Entries of every kind; answers how many.
pub async fn everything_that_can_be_booked(book: &LoggedBook) -> Result<usize> {
    let ledger = &book.ledger;
    let (auditor, director) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    let post = async |entry: ledger::EntryBuilder| -> Result<Sequence> {
        Ok(ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry.build()?)).await?.sequence)
    };
    let kind = EntryKind::new("everything");
    let paid =
        |day, cents| Entry::builder(kind, day).debit(account(BANK), euro(cents)).credit(account(AMINA), euro(cents));
    let words =
        serde_json::json!({"z": [1, -2, null], "a": {"é": "\"\\\n", "big": 9_007_199_254_740_993_i64}, "": true});
    post(paid(ledger.today(), 500).metadata(words).subject(auditor)).await?;
    let wrong = post(paid(ledger.today(), 50)).await?;
    let holds = [3, 4].map(|number| ledger::HoldId::from_uuid(uuid::Uuid::from_u128(number)));
    let until = book.clock.now() + Duration::hours(1);
    let placed = Entry::builder(kind, ledger.today()).hold(holds[0], account(AMINA), euro(60), until).hold(
        holds[1],
        account(AMINA),
        euro(40),
        until,
    );
    post(placed).await?;
    let spent = Entry::builder(kind, ledger.today())
        .debit(account(AMINA), euro(25))
        .credit(account(BANK), euro(25))
        .post_hold(holds[0], euro(25))
        .release_hold(holds[1]);
    post(spent).await?;
    post(ledger.reversal(wrong, kind).await?).await?;
    let yesterday = ledger.today() - Duration::days(1);
    ledger.close_period(IdempotencyKey::generate(), yesterday, auditor).await?;
    let approvals = ledger::Approvals::try_new(auditor, director)?;
    post(paid(yesterday, 3).adjusting(approvals)).await?;
    ledger.reopen_period(IdempotencyKey::generate(), yesterday, approvals).await?;
    ledger.record_closes().await?;
    let (solar, _) = ledger.register_unit(crate::units::solar()?).await?;
    let lot = |units, cents| ledger::NewLot {
        amount: ledger::Amount::from_minor(units, solar),
        acquired_on: yesterday,
        cost: Some(euro(cents)),
    };
    let issued = Entry::builder(kind, ledger.today())
        .debit(account(crate::units::ISSUED), ledger::Amount::from_minor(12, solar))
        .credit_lots(account(crate::units::AMINA), vec![lot(7, 10_000), lot(2, 3)])
        .credit(account(crate::units::BABACAR), ledger::Amount::from_minor(3, solar));
    post(issued).await?;
    let passed_on = Entry::builder(kind, ledger.today())
        .debit(account(crate::units::AMINA), ledger::Amount::from_minor(8, solar))
        .credit(account(crate::units::BABACAR), ledger::Amount::from_minor(8, solar));
    post(passed_on).await?;
    let hold = ledger::HoldId::from_uuid(uuid::Uuid::from_u128(5));
    let reserved = ledger::Amount::from_minor(4, solar);
    post(Entry::builder(kind, ledger.today()).hold(hold, account(crate::units::BABACAR), reserved, until)).await?;
    Ok(11)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_booked_the_head_of_the_writer_is_the_root_over_the_tables() -> Result {
    let book = LoggedBook::new().await?;
    let count = everything_that_can_be_booked(&book).await?;
    let kept = book.ledger.keep_log(&book.signer).await?;
    let Kept::Signed(checkpoint) = kept else { return Err(format!("{kept:?}").into()) };
    assert_eq!(usize::try_from(checkpoint.size), Ok(count));
    let verified = book.ledger.verify(|_, _| {}).await?;
    assert_eq!((verified.entries, verified.checkpoints), (checkpoint.size, 1));
    assert_eq!(verified.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_names_what_was_changed_with_more_rights() -> Result {
    let book = LoggedBook::new().await?;
    book.book(300).await?;
    book.signed().await?;
    book.book(5).await?;
    book.signed().await?;
    let mut owner = book.test.owner().await?;
    let mut change = async |table: &str, change: &str, back: &str| -> Result<Option<i64>> {
        let statement = |change| format!("set session_replication_role = replica; update ledger.{table} set {change}");
        owner.batch_execute(&statement(change)).await?;
        let verified = book.ledger.verify(|_, _| {}).await?;
        owner.batch_execute(&statement(back)).await?;
        Ok(verified.first_difference().and_then(|difference| difference.sequence))
    };
    let flipped = "hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1)";
    for (table, changed, back, at) in [
        ("entries", "kind = 'x' where sequence = 7", "kind = 'transfer' where sequence = 7", 7),
        ("entries", "kind = 'x' where sequence = 280", "kind = 'transfer' where sequence = 280", 300),
        ("log_tiles", flipped, flipped, 1),
        ("log_checkpoints", "note = replace(note, 'teranga', 'taranga') where size = 305", "note = note", 305),
    ] {
        let found = change(table, changed, back).await?;
        assert_eq!(found, Some(at), "{table} set {changed}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_signed_once_a_second_at_most() -> Result {
    let book = LoggedBook::new().await?;
    book.book(1).await?;
    book.signed().await?;
    book.book(1).await?;
    assert_eq!(book.ledger.keep_log(&book.signer).await?, Kept::UpToDate);
    book.signed().await?;
    book.clock.advance(Duration::seconds(9));
    assert_eq!(book.ledger.keep_log(&book.signer).await?, Kept::UpToDate, "nothing was booked");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_is_proven_at_every_size_and_every_tree_continues_those_before() -> Result {
    let book = LoggedBook::new().await?;
    let verifier = book.verifier()?;
    let mut heads = Vec::new();
    let mut leaves = Vec::new();
    for size in 1..=40 {
        book.book(1).await?;
        leaves = book.signed().await?;
        let checkpoint = book.ledger.checkpoint(CheckpointAt::Size(size)).await?;
        heads.push(verifier.check_checkpoint(&checkpoint.note)?);
        if size % 13 != 0 && size > 9 {
            continue;
        }
        for sequence in 1..=size {
            let entry = LogEntry::Sequence(Sequence::new(sequence));
            let proof = book.ledger.prove_inclusion(entry, CheckpointAt::Size(size)).await?;
            let proven = verifier.check_inclusion(&proof.to_string())?;
            assert_eq!(proven.leaf, proof.leaf);
            let hash: Hash = Sha256::digest([&[0], &proven.leaf[..]].concat()).into();
            assert_eq!(hash, leaves[usize::try_from(proven.index)?]);
            let proof = book.ledger.prove_consistency(sequence, CheckpointAt::Size(size)).await?;
            let before = &heads[usize::try_from(sequence - 1)?];
            assert_eq!(verifier.check_consistency(before, &proof.to_string())?.root, root(&leaves));
        }
    }
    let future = book.ledger.prove_inclusion(LogEntry::Sequence(Sequence::new(9)), CheckpointAt::Size(8)).await;
    assert!(matches!(future, Err(LogError::NotIncluded { sequence: 9, size: 8 })));
    let unsigned = book.ledger.prove_consistency(1, CheckpointAt::Size(41)).await;
    assert!(matches!(unsigned, Err(LogError::NotSigned { asked: 41, newest: 40 })));
    assert_eq!(leaves.len(), 40);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_with_any_changed_byte_is_refused() -> Result {
    let book = LoggedBook::new().await?;
    book.book(11).await?;
    book.signed().await?;
    let verifier = book.verifier()?;
    let key = IdempotencyKey::generate();
    let unknown = book.ledger.prove_inclusion(LogEntry::Key(key), CheckpointAt::Newest).await;
    assert!(matches!(unknown, Err(LogError::UnknownEntry(unknown)) if unknown == key.uuid()));
    let entry = LogEntry::Sequence(Sequence::new(5));
    let proof = book.ledger.prove_inclusion(entry, CheckpointAt::Newest).await?.to_string();
    assert_eq!(verifier.check_inclusion(&proof)?.index, 4);
    for at in 0..proof.len() {
        let mut changed = proof.clone().into_bytes();
        changed[at] ^= 1;
        if let Ok(changed) = String::from_utf8(changed) {
            assert!(verifier.check_inclusion(&changed).is_err(), "byte {at} of\n{changed}");
        }
    }
    let other = LogVerifier::try_new(
        [LogSigner::try_new(ORIGIN, [signing_key(2)?.as_str()])?.verifier_keys()[0].as_str()],
        [],
    )?;
    assert!(matches!(other.check_inclusion(&proof), Err(LogError::Unproven(_))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_are_those_of_the_tree_and_lead_an_independent_reader_to_its_root() -> Result {
    let book = LoggedBook::new().await?;
    book.book(1_500).await?;
    let leaves = book.signed().await?;
    let tile = async |path: &str| book.ledger.log_tile(LogTile::parse(path)?).await;
    for full in 0..5 {
        let hashes = leaves[full * 256..][..256].concat();
        assert_eq!(tile(&format!("0/{full:03}")).await?, hashes);
    }
    assert_eq!(tile("0/005.p/220").await?, leaves[1_280..].concat());
    assert_eq!(tile("0/003.p/7").await?, leaves[768..775].concat());
    let roots: Vec<Hash> = leaves.as_chunks::<256>().0.iter().map(|tile| root(tile)).collect();
    assert_eq!(tile("1/000.p/5").await?, roots.concat());
    for unknown in ["0/005", "0/005.p/221", "1/000", "2/000.p/1", "entries/006.p/1"] {
        assert!(matches!(tile(unknown).await, Err(LogError::UnknownTile(_))), "{unknown}");
    }
    let mut bundle = tile("entries/005.p/220").await?;
    for leaf in &leaves[1_280..] {
        let rest = bundle.split_off(2);
        let length = usize::from(u16::from_be_bytes([bundle[0], bundle[1]]));
        let hash: Hash = Sha256::digest([&[0], &rest[..length]].concat()).into();
        assert_eq!(hash, *leaf);
        bundle = rest[length..].to_vec();
    }
    assert!(bundle.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_entry_is_never_signed() -> Result {
    let book = LoggedBook::new().await?;
    book.book(5).await?;
    book.signed().await?;
    book.book(1).await?;
    let mut owner = book.test.owner().await?;
    owner
        .batch_execute(
            "alter table ledger.entries disable trigger all;
            update ledger.entries set kind = 'other' where sequence = 2;
            alter table ledger.entries enable trigger all",
        )
        .await?;
    book.clock.advance(Duration::seconds(1));
    let refused = book.ledger.keep_log(&book.signer).await;
    assert!(matches!(refused, Err(LogError::Disagrees { size: 6, .. })), "{refused:?}");
    // Even with a head that was made to fit, what was signed before tells.
    book.forge_head().await?;
    let refused = book.ledger.keep_log(&book.signer).await;
    assert!(matches!(refused, Err(LogError::Disagrees { size: 6, .. })), "{refused:?}");
    assert_eq!(book.ledger.checkpoint(CheckpointAt::Newest).await?.size, 5);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_with_both_signing_for_a_while() -> Result {
    let mut book = LoggedBook::new().await?;
    let old = book.verifier()?;
    book.book(1).await?;
    book.signed().await?;
    let (first, second) = (signing_key(1)?, signing_key(2)?);
    book.signer = LogSigner::try_new(ORIGIN, [second.as_str(), first.as_str()])?;
    let new = book.verifier()?;
    book.book(1).await?;
    book.signed().await?;
    let both = book.ledger.checkpoint(CheckpointAt::Newest).await?.note;
    assert!(old.check_checkpoint(&both).is_ok() && new.check_checkpoint(&both).is_ok());
    assert!(book.ledger.log_keys().await?.iter().all(|key| key.signs_until.is_none()));
    book.signer = LogSigner::try_new(ORIGIN, [second.as_str()])?;
    book.book(1).await?;
    book.signed().await?;
    let only_new = book.ledger.checkpoint(CheckpointAt::Newest).await?;
    assert!(old.check_checkpoint(&only_new.note).is_err() && new.check_checkpoint(&only_new.note).is_ok());
    let keys = book.ledger.log_keys().await?;
    let until: Vec<_> = keys.iter().map(|key| key.signs_until).collect();
    assert_eq!(until, [None, Some(only_new.signed_at)]);
    assert_eq!(keys[0].verifier_key, book.signer.verifier_keys()[0]);
    assert!(LogSigner::try_new("other.example/book/1", [second.as_str()]).is_err(), "a key of another log");
    let renamed = LogSigner::signing_key("other.example/book/1", &[2; 32])?;
    book.book(1).await?;
    book.clock.advance(Duration::seconds(1));
    let renamed = book.ledger.keep_log(&LogSigner::try_new("other.example/book/1", [renamed.as_str()])?).await;
    assert!(matches!(renamed, Err(LogError::Disagrees { .. })), "{renamed:?}");
    assert!(!format!("{:?}", book.signer).contains("PRIVATE"));
    Ok(())
}

/// What a witness answers to a checkpoint: its signature line.
fn cosigned(key: &SigningKey, witness: &Witness, note: &str, time: i64) -> String {
    let text = note.split_once("\n\n").map(|(text, _)| format!("{text}\n")).unwrap_or_default();
    let signature = key.sign(format!("cosignature/v1\ntime {time}\n{text}").as_bytes());
    let signature = [&time.to_be_bytes()[..], &signature.to_bytes()].concat();
    let id = signed_note::Verifier::key_id(witness);
    let line = signed_note::Signature::new(witness.name().to_owned(), id, signature).expect("a name").to_bytes();
    String::from_utf8(line).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn witnesses_cosign_what_they_saw() -> Result {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let book = LoggedBook::new().await?;
    book.book(3).await?;
    book.signed().await?;
    let note = book.ledger.checkpoint(CheckpointAt::Newest).await?.note;
    let key = SigningKey::from_bytes(&[9; 32]);
    let public = [&[4], &key.verifying_key().to_bytes()[..]].concat();
    let id = signed_note::key_id("witness.example/w1", &public);
    let verifier_key = format!("witness.example/w1+{id:08x}+{}", BASE64_STANDARD.encode(&public));
    let witness = Witness::try_new(&verifier_key)?;
    assert_eq!(witness.verifier_key(), verifier_key);
    let time = book.clock.now().timestamp();
    let line = cosigned(&key, &witness, &note, time);
    let add = async |line: &str, witnesses: &[Witness]| book.ledger.add_cosignature(witnesses, 3, line).await;
    let known = std::slice::from_ref(&witness);
    assert!(matches!(add(&line, &[]).await, Err(LogError::Unproven(_))), "nobody is known");
    let of_another = cosigned(&key, &witness, &note.replacen('3', "4", 1), time);
    assert!(matches!(add(&of_another, known).await, Err(LogError::Unproven(_))), "another head");
    let tomorrow = cosigned(&key, &witness, &note, time + 86_400);
    assert!(matches!(add(&tomorrow, known).await, Err(LogError::Unproven(_))), "signed tomorrow");
    assert!(matches!(add("— not base64", known).await, Err(LogError::Malformed { .. })));
    let missing = book.ledger.add_cosignature(known, 2, &line).await;
    assert!(matches!(missing, Err(LogError::NotSigned { asked: 2, newest: 3 })));
    add(&line, known).await?;
    add(&line, known).await?;
    let with_witness = book.ledger.checkpoint(CheckpointAt::Newest).await?.note;
    assert_eq!(with_witness, format!("{note}{line}"));
    let strict = LogVerifier::try_new([book.signer.verifier_keys()[0].as_str()], [verifier_key.as_str()])?;
    assert_eq!(strict.check_checkpoint(&with_witness)?.signed_by, [ORIGIN, "witness.example/w1"]);
    assert!(strict.check_checkpoint(&note).is_err(), "the witness is asked for");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_erased_and_every_proof_stays() -> Result {
    let book = LoggedBook::new().await?;
    book.book(2).await?;
    let everything = crate::fixture::transfer(&book.ledger, BABACAR, AMINA, euro(200));
    book.ledger.post(UnitOfWork::new(IdempotencyKey::generate(), everything)).await?;
    book.signed().await?;
    let prove = async |sequence| {
        let entry = LogEntry::Sequence(Sequence::new(sequence));
        book.ledger.prove_inclusion(entry, CheckpointAt::Size(3)).await
    };
    let before = (prove(1).await?, prove(3).await?);
    assert!(book.ledger.erase(&account(BABACAR)).await?.is_empty(), "who holds money keeps the name");
    assert_eq!(book.ledger.erase(&account(AMINA)).await?.len(), 1);
    assert!(book.ledger.erase(&account(AMINA)).await?.is_empty(), "there is nothing left to erase");
    assert_eq!((prove(1).await?, prove(3).await?), before);
    let mut owner = book.test.owner().await?;
    owner
        .batch_execute(
            "do $$ begin
                assert not exists (select from ledger.accounts where code ~ 'amina');
                assert exists (
                    select from ledger.accounts
                    where code = 'liabilities:wallets:erased-' || account and salt is null
                );
            end $$",
        )
        .await?;
    book.book(1).await?;
    book.signed().await?;
    assert_eq!(book.ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_role_cannot_change_what_was_signed() -> Result {
    let book = LoggedBook::new().await?;
    book.book(300).await?;
    book.signed().await?;
    let mut connection = book.test.database()?.connection().await?;
    for statement in [
        "update ledger.log_tiles set root = hashes",
        "delete from ledger.log_checkpoints",
        "truncate ledger.log_cosignatures",
        "update ledger.log_keys set verifier_key = ''",
        "update ledger.accounts set code = 'assets:a', salt = null",
    ] {
        let error = connection.batch_execute(statement).await.expect_err(statement);
        assert!(error.to_string().contains("permission denied"), "{error}");
    }
    let mut owner = book.test.owner().await?;
    for statement in ["delete from ledger.log_tiles", "update ledger.log_checkpoints set note = ''"] {
        let error = owner.batch_execute(statement).await.expect_err(statement);
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    Ok(())
}
