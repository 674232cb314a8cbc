//! What it takes to check an export without the house: the canonical form of each entry, whose hashes are the leaves of
//! the log, and the accounts with what stands for them in it.

use base64::prelude::{BASE64_STANDARD, Engine};
use futures_util::stream::{self, StreamExt};
use serde::Serialize;

use super::accounts::Opened;
use super::{Export, Part, Pieces};
use crate::log::for_each_leaf;
use crate::{Commodity, Error};

/// Entries whose forms are printed at once.
const PAGE_ENTRIES: i64 = 1_024;

#[derive(Serialize)]
struct AccountLine<'a> {
    number: i64,
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    commodity: i32,
    decimals: u32,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor: Option<String>,
    commitment: String,
    opening: String,
    closing: String,
}

pub(super) fn accounts() -> Vec<Part> {
    vec![Part::Accounts(Box::new(|opened, out| {
        serde_json::to_writer(&mut *out, &line(opened)).map_err(|error| Error::Unwritable(error.to_string()))?;
        out.push(b'\n');
        Ok(())
    }))]
}

fn line(opened: &Opened) -> AccountLine<'_> {
    let commodity: Commodity = opened.named.commodity;
    AccountLine {
        number: opened.named.number,
        account: &opened.named.code,
        currency: commodity.unit().is_none().then(|| commodity.code()),
        unit: commodity.unit().map(crate::Unit::code),
        commodity: commodity.number(),
        decimals: commodity.decimals(),
        role: opened.role.word(),
        floor: opened.floor().map(|floor| floor.to_string()),
        commitment: hex::encode(&opened.commitment),
        opening: opened.opening().to_string(),
        closing: opened.closing().to_string(),
    }
}

#[derive(Serialize)]
struct LeafLine {
    sequence: i64,
    leaf: String,
}

/// An entry a line, with its canonical form.
pub(super) fn leaves(export: &Export) -> Pieces {
    stream::try_unfold((export.clone(), export.first - 1), |(export, after)| async move {
        if after >= export.last {
            return Ok(None);
        }
        let until = export.last.min(after + PAGE_ENTRIES);
        let mut connection = export.ledger.database.connection().await?;
        let (mut out, mut sequence, mut fault) = (Vec::new(), after, None);
        for_each_leaf(&mut connection, export.ledger.book, after, until, |leaf| {
            sequence += 1;
            let line = LeafLine { sequence, leaf: BASE64_STANDARD.encode(leaf) };
            fault = serde_json::to_writer(&mut out, &line).err().or(fault.take());
            out.push(b'\n');
        })
        .await?;
        match fault {
            Some(error) => Err(Error::Unwritable(error.to_string())),
            None => Ok(Some((out, (export.clone(), until)))),
        }
    })
    .boxed()
}
