//! Lists by version, who is held against them, and what becomes of a case. Everybody on the lists is invented.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use onboarding::screening::{
    CaseFilter, CaseState, Facts, ListFormat, ListLoad, ListName, ListVersion, Removals, Score, Screening, Spellings,
    Subject, SubjectKind, Verdict,
};
use onboarding::{Access, Error, Operator};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::testing::TestDatabase;
use tests::Result;
use tokio::task::JoinSet;
use uuid::Uuid;

const UN: &str = include_str!("../../onboarding/tests/screening/un.xml");
const OPENSANCTIONS: &str = include_str!("../../onboarding/tests/screening/opensanctions.csv");
const SPELLINGS: &str = include_str!("../../config/screening.toml");

/// A database with screening on it.
struct Desk {
    test: TestDatabase,
    screening: Screening,
    cipher: Cipher,
    clock: Clock,
}

impl Desk {
    async fn new() -> Result<Self> {
        let test = TestDatabase::create().await?;
        let cipher = Cipher::try_new(&Cipher::generate_key())?;
        let clock = Clock::fixed("2026-03-02T09:00:00Z".parse()?);
        let screening = screening(&test, &cipher, &clock)?;
        Ok(Self { test, screening, cipher, clock })
    }

    async fn load(&self, list: &str, format: ListFormat, text: &str) -> Result<std::result::Result<ListLoad, Error>> {
        self.load_removing(Removals::AFew, list, format, text).await
    }

    async fn load_removing(
        &self,
        removals: Removals,
        list: &str,
        format: ListFormat,
        text: &str,
    ) -> Result<std::result::Result<ListLoad, Error>> {
        let mut file: File = tempfile::tempfile()?;
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        Ok(self.screening.load_list(&ListName::try_new(list)?, format, file, removals, None).await)
    }

    async fn loaded(&self, list: &str, format: ListFormat, text: &str) -> Result<ListVersion> {
        match self.load(list, format, text).await?? {
            ListLoad::Loaded(version) => Ok(version),
            ListLoad::Unchanged(version) => Err(format!("{version:?} was there").into()),
        }
    }

    async fn enter(&self, name: &str, born: Option<&str>) -> Result<Uuid> {
        let id = Uuid::now_v7();
        self.say(id, name, born).await?;
        Ok(id)
    }

    async fn say(&self, id: Uuid, name: &str, born: Option<&str>) -> Result {
        let birth_date = born.map(str::parse).transpose()?;
        let facts = Facts { kind: SubjectKind::Person, name: name.to_owned(), birth_date, country: None };
        Ok(self.screening.enter(&Subject::try_new(id, id, facts)?).await?)
    }

    async fn waits(&self, id: Uuid) -> Result<bool> {
        Ok(self.screening.waiting(&[id]).await?.contains(&id))
    }

    async fn cases(&self, state: CaseState) -> Result<Vec<onboarding::screening::Case>> {
        let filter = CaseFilter { state: Some(state), ..CaseFilter::default() };
        Ok(self.screening.cases(&filter, None, 100).await?)
    }

    /// Two members of staff.
    async fn operators(&self) -> Result<[Operator; 2]> {
        let access = Access::new(self.test.database()?, self.clock.clone());
        let mut operators = Vec::new();
        for name in ["Nafi", "Moussa"] {
            let mut credential = None;
            let keep = |issued: &onboarding::IssuedCredential| {
                credential = Some((issued.client_id, issued.secret.reveal().to_owned()));
                Ok(())
            };
            access.ensure_operator(name, keep).await?;
            let (client, secret) = credential.ok_or("nobody was made")?;
            operators.push(access.sign_in_operator(client, &secret.into()).await?);
            // The next one is made once nobody has a valid credential.
            let mut owner = self.test.owner().await?;
            let revoke = diesel::sql_query("update onboarding.credentials set revoked_at = now()");
            diesel_async::RunQueryDsl::execute(revoke, &mut owner).await?;
        }
        operators.try_into().map_err(|_| "two operators".into())
    }
}

