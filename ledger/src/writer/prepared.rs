//! Set-based statements as diesel queries that stay prepared.
//!
//! `diesel::sql_query` is planned anew at each call, which costs more than a small batch takes; this fragment has a
//! fixed text, so diesel's statement cache keeps it.

use std::marker::PhantomData;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Date, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use uuid::Uuid;

/// A value for one `$n`.
pub(super) enum Bind<'a> {
    SmallInt(i16),
    BigInt(i64),
    Timestamp(DateTime<Utc>),
    Json(&'a serde_json::Value),
    Text(&'a str),
    OptionalUuid(Option<Uuid>),
    OptionalDate(Option<NaiveDate>),
    SmallInts(&'a [i16]),
    Integers(&'a [i32]),
    BigInts(&'a [i64]),
    OptionalBigInts(&'a [Option<i64>]),
    Uuids(&'a [Uuid]),
    OptionalUuids(&'a [Option<Uuid>]),
    Timestamps(&'a [DateTime<Utc>]),
    Dates(&'a [NaiveDate]),
    Texts(&'a [&'a str]),
    OptionalTexts(&'a [Option<&'a str>]),
    Blob(&'a [u8]),
    Blobs(&'a [&'a [u8]]),
    OptionalJsons(&'a [Option<&'a serde_json::Value>]),
}

/// A statement with a fixed text and its binds; `Row` is the SQL type of its rows.
pub(super) struct Prepared<'a, Row = ()> {
    text: &'static str,
    binds: Vec<Bind<'a>>,
    row: PhantomData<Row>,
}

impl<'a, Row> Prepared<'a, Row> {
    /// The statement of that text, in which `$1`, `$2`, … stand once each and in order.
    pub(super) fn new(text: &'static str, binds: Vec<Bind<'a>>) -> Self {
        Self { text, binds, row: PhantomData }
    }
}

impl<Row> QueryId for Prepared<'_, Row> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row> Query for Prepared<'_, Row> {
    type SqlType = Row;
}

impl<Connection, Row> diesel::RunQueryDsl<Connection> for Prepared<'_, Row> {}

impl<Row> QueryFragment<Pg> for Prepared<'_, Row> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut rest = self.text;
        for (position, bind) in self.binds.iter().enumerate() {
            let mark = format!("${}", position + 1);
            let Some((before, after)) = rest.split_once(&mark) else {
                return Err(diesel::result::Error::QueryBuilderError(format!("{mark} is missing").into()));
            };
            out.push_sql(before);
            bind.push(&mut out)?;
            rest = after;
        }
        out.push_sql(rest);
        Ok(())
    }
}

impl Bind<'_> {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::SmallInt(value) => out.push_bind_param::<SmallInt, _>(value),
            Self::BigInt(value) => out.push_bind_param::<BigInt, _>(value),
            Self::Timestamp(value) => out.push_bind_param::<Timestamptz, _>(value),
            Self::Json(value) => out.push_bind_param::<Jsonb, _>(*value),
            Self::Text(value) => out.push_bind_param::<Text, _>(*value),
            Self::OptionalUuid(value) => out.push_bind_param::<Nullable<diesel::sql_types::Uuid>, _>(value),
            Self::OptionalDate(value) => out.push_bind_param::<Nullable<Date>, _>(value),
            Self::SmallInts(values) => out.push_bind_param::<Array<SmallInt>, _>(*values),
            Self::Integers(values) => out.push_bind_param::<Array<Integer>, _>(*values),
            Self::BigInts(values) => out.push_bind_param::<Array<BigInt>, _>(*values),
            Self::OptionalBigInts(values) => out.push_bind_param::<Array<Nullable<BigInt>>, _>(*values),
            Self::Uuids(values) => out.push_bind_param::<Array<diesel::sql_types::Uuid>, _>(*values),
            Self::OptionalUuids(values) => out.push_bind_param::<Array<Nullable<diesel::sql_types::Uuid>>, _>(*values),
            Self::Timestamps(values) => out.push_bind_param::<Array<Timestamptz>, _>(*values),
            Self::Dates(values) => out.push_bind_param::<Array<Date>, _>(*values),
            Self::Texts(values) => out.push_bind_param::<Array<Text>, _>(*values),
            Self::OptionalTexts(values) => out.push_bind_param::<Array<Nullable<Text>>, _>(*values),
            Self::Blob(value) => out.push_bind_param::<diesel::sql_types::Bytea, _>(*value),
            Self::Blobs(values) => out.push_bind_param::<Array<diesel::sql_types::Bytea>, _>(*values),
            Self::OptionalJsons(values) => out.push_bind_param::<Array<Nullable<Jsonb>>, _>(*values),
        }
    }
}
