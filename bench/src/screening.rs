//! Everybody against a list that changed: how fast it is loaded, how fast everybody is held against it, by how many
//! processes, and in what memory.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::fs::File;
use std::io::{BufWriter, Seek as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use clap::Args;
use onboarding::screening::{
    CaseFilter, EntryKind, Facts, Index, ListEntry, ListFormat, ListLoad, ListName, PartialDate, Removals, Score,
    Screening, Spellings, Subject, SubjectKind,
};
use platform::cipher::Cipher;
use platform::clock::Clock;
use uuid::Uuid;

use crate::quantity::{Grouped, nanoseconds};
use crate::server::{self, Base, Server};
use crate::{Result, machine, report};

const SPELLINGS: &str = include_str!("../../config/screening.toml");
/// The threshold that is shipped.
const THRESHOLD: u16 = 850;
/// Names of an entry: half of the entries have an alias.
const NAMES_OF_TWO_ENTRIES: u64 = 3;
/// People who are held against the list in one transaction, as the server does.
const SCREENED_AT_ONCE: i64 = 1_000;
/// People who are asked for in memory, to tell what the database adds.
const IN_MEMORY: u64 = 100_000;

const GIVEN: [&str; 24] = [
    "Mamadou",
    "Mohamed",
    "Fatou",
    "Ousmane",
    "Aminata",
    "Ibrahima",
    "Khadija",
    "Abdoulaye",
    "Mariama",
    "Cheikh",
    "Moussa",
    "Awa",
    "Seydou",
    "Aïssatou",
    "Boubacar",
    "Rachid",
    "Fatima",
    "Youssef",
    "Omar",
    "Salif",
    "Thierno",
    "Djibril",
    "Nafissatou",
    "Modibo",
];
const FAMILY: [&str; 24] = [
    "Diallo",
    "Traoré",
    "Ndiaye",
    "Coulibaly",
    "Keïta",
    "Diop",
    "Cissé",
    "Ouédraogo",
    "Camara",
    "Touré",
    "Sow",
    "Barry",
    "Konaté",
    "Sylla",
    "Fall",
    "Ba",
    "Sarr",
    "Diarra",
    "Alaoui",
    "Mansouri",
    "Benali",
    "Sissoko",
    "Kouyaté",
    "Gueye",
];
const SYLLABLES: [&str; 20] = [
    "ba", "ko", "ra", "san", "di", "mo", "tou", "ga", "li", "fo", "ndi", "ka", "wa", "mba", "zo", "ri", "sa", "gou",
    "ne", "to",
];

/// How many.
#[derive(Args, Clone, Debug)]
pub struct ScreeningOptions {
    /// A short look: 2,000 names against 20,000 people.
    #[arg(long, conflicts_with_all = ["names", "people"])]
    quick: bool,
    /// Names on the list.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..=2_000_000))]
    names: u64,
    /// People who are held against it.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    people: u64,
    /// Who does it at once, each as a process of the server would.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: u32,
    /// Where the bench's own PostgreSQL lives; the bench's database in it is made anew.
    #[arg(long)]
    data_directory: Option<PathBuf>,
    /// The directory of PostgreSQL's programs; looked for when not named.
    #[arg(long)]
    binaries: Option<PathBuf>,
}

impl ScreeningOptions {
    pub fn settled(self) -> Self {
        if self.quick { Self { names: 2_000, people: 20_000, ..self } } else { self }
    }
}

/// Measures and prints.
pub fn run(options: &ScreeningOptions) -> Result {
    let machine = machine::describe();
    let server = Server::start(options.data_directory.as_deref(), options.binaries.as_deref())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let measured = runtime.block_on(measure(&server, options, &machine));
    let dropped = runtime.block_on(server.drop_all());
    measured.and(dropped)
}

async fn measure(server: &Server, options: &ScreeningOptions, machine: &str) -> Result {
    server.renew(Base::First).await?;
    let client = server.connect().await?;
    println!("machine     {machine}\nPostgreSQL  {}", server::settings(&client).await?);
    in_memory(options)?;
    let cipher = Cipher::try_new(&Cipher::generate_key())?;
    let screening = || -> Result<Screening> {
        let spellings = Spellings::from_toml(SPELLINGS)?;
        Ok(Screening::new(
            server.database(Base::First)?,
            cipher.clone(),
            Clock::system(),
            spellings,
            Score::new(THRESHOLD),
        ))
    };
    let desk = screening()?;
    report::progress(&format!("entering {} people", Grouped(options.people)));
    let mut next = 0;
    while next < options.people {
        let until = options.people.min(next + 20_000);
        desk.enter_unscreened(&(next..until).map(person).collect::<Result<Vec<_>>>()?).await?;
        next = until;
    }
    client.batch_execute("vacuum analyze").await?;
    client.batch_execute("checkpoint").await?;
    let started = Instant::now();
    let (name, file) = (ListName::try_new("bench")?, list(options.names)?);
    let loaded = desk.load_list(&name, ListFormat::OpensanctionsCsv, file, Removals::AFew, None).await?;
    let ListLoad::Loaded(version) = loaded else { return Err("the list was there before".into()) };
    told("loaded", u64::try_from(version.entries)?, started.elapsed(), "entries");
    if let Err(error) = machine::forget_peak() {
        report::progress(&format!("the peak of memory includes the filling: {error}"));
    }
    let started = Instant::now();
    let mut processes = tokio::task::JoinSet::new();
    for _ in 0..options.processes {
        let process = screening()?;
        processes.spawn(async move {
            let mut screened = 0;
            loop {
                match process.screen_due(SCREENED_AT_ONCE).await? {
                    0 => return Ok::<usize, onboarding::Error>(screened),
                    part => screened += part,
                }
            }
        });
    }
    let mut screened = 0;
    while let Some(part) = processes.join_next().await {
        screened += u64::try_from(part??)?;
    }
    told("screened", screened, started.elapsed(), &format!("people, by {}", options.processes));
    println!("memory      {} MiB this process at most, all indexes included", machine::peak_kib() / 1_024);
    let cases = client.query_one("select count(*) from onboarding.screening_cases", &[]).await?.get::<_, i64>(0);
    println!("cases       {}", Grouped(u64::try_from(cases)?));
    let started = Instant::now();
    let page = desk.cases(&CaseFilter::default(), None, 100).await?;
    println!("a page      {} cases in {} ms", page.len(), started.elapsed().as_millis());
    if screened != options.people {
        return Err(format!("{} people were entered and {screened} screened", options.people).into());
    }
    Ok(())
}

/// What matching costs without a database.
fn in_memory(options: &ScreeningOptions) -> Result {
    let entries = (0_i64..).zip((0..entries(options.names)).map(entry)).collect();
    let started = Instant::now();
    let index = Index::new(entries, std::sync::Arc::new(Spellings::from_toml(SPELLINGS)?));
    told("indexed", index.len() as u64, started.elapsed(), "names");
    let mut matcher = index.matcher(Score::new(THRESHOLD));
    let people = IN_MEMORY.min(options.people);
    let people = (0..people).map(|number| Ok(person(number)?.facts)).collect::<Result<Vec<_>>>()?;
    let started = Instant::now();
    let hits: usize = people.iter().map(|facts| matcher.hits(facts).len()).sum();
    told(
        "matched",
        people.len() as u64,
        started.elapsed(),
        &format!("people in memory, by one, {} hits", Grouped(hits as u64)),
    );
    Ok(())
}

fn told(what: &str, count: u64, time: Duration, more: &str) {
    let rate = u128::from(count) * 1_000_000_000 / u128::from(nanoseconds(time).max(1));
    let rate = u64::try_from(rate).unwrap_or(u64::MAX);
    println!("{what:<12}{} in {} ms, {} a second, {more}", Grouped(count), time.as_millis(), Grouped(rate));
}

const fn entries(names: u64) -> u64 {
    names * 2 / NAMES_OF_TWO_ENTRIES
}

/// A number that looks like chance and is the same in every run.
const fn scattered(number: u64, salt: u64) -> usize {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 29)) >> 16) as usize
}