fn screening(test: &TestDatabase, cipher: &Cipher, clock: &Clock) -> Result<Screening> {
    let spellings = Spellings::from_toml(SPELLINGS)?;
    Ok(Screening::new(test.database()?, cipher.clone(), clock.clone(), spellings, Score::new(850)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_loaded_by_version_and_the_same_file_changes_nothing() -> Result {
    let desk = Desk::new().await?;
    let first = desk.loaded("un", ListFormat::UnXml, UN).await?;
    assert_eq!((first.entries, first.added, first.changed, first.removed), (3, 3, 0, 0));
    assert_eq!(first.published_on.map(|date| date.to_string()).as_deref(), Some("2026-01-15"));
    assert_eq!(desk.load("un", ListFormat::UnXml, UN).await??, ListLoad::Unchanged(first.clone()));

    let changed = UN.replace("Qassim Tambadu", "Qassem Tambadou").replace("Yerima", "Yerimah");
    let without = changed.split_once("<ENTITIES>").ok_or("entities")?.0.to_owned() + "</CONSOLIDATED_LIST>";
    let ListLoad::Loaded(second) = desk.load_removing(Removals::UpTo(1), "un", ListFormat::UnXml, &without).await??
    else {
        return Err("it changes two and leaves one out".into());
    };
    assert_eq!((second.entries, second.added, second.changed, second.removed), (2, 0, 2, 1));
    assert!(second.version > first.version);
    // What stays as it is stays one entry, and what comes back is a new one.
    let third = desk.loaded("un", ListFormat::UnXml, UN).await?;
    assert_eq!((third.entries, third.added, third.changed, third.removed), (3, 1, 2, 0));
    let other = desk.loaded("opensanctions", ListFormat::OpensanctionsCsv, OPENSANCTIONS).await?;
    let versions = desk.screening.list_versions(None, 3).await?;
    assert_eq!(versions, [other, third, second]);
    assert_eq!(desk.screening.list_versions(Some(versions[2].version), 3).await?, [first]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_file_is_refused_whole() -> Result {
    let desk = Desk::new().await?;
    let first = desk.loaded("un", ListFormat::UnXml, UN).await?;
    let faulty = UN.replace("KASSOUM", "QASSOUM").replace("1968", "long ago");
    let refused = desk.load("un", ListFormat::UnXml, &faulty).await?.expect_err("it is faulty");
    assert!(refused.to_string().contains("YEAR"), "{refused}");
    assert_eq!(desk.load("un", ListFormat::UnXml, UN).await??, ListLoad::Unchanged(first));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_cut_off_takes_nobody_off_the_list() -> Result {
    let desk = Desk::new().await?;
    let file = |names: usize| {
        let lines = (0..names)
            .map(|number| format!("invented-{number},Person,Kassoum Tambadou {number},,,,2026-01-12T06:00:00\n"));
        "id,schema,name,aliases,birth_date,countries,last_change\n".to_owned() + &lines.collect::<String>()
    };
    let load =
        async |removals, names| desk.load_removing(removals, "many", ListFormat::OpensanctionsCsv, &file(names)).await;
    let whole = desk.loaded("many", ListFormat::OpensanctionsCsv, &file(30)).await?;
    for (removals, names) in [(Removals::AFew, 26), (Removals::AFew, 1), (Removals::UpTo(28), 1)] {
        let refused = load(removals, names).await?;
        assert!(matches!(refused, Err(Error::ListShrinks { removed, known: 30 }) if removed == 30 - names));
    }
    assert_eq!(desk.screening.list_versions(None, 10).await?, [whole], "nothing of them was taken");
    let ListLoad::Loaded(fewer) = load(Removals::AFew, 27).await?? else { return Err("it leaves three out".into()) };
    assert_eq!((fewer.entries, fewer.removed), (27, 3));
    let ListLoad::Loaded(one) = load(Removals::UpTo(26), 1).await?? else { return Err("it leaves 26 out".into()) };
    assert_eq!((one.entries, one.removed), (1, 26));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_held_against_the_lists_on_entry_and_waits() -> Result {
    let desk = Desk::new().await?;
    let before = desk.enter("Cassoum Tambadou", Some("1971-04-23")).await?;
    assert!(!desk.waits(before).await?, "no list, no case");
    desk.loaded("un", ListFormat::UnXml, UN).await?;
    let found = desk.enter("TAMBADOU Qassim", Some("1971-04-23")).await?;
    let other = desk.enter("Awa Ndiaye", Some("1990-04-02")).await?;
    let younger = desk.enter("Kassoum Tambadou", Some("1999-01-01")).await?;
    assert!(desk.waits(found).await?);
    assert!(!desk.waits(other).await? && !desk.waits(younger).await?);
    assert!(!desk.waits(Uuid::now_v7()).await?, "whom screening does not know");
    // Who was there before the list is held against it, too.
    assert_eq!(desk.screening.screen_due(100).await?, 1);
    assert_eq!(desk.screening.screen_due(100).await?, 0);
    assert!(desk.waits(before).await?);

    let cases = desk.cases(CaseState::Open).await?;
    assert_eq!(cases.len(), 2);
    let case = cases.iter().find(|case| case.subject.id == found).ok_or("a case")?;
    assert_eq!(case.subject.name.as_deref(), Some("TAMBADOU Qassim"));
    assert_eq!((case.entry.reference.as_str(), case.entry.is_current), ("9100001", true));
    let reasons: Vec<String> = case.reasons.iter().map(ToString::to_string).collect();
    assert!(reasons.contains(&"the birth dates are the same".to_owned()), "{reasons:?}");
    assert!(case.score >= Score::new(850));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_pair_is_not_opened_again_and_another_one_is() -> Result {
    let desk = Desk::new().await?;
    desk.loaded("un", ListFormat::UnXml, UN).await?;
    let [nafi, _] = desk.operators().await?;
    let person = desk.enter("Kassoum Tambadou", Some("1971-04-23")).await?;
    let case = desk.cases(CaseState::Open).await?.remove(0);
    let cleared = desk.screening.decide(&nafi, case.id, Verdict::Clear, "another birth place").await?;
    assert_eq!(cleared.state, CaseState::Cleared);
    assert!(!desk.waits(person).await?);

    // Another list, or another address on this one, changes nothing of the pair.
    desk.loaded("opensanctions", ListFormat::OpensanctionsCsv, OPENSANCTIONS).await?;
    desk.loaded("un", ListFormat::UnXml, &UN.replace("no such person", "nobody")).await?;
    assert_eq!(desk.screening.screen_due(100).await?, 1);
    desk.say(person, "Kassoum Tambadou", Some("1971-04-23")).await?;
    assert!(!desk.waits(person).await?);

    // Another version of the entry, or another name of the person, is another pair.
    desk.loaded("un", ListFormat::UnXml, &UN.replace("Qassim", "Kassim")).await?;
    assert_eq!(desk.screening.screen_due(100).await?, 1);
    assert!(desk.waits(person).await?);
    let again = desk.cases(CaseState::Open).await?.remove(0);
    desk.screening.decide(&nafi, again.id, Verdict::Clear, "the same as before").await?;
    desk.say(person, "Qassim Tambadu", Some("1971-04-23")).await?;
    assert!(desk.waits(person).await?);
    // Nobody gets away by another name while a case is open.
    desk.say(person, "Awa Ndiaye", Some("1971-04-23")).await?;
    assert!(desk.waits(person).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_confirm_and_the_history_says_who_and_why() -> Result {
    let desk = Desk::new().await?;
    desk.loaded("un", ListFormat::UnXml, UN).await?;
    let [nafi, moussa] = desk.operators().await?;
    let person = desk.enter("Yerima Zakaryaou", None).await?;
    let id = desk.cases(CaseState::Open).await?.remove(0).id;
    let confirm = async |by: &Operator, reason: &str| desk.screening.decide(by, id, Verdict::Confirm, reason).await;
    assert_eq!(confirm(&nafi, "the passport says so").await?.state, CaseState::Open);
    assert_eq!(confirm(&nafi, "I am sure").await?.state, CaseState::Open, "one operator is one");
    let confirmed = confirm(&moussa, "seen it, too").await?;
    assert_eq!((confirmed.state, confirmed.first_confirmed_by), (CaseState::Confirmed, Some(nafi.id())));
    assert!(desk.waits(person).await?, "who is on a list waits on");
    let clear = desk.screening.decide(&nafi, id, Verdict::Clear, "no").await;
    assert!(matches!(clear, Err(Error::WrongState { .. })));
    assert!(matches!(confirm(&nafi, " ").await, Err(Error::Text { field: "reason", .. })));
    let (_, past) = desk.screening.case(id).await?;
    let told: Vec<_> = past.iter().map(|past| (past.event.word(), past.operator, past.reason.as_deref())).collect();
    let expected = [
        ("opened", None, None),
        ("confirmed-first", Some(nafi.id()), Some("the passport says so")),
        ("confirmed", Some(moussa.id()), Some("seen it, too")),
    ];
    assert_eq!(told, expected);
    Ok(())
}

/// A list changes, and reading it takes long: whoever waits for that must not keep the others from the database.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_list_with_a_connection_in_hand() -> Result {
    let desk = Desk::new().await?;
    desk.loaded("un", ListFormat::UnXml, UN).await?;
    let mut owner = desk.test.owner().await?;
    owner.batch_execute("begin; lock table onboarding.screening_entries in access exclusive mode").await?;
    let desk = Arc::new(desk);
    let mut people = JoinSet::new();
    for _ in 0..40 {
        let desk = Arc::clone(&desk);
        people.spawn(async move { desk.enter("Awa Ndiaye", None).await.map_err(|error| error.to_string()) });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = tokio::time::timeout(Duration::from_secs(3), desk.waits(Uuid::now_v7())).await;
    assert!(!asked.map_err(|_| "somebody holds all connections")??);
    owner.batch_execute("commit").await?;
    while let Some(entered) = people.join_next().await {
        entered??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_screen_everybody_once() -> Result {
    let desk = Desk::new().await?;
    for number in 0..60 {
        let name = if number % 10 == 0 { "Kassoum Tambadou" } else { "Awa Ndiaye" };
        desk.enter(name, None).await?;
    }
    desk.loaded("un", ListFormat::UnXml, UN).await?;
    let mut processes = JoinSet::new();
    for _ in 0..4 {
        let process = screening(&desk.test, &desk.cipher, &desk.clock)?;
        processes.spawn(async move {
            let mut screened = 0;
            loop {
                match process.screen_due(7).await {
                    Ok(0) => return Ok(screened),
                    Ok(part) => screened += part,
                    Err(error) => return Err(error),
                }
            }
        });
    }
    let mut screened = 0;
    while let Some(part) = processes.join_next().await {
        screened += part??;
    }
    assert_eq!(screened, 60);
    assert_eq!(desk.cases(CaseState::Open).await?.len(), 6);
    Ok(())
}
