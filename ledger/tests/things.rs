//! Things of which there is one each, taken by entries; and a change of state that the database cannot carry out.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{Integer, SmallInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use ledger::{BookId, Effect, EffectKind};
use serde_json::json;
use uuid::Uuid;

use crate::fixture::Result;

static TAKEN: EffectKind = EffectKind {
    name: "thing-taken",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->'payload'->>'book')::int2 as book,
                (r->'payload'->>'thing')::int4 as thing
            from jsonb_array_elements($1::jsonb) r
        )
        update things.things t
        set entry = input.entry
        from input
        where t.book = input.book
          and t.thing = input.thing
          and t.entry is null
        returning input.unit",
};

static IMPOSSIBLE: EffectKind =
    EffectKind { name: "impossible", statement: "select 1 / 0 as unit from jsonb_array_elements($1::jsonb)" };

/// Takes a thing.
pub fn take(book: BookId, thing: i32) -> Result<Effect> {
    Ok(Effect::try_new(&TAKEN, &json!({ "book": book.number(), "thing": thing }))?)
}

/// What cannot be done.
pub fn poison() -> Result<Effect> {
    Ok(Effect::try_new(&IMPOSSIBLE, &json!({}))?)
}

/// Puts things there for two books.
pub async fn lay_out(owner: &mut AsyncPgConnection, count: i32) -> Result {
    let text = format!(
        "create schema things;
         create table things.things (book int2, thing int4, entry uuid, primary key (book, thing));
         insert into things.things (book, thing)
         select book, thing from generate_series(1, 2) book, generate_series(1, {count}) thing;
         grant usage on schema things to teranga_server;
         grant select, update on things.things to teranga_server;"
    );
    Ok(owner.batch_execute(&text).await?)
}

/// What was taken of a book's things, and by which entries.
pub async fn taken(owner: &mut AsyncPgConnection, book: BookId) -> Result<BTreeMap<i32, Uuid>> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = Integer)]
        thing: i32,
        #[diesel(sql_type = SqlUuid)]
        entry: Uuid,
    }
    const TEXT: &str = "select thing, entry
        from things.things
        where book = $1
          and entry is not null";
    let rows: Vec<Taken> = diesel::sql_query(TEXT).bind::<SmallInt, _>(book.number()).load(owner).await?;
    Ok(rows.into_iter().map(|row| (row.thing, row.entry)).collect())
}
