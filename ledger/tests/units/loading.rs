//! An opening cap table from a file, with what was paid and when.

use ledger::{AsOf, LoadFile, LoadFormat, LoadMode, LoadOutcome, LoadProgress, LoadSource, LoadWitness, RefusedLine};

use super::{AMINA, BABACAR, Issued, named};
use crate::fixture::{LedgerFixture, Result};

const ROWS: &str = "\
reference,kind,effective_date,account,debit,credit,currency,unit,cost,cost_currency,acquired_on
cap-1,opening-cap-table,2025-12-31,assets:units-issued:solar,100,,,unit:solar-1,,,
cap-1,,,liabilities:holdings:amina,,50,,unit:solar-1,500.00,EUR,2024-05-01
cap-1,,,liabilities:holdings:amina,,10,,unit:solar-1,327980,XOF,2025-02-03
cap-1,,,liabilities:holdings:babacar,,40,,unit:solar-1,,,
cap-2,transfer,2025-12-31,liabilities:holdings:babacar,41,,,unit:solar-1,,,
cap-2,,,liabilities:holdings:amina,,41,,unit:solar-1,,,
cap-3,transfer,2025-12-31,liabilities:holdings:babacar,1,,,unit:lunar-1,,,
cap-3,,,liabilities:holdings:amina,,1,,unit:lunar-1,,,
cap-4,transfer,2025-12-31,liabilities:holdings:babacar,1,,EUR,unit:solar-1,,,
cap-4,,,liabilities:holdings:amina,,1,,unit:solar-1,,,
cap-5,transfer,2025-12-31,liabilities:holdings:babacar,1,,,unit:solar-1,5.00,EUR,
cap-5,,,liabilities:holdings:amina,,1,,unit:solar-1,,,
cap-6,transfer,2025-12-31,liabilities:wallets:babacar,1,,,unit:solar-1,,,
cap-6,,,liabilities:wallets:amina,,1,,unit:solar-1,,,
cap-7,transfer,2025-12-31,liabilities:holdings:babacar,1,,,unit:solar-1,,,
cap-7,,,liabilities:holdings:amina,,1,,unit:solar-1,5.00,EUR,
";

#[derive(Default)]
struct Refused(Vec<(Option<String>, &'static str)>);

impl LoadWitness for Refused {
    fn reached(&mut self, _progress: LoadProgress) {}

    fn refused(&mut self, line: &RefusedLine) -> std::io::Result<()> {
        self.0.push((line.reference.clone(), line.reason));
        Ok(())
    }
}

async fn load(issued: &Issued, format: LoadFormat, mode: LoadMode, text: &str) -> Result<(LoadOutcome, Refused)> {
    let path = std::env::temp_dir().join(format!("teranga-units-{}-{}", std::process::id(), uuid::Uuid::now_v7()));
    std::fs::write(&path, text)?;
    let file = LoadFile { path: path.clone(), format, source: LoadSource::try_new("old register")?, mode };
    let mut refused = Refused::default();
    let report = issued.ledger().load(&file, &mut refused).await;
    std::fs::remove_file(path)?;
    Ok((report?.outcome, refused))
}

async fn registered() -> Result<Issued> {
    let fixture = LedgerFixture::new().await?;
    let (unit, _) = fixture.ledger.register_unit(super::solar()?).await?;
    Ok(Issued { fixture, unit })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_cap_table_is_loaded_with_its_lots_and_what_is_wrong_is_named() -> Result {
    let issued = registered().await?;
    let faults = [("cap-2", "below-floor"), ("cap-3", "unit"), ("cap-4", "currency"), ("cap-5", "cost")];
    let faults = faults.into_iter().chain([("cap-6", "wrong-commodity"), ("cap-7", "entry")]);
    let faults: Vec<_> = faults.map(|(reference, reason)| (Some(reference.to_owned()), reason)).collect();
    let (outcome, refused) = load(&issued, LoadFormat::Csv, LoadMode::AllOrNothing, ROWS).await?;
    assert_eq!((outcome, &refused.0), (LoadOutcome::NothingBooked, &faults));
    let (_, refused) = load(&issued, LoadFormat::Csv, LoadMode::EntryByEntry, ROWS).await?;
    assert_eq!(refused.0, faults);
    assert_eq!(issued.held(AMINA).await?, [named("1-1", 50, 50_000), named("1-2", 10, 327_980)]);
    assert_eq!(issued.held(BABACAR).await?, [named("1-3", 40, None)]);
    let lots = issued.ledger().lots(&crate::fixture::account(AMINA), issued.unit, AsOf::Now, None, 10).await?;
    assert_eq!(lots[0].acquired_on.to_string(), "2024-05-01");
    issued.is_whole().await
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_json_say_the_same() -> Result {
    let issued = registered().await?;
    let line = r#"{"reference":"cap-1","kind":"opening-cap-table","effective_date":"2025-12-31","postings":[
        {"account":"assets:units-issued:solar","debit":"7","unit":"unit:solar-1"},
        {"account":"liabilities:holdings:amina","credit":"7","unit":"unit:solar-1","cost":"70.00","cost_currency":"EUR"}]}"#;
    let line = line.replace('\n', " ");
    let (outcome, refused) = load(&issued, LoadFormat::JsonLines, LoadMode::AllOrNothing, &line).await?;
    assert_eq!((outcome, refused.0.len()), (LoadOutcome::Complete, 0));
    assert_eq!(issued.held(AMINA).await?, [named("1-1", 7, 7_000)]);
    issued.is_whole().await
}
