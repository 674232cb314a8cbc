//! The walls of the house: who imports whom, how large things grow, and that what is written twice agrees.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use diesel_async::RunQueryDsl;
use platform::testing::TestDatabase;
use tests::Result;

/// The rooms, and what of ours each may import.
const ROOMS: [(&str, &[&str]); 6] = [
    ("platform", &[]),
    ("ledger", &["platform"]),
    ("onboarding", &["platform", "ledger"]),
    ("remittance", &["platform", "ledger"]),
    ("coinvestment", &["platform", "ledger"]),
    ("api", &["platform", "ledger", "onboarding", "remittance", "coinvestment"]),
];
/// What stands beside the house and may import all of it.
const OUTSIDE: [&str; 2] = ["bench", "tests"];
/// What only the surfaces may stand on.
const HTTP: [&str; 3] = ["actix-web", "reqwest", "utoipa"];
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"];
/// Lines that a file has at most.
const LONGEST_FILE: usize = 400;
/// Where binary floating point is at home: times and figures for Prometheus, never money.
const FLOATS_MAY_BE_IN: [&str; 1] = ["api/src/metrics.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}").into())
}

/// All files with this ending under a folder, named from the top of the house.
fn files(folder: &str, ending: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder))? {
            let entry = entry?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push(name);
            } else if name.ends_with(ending) {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn all_sources() -> Result<Vec<String>> {
    let members = ROOMS.iter().map(|(room, _)| *room).chain(OUTSIDE);
    let lists = members.map(|member| files(member, ".rs")).collect::<Result<Vec<_>>>()?;
    Ok(lists.concat())
}

fn dependencies(member: &str) -> Result<BTreeSet<String>> {
    let manifest: toml::Table = read(&format!("{member}/Cargo.toml"))?.parse()?;
    let names = manifest.get("dependencies").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
    Ok(names.cloned().collect())
}

#[test]
fn imports_run_one_way_down_the_table_of_rooms() -> Result {
    let workspace: toml::Table = read("Cargo.toml")?.parse()?;
    let members: BTreeSet<&str> =
        workspace["workspace"]["members"].as_array().into_iter().flatten().filter_map(toml::Value::as_str).collect();
    let known: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).chain(OUTSIDE).collect();
    assert_eq!(members, known, "a new room has its line in the table");
    for (room, may_import) in ROOMS {
        for dependency in dependencies(room)? {
            let ours = known.contains(dependency.as_str());
            assert!(!ours || may_import.contains(&dependency.as_str()), "{room} imports {dependency}");
            let http = HTTP.contains(&dependency.as_str());
            assert!(!http || room == "api", "{room} stands on {dependency}: HTTP is the surfaces'");
        }
    }
    Ok(())
}

/// A room's tables are its own: the statements of another one do not name them.
#[test]
fn no_room_touches_the_tables_of_another() -> Result {
    for (room, _) in ROOMS {
        for file in files(&format!("{room}/src"), ".rs")? {
            let text = read(&file)?;
            let words: Vec<&str> = text.split_whitespace().collect();
            for pair in words.windows(2) {
                let names_a_table = matches!(pair[0].trim_start_matches('"'), "from" | "join" | "into" | "update");
                let schema = pair[1].split_once('.').map_or("", |(schema, _)| schema);
                let foreign = ROOMS.iter().any(|(other, _)| *other == schema && *other != room);
                assert!(!(names_a_table && foreign), "{file}: {} {}", pair[0], pair[1]);
            }
            for (other, _) in ROOMS.iter().filter(|(other, _)| *other != room) {
                assert!(!text.contains(&format!("{other}::schema")), "{file} uses the tables of {other}");
            }
        }
    }
    Ok(())
}

#[test]
fn files_stay_readable_and_names_say_what_is_inside() -> Result {
    for file in all_sources()? {
        let lines = read(&file)?.lines().count();
        assert!(lines <= LONGEST_FILE, "{file} has {lines} lines");
        for part in file.trim_end_matches(".rs").split('/') {
            assert!(!EMPTY_NAMES.contains(&part), "{file}: {part} says nothing");
            assert_ne!(part, "mod", "{file}: a module's file has the module's name");
        }
    }
    Ok(())
}