fn rare_name(number: u64, salt: u64) -> String {
    let syllable = |at: u64| SYLLABLES[scattered(number, salt + at) % SYLLABLES.len()];
    let name: String = (0..3).map(syllable).collect();
    name[..1].to_uppercase() + &name[1..]
}

/// A given name that many bear; of three people so many have a middle name, and a family name that few bear.
fn name(number: u64, salt: u64, rare_of_three: usize) -> String {
    let given = GIVEN[scattered(number, salt) % GIVEN.len()];
    let is_rare = |salt: u64| scattered(number, salt) % 3 < rare_of_three;
    let middle = is_rare(salt + 1).then(|| rare_name(number, salt + 10));
    let family = match is_rare(salt + 2) {
        true => rare_name(number, salt + 20),
        false => FAMILY[scattered(number, salt + 3) % FAMILY.len()].to_owned(),
    };
    [Some(given.to_owned()), middle, Some(family)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn birth_date(number: u64, salt: u64) -> Result<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(1945, 1, 1).ok_or("a date")?;
    Ok(first + chrono::Days::new((scattered(number, salt + 4) % 22_000) as u64))
}

fn person(number: u64) -> Result<Subject> {
    let facts = Facts {
        kind: SubjectKind::Person,
        name: name(number, 1_000, 1),
        birth_date: Some(birth_date(number, 1_000)?),
        country: Some("FR".to_owned()),
    };
    Ok(Subject::try_new(Uuid::now_v7(), Uuid::now_v7(), facts)?)
}

/// All but one of fifty have a birth date; of a quarter of these only the year is known.
fn entry(number: u64) -> ListEntry {
    let mut names = vec![name(number, 7_000, 2)];
    if number.is_multiple_of(2) {
        names.push(name(number, 8_000, 2));
    }
    let day = birth_date(number, 7_000).ok().filter(|_| !number.is_multiple_of(50));
    let year = |day: NaiveDate| PartialDate::year(chrono::Datelike::year(&day));
    let birth = day.map(|day| if number.is_multiple_of(4) { year(day) } else { PartialDate::day(day) });
    ListEntry {
        reference: format!("bench-{number}"),
        kind: EntryKind::Person,
        names,
        births: birth.into_iter().collect(),
        countries: vec!["ML".to_owned()],
    }
}

/// The list as a publisher would have it.
fn list(names: u64) -> Result<File> {
    let path = std::env::temp_dir().join(format!("teranga-bench-{}.csv", std::process::id()));
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    // The file is gone when nobody has it open any more.
    std::fs::remove_file(&path)?;
    let mut writer = BufWriter::new(file);
    writeln!(writer, "id,schema,name,aliases,birth_date,countries,last_change")?;
    for number in 0..entries(names) {
        let ListEntry { reference, names, births, .. } = entry(number);
        let birth = births.first().map(ToString::to_string).unwrap_or_default();
        let (first, others) = names.split_first().ok_or("a name")?;
        writeln!(writer, "{reference},Person,{first},{},{birth},ml,2026-01-12T00:00:00", others.join(";"))?;
    }
    let mut file = writer.into_inner()?;
    file.rewind()?;
    Ok(file)
}
