//! Diesel's view of the tables, and what the server's role may do to them.

use std::collections::BTreeSet;

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use tests::Result;

use crate::village::Village;

/// The columns that diesel is told of: table, place, column and type.
fn declared() -> BTreeSet<(String, i32, String, String)> {
    let mut columns = BTreeSet::new();
    let (mut table, mut place) = (String::new(), 0);
    for line in include_str!("../../coinvestment/src/schema.rs").lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("coinvestment.") {
            table = rest.split(' ').next().unwrap_or_default().to_owned();
            place = 0;
        } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ")
            && !line.starts_with("diesel")
        {
            place += 1;
            columns.insert((table.clone(), place, column.to_owned(), kind.to_owned()));
        }
    }
    columns
}

#[derive(diesel::QueryableByName)]
struct Column {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table_name: String,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    place: i32,
    #[diesel(sql_type = diesel::sql_types::Text)]
    column_name: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    kind: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    nullable: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn diesels_view_is_the_migrated_database() -> Result {
    let village = Village::new().await?;
    let mut owner = village.test.owner().await?;
    let text = "select table_name::text, ordinal_position::int4 as place, column_name::text,
            udt_name::text as kind, is_nullable = 'YES' as nullable
        from information_schema.columns
        where table_schema = 'coinvestment'";
    let columns: Vec<Column> = diesel::sql_query(text).load(&mut owner).await?;
    let migrated: BTreeSet<_> = columns
        .into_iter()
        .map(|Column { table_name, place, column_name, kind, nullable }| {
            let (element, listed) = kind.strip_prefix('_').map_or((kind.as_str(), false), |element| (element, true));
            let mut name = element[..1].to_uppercase() + &element[1..];
            if listed {
                name = format!("Array<{name}>");
            }
            if nullable {
                name = format!("Nullable<{name}>");
            }
            (table_name, place, column_name, name)
        })
        .collect();
    assert!(!migrated.is_empty());
    assert_eq!(declared(), migrated);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_role_cannot_change_what_is_told_once() -> Result {
    let village = Village::new().await?;
    let database = village.test.database()?;
    let mut server = database.connection().await?;
    for statement in [
        "update coinvestment.project_history set state = 'funded'",
        "update coinvestment.approvals set party_kind = 'operator'",
        "update coinvestment.commitments set amount_minor = 1",
        "update coinvestment.commitments set contributor_id = project_id",
        "update coinvestment.projects set maximum_minor = 1",
        "update coinvestment.disbursements set amount_minor = 1",
        "delete from coinvestment.commitments",
        "delete from coinvestment.approvals",
    ] {
        let refused = server.batch_execute(statement).await;
        let told = refused.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains("permission denied"), "{statement}: {told}");
    }
    Ok(())
}