#[test]
fn no_binary_floating_point_is_near_money() -> Result {
    for (room, _) in ROOMS {
        for file in files(&format!("{room}/src"), ".rs")? {
            if FLOATS_MAY_BE_IN.contains(&file.as_str()) {
                continue;
            }
            let text = read(&file)?;
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            let float = words.find(|word| matches!(*word, "f32" | "f64" | "as_secs_f32" | "as_secs_f64"));
            assert_eq!(float, None, "{file}");
        }
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

async fn lines(test: &TestDatabase, text: &str) -> Result<Vec<String>> {
    let mut owner = test.owner().await?;
    let lines: Vec<Line> = diesel::sql_query(text).load(&mut owner).await?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}

fn schemas() -> String {
    ROOMS.iter().map(|(room, _)| format!("'{room}'")).collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_keeps_what_is_referred_to_and_names_every_currency() -> Result {
    let test = TestDatabase::create().await?;
    let keys = lines(&test, "select count(*)::text as line from pg_constraint where contype = 'f'").await?;
    assert_ne!(keys, ["0"], "there are foreign keys to look at");
    // 'a' is no action: what is referred to can be neither deleted nor emptied under those who refer to it.
    let cascading = "select conrelid::regclass || ' ' || conname as line
        from pg_constraint
        where contype = 'f'
          and (confdeltype <> 'a' or confupdtype <> 'a')";
    assert!(lines(&test, cascading).await?.is_empty());
    // Rates and base_minor aside, an amount means nothing without its currency. base_minor is counted in the one base
    // currency of config/corridors.toml, in tables that name the currencies of their other amounts.
    let schemas = schemas();
    let homeless = format!(
        "select m.table_schema || '.' || m.table_name || '.' || m.column_name as line
        from information_schema.columns m
        where m.table_schema in ({schemas})
          and m.column_name like '%\\_minor'
          and not exists (
              select 1
              from information_schema.columns c
              where (c.table_schema, c.table_name) = (m.table_schema, m.table_name)
                and (c.column_name like '%currency' or c.column_name = 'commodity')
          )"
    );
    assert_eq!(lines(&test, &homeless).await?, Vec::<String>::new());
    let inexact = format!(
        "select table_schema || '.' || table_name || '.' || column_name as line
        from information_schema.columns
        where table_schema in ({schemas})
          and (udt_name in ('float4', 'float8', 'money')
              or column_name like '%\\_minor' and udt_name <> 'int8')"
    );
    assert_eq!(lines(&test, &inexact).await?, Vec::<String>::new());
    Ok(())
}

/// Columns in order, each with its type, by table.
type Tables = BTreeMap<String, Vec<String>>;

/// What diesel is told: every `diesel::table!` of a room.
fn declared(room: &str) -> Result<Tables> {
    let mut tables = Tables::new();
    let mut table = String::new();
    let mut text = read(&format!("{room}/src/schema.rs"))?;
    let parts = files(&format!("{room}/src"), ".rs")?;
    for part in parts.iter().filter(|file| file.starts_with(&format!("{room}/src/schema/"))) {
        text += &read(part)?;
    }
    for line in text.lines() {
        let line = line.trim().trim_end_matches(',');
        if line.starts_with(&format!("{room}.")) && line.ends_with('{') {
            table = line.split(' ').next().unwrap_or_default().to_owned();
            tables.insert(table.clone(), Vec::new());
        } else if line == "}" {
            table.clear();
        } else if let (Some((column, kind)), Some(columns)) = (line.split_once(" -> "), tables.get_mut(&table)) {
            columns.push(format!("{column} {kind}"));
        }
    }
    Ok(tables)
}

/// What there is, in diesel's words.
async fn migrated(test: &TestDatabase, room: &str) -> Result<Tables> {
    let text = format!(
        "select c.table_schema || '.' || c.table_name || ' ' || c.column_name || ' ' || c.udt_name || ' ' || c.is_nullable
            as line
        from information_schema.columns c
        join information_schema.tables t using (table_schema, table_name)
        where c.table_schema = '{room}'
          and t.table_type = 'BASE TABLE'
        order by c.table_name, c.ordinal_position"
    );
    let mut tables = Tables::new();
    for line in lines(test, &text).await? {
        let [table, column, kind, nullable] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err(format!("{line} has another form").into());
        };
        let (element, is_list) = kind.strip_prefix('_').map_or((kind, false), |element| (element, true));
        let mut kind = element[..1].to_uppercase() + &element[1..];
        if is_list {
            kind = format!("Array<{kind}>");
        }
        if nullable == "YES" {
            kind = format!("Nullable<{kind}>");
        }
        tables.entry(table.to_owned()).or_default().push(format!("{column} {kind}"));
    }
    Ok(tables)
}

#[tokio::test(flavor = "multi_thread")]
async fn diesels_view_is_the_migrated_database() -> Result {
    let test = TestDatabase::create().await?;
    for (room, _) in ROOMS {
        let (declared, migrated) = (declared(room)?, migrated(&test, room).await?);
        assert!(!declared.is_empty(), "{room} has tables");
        assert_eq!(declared, migrated, "{room}/src/schema.rs");
    }
    Ok(())
}

/// `UPDATE_OPENAPI=1` writes the documents anew; the difference is then to be read before it is kept.
#[test]
fn the_documents_of_the_surfaces_are_those_in_the_repository() -> Result {
    let documents = api::server::openapi_documents()?;
    let names: Vec<&str> = documents.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["mobile", "partner", "audit", "operator", "public"]);
    for (name, text) in documents {
        let version = serde_json::from_str::<serde_json::Value>(&text)?["openapi"].clone();
        assert!(version.as_str().is_some_and(|version| version.starts_with("3.1.")), "{name} is OpenAPI {version}");
        let path = format!("docs/openapi/{name}.json");
        let text = text + "\n";
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::create_dir_all(root().join("docs/openapi"))?;
            std::fs::write(root().join(&path), text)?;
        } else {
            assert!(read(&path)? == text, "{path} is not what the handlers say; see UPDATE_OPENAPI in this test");
        }
    }
    Ok(())
}
