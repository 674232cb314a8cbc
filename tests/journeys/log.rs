//! The transparency log over HTTP: anybody reads its head, witnesses sign it, an auditor has an entry proven, and the
//! proofs are checked with nothing but the public key.

use base64::prelude::{BASE64_STANDARD, Engine};
use chrono::Duration;
use ed25519_dalek::{Signer, SigningKey};
use ledger::{LogVerifier, Witness};
use tests::Result;
use tests::server::{NewQuote, TestServer};

const WITNESS: &str = "witness.example/w1";

/// A witness's public key, as the configuration names it.
fn verifier_key(key: &SigningKey) -> String {
    let public = [&[4], &key.verifying_key().to_bytes()[..]].concat();
    let id = signed_note::key_id(WITNESS, &public);
    format!("{WITNESS}+{id:08x}+{}", BASE64_STANDARD.encode(public))
}

/// The line by which a witness signs a checkpoint.
fn cosigned(key: &SigningKey, note: &str, time: i64) -> Result<String> {
    let (text, _) = note.split_once("\n\n").ok_or("no note")?;
    let signature = key.sign(format!("cosignature/v1\ntime {time}\n{text}\n").as_bytes());
    let signature = [&time.to_be_bytes()[..], &signature.to_bytes()].concat();
    let id = signed_note::Verifier::key_id(&Witness::try_new(&verifier_key(key))?);
    Ok(String::from_utf8(signed_note::Signature::new(WITNESS.to_owned(), id, signature)?.to_bytes())?)
}

/// The newest checkpoint, as soon as the worker has signed one over so many entries.
async fn signed(server: &TestServer, size: i64) -> Result<String> {
    server
        .eventually("a checkpoint", async || {
            server.clock.advance(Duration::milliseconds(100));
            let answer = server.anybody().get("/public/log/1/checkpoint").send().await?;
            Ok((answer.text.lines().nth(1) == Some(&size.to_string())).then_some(answer.text))
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_sees_the_head_and_an_auditor_has_a_payment_proven() -> Result {
    let server = TestServer::start().await?;
    let anybody = server.anybody();
    anybody.get("/public/log/1/checkpoint").send().await?.problem(404, "not-found");
    anybody.get("/public/log/2/checkpoint").send().await?.faulty("book", "unknown-book");
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    let early_size = server.head().await?;
    let early_note = signed(&server, early_size).await?;
    let keys = anybody.get("/public/log/1/keys").send().await?.expect(200);
    assert_eq!(keys["origin"], "teranga.example/book/1");
    let verifier = LogVerifier::try_new([keys["keys"][0]["verifier_key"].as_str().unwrap_or_default()], [])?;
    let early = verifier.check_checkpoint(&early_note)?;

    awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    let size = server.head().await?;
    let note = signed(&server, size).await?;
    let auditor = staff.auditor(10).await?.caller;
    let proof = auditor.get("/audit/log/1/proofs/inclusion?sequence=1").send().await?.expect(200);
    let proven = verifier.check_inclusion(proof["proof"].as_str().unwrap_or_default())?;
    assert_eq!((proven.index, i64::try_from(proven.head.size)), (0, Ok(size)));
    let path = format!("/audit/log/1/proofs/consistency?from={early_size}");
    let proof = auditor.get(&path).send().await?.expect(200);
    let after = verifier.check_consistency(&early, proof["proof"].as_str().unwrap_or_default())?;
    assert_eq!(after.root, verifier.check_checkpoint(&note)?.root);
    auditor.get("/audit/log/1/proofs/inclusion").send().await?.faulty("sequence", "one-of-two");
    auditor.get("/audit/log/1/proofs/inclusion?sequence=99999").send().await?.problem(404, "not-found");

    let tile = anybody.get(&format!("/public/log/1/tile/0/000.p/{size}")).send().await?;
    assert_eq!((tile.status, tile.header("Content-Length")), (200, (32 * size).to_string().as_str()));
    assert!(tile.header("Cache-Control").contains("immutable"));
    anybody.get(&format!("/public/log/1/tile/0/000.p/{}", size + 1)).send().await?.problem(404, "not-found");
    anybody.get("/public/log/1/tile/entries/000.p/1").send().await?.problem(404, "not-found");
    assert_eq!(auditor.get("/audit/log/1/tile/entries/000.p/1").send().await?.status, 200);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_witness_signs_a_checkpoint_and_everybody_sees_it() -> Result {
    let witness = SigningKey::from_bytes(&[5; 32]);
    let witness_key = verifier_key(&witness);
    let server = TestServer::start_with(&format!("transparency_log.witnesses = [{witness_key:?}]")).await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    let size = server.head().await?;
    let note = signed(&server, size).await?;
    let anybody = server.anybody();
    let keys = anybody.get("/public/log/1/keys").send().await?.expect(200);
    assert_eq!(keys["witnesses"][0], witness_key);

    let path = format!("/public/log/1/checkpoints/{size}/cosignatures");
    let line = cosigned(&witness, &note, server.clock.now().timestamp())?;
    let other = cosigned(&SigningKey::from_bytes(&[6; 32]), &note, server.clock.now().timestamp())?;
    anybody.post(&path).body("text/plain", line.clone()).send().await?.expect(204);
    anybody.post(&path).body("text/plain", other).send().await?.problem(422, "invalid-request");
    anybody.post(&path).body("application/json", "{}").send().await?.problem(415, "unsupported-media-type");
    let witnessed = anybody.get(&format!("/public/log/1/checkpoints/{size}")).send().await?.text;
    assert_eq!(witnessed, format!("{note}{line}"));
    let log_key = keys["keys"][0]["verifier_key"].as_str().unwrap_or_default();
    let head = LogVerifier::try_new([log_key], [witness_key.as_str()])?.check_checkpoint(&witnessed)?;
    assert_eq!(head.signed_by, ["teranga.example/book/1", WITNESS]);
    server.stop().await
}
