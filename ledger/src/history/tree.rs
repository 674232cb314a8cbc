//! The tree of accounts: balances summed up along the segments of their codes.

use std::fmt;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, SmallInt, Text};
use diesel_async::RunQueryDsl;

use super::filter::InvalidFilter;
use super::moment::Moment;
use crate::balances::balances_within;
use crate::units::Units;
use crate::{AccountCode, Commodity, Error, Ledger, Sequence};

/// Nodes that one page of a tree has at most.
pub const MAX_TREE_NODES: i64 = 1_000;
/// Levels that a tree shows at most below where it begins: as many as a code can have.
pub const MAX_TREE_DEPTH: u8 = 6;

/// The first segments of account codes, or a whole code: `liabilities`, `liabilities:wallets`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountPrefix(std::sync::Arc<str>);

/// The text is no beginning of an account code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{prefix:?} is not the beginning of an account code in whole segments, such as liabilities:wallets")]
pub struct InvalidAccountPrefix {
    /// The text as given, cut to 120 characters.
    pub prefix: String,
}

impl AccountPrefix {
    /// The prefix that `text` spells.
    ///
    /// # Errors
    /// [`InvalidAccountPrefix`] when no account code begins with it and ends there or goes on with a colon.
    pub fn try_new(text: &str) -> Result<Self, InvalidAccountPrefix> {
        // A single segment becomes a code by one more.
        let longer = if text.contains(':') { text.to_owned() } else { format!("{text}:x") };
        match AccountCode::try_new(&longer) {
            Ok(_) => Ok(Self(text.into())),
            Err(error) => Err(InvalidAccountPrefix { prefix: error.code.chars().take(text.chars().count()).collect() }),
        }
    }

    /// The prefix's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn segments(&self) -> i32 {
        i32::try_from(self.0.split(':').count()).unwrap_or(i32::MAX)
    }

    /// The texts between which the codes below it stand, by bytes: a semicolon follows the colon.
    pub(super) fn below(&self) -> (String, String) {
        (format!("{self}:"), format!("{self};"))
    }
}

impl fmt::Display for AccountPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for AccountPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What is asked of the tree.
#[derive(Clone, Debug)]
pub struct TreeQuery {
    /// Where it begins; the whole book when left out.
    pub under: Option<AccountPrefix>,
    /// How many levels below that are shown, up to [`MAX_TREE_DEPTH`]; what lies deeper is in the sums.
    pub depth: u8,
    /// At which moment.
    pub moment: Moment,
    /// The node after which the page begins.
    pub after: Option<(AccountPrefix, Commodity)>,
    /// How many nodes at most, up to [`MAX_TREE_NODES`].
    pub limit: i64,
}

/// A code with all that is below it, in one commodity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountNode {
    /// The code, or the beginning of codes.
    pub path: AccountPrefix,
    /// The commodity.
    pub commodity: Commodity,
    /// How many accounts are summed up.
    pub accounts: i64,
    /// The sum of their balances in minor units, debits positive.
    pub debit_positive_minor: i128,
}

/// A page of the tree, parents before their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountTree {
    /// The newest entry that is known; the next page is asked for as of it.
    pub sequence: Sequence,
    /// The nodes.
    pub nodes: Vec<AccountNode>,
    /// Whether more follow.
    pub goes_on: bool,
}

impl Ledger {
    /// A page of the tree of accounts with summed-up balances. Costs a look into an index for each account below where
    /// it begins, whatever the page.
    ///
    /// # Errors
    /// As [`Ledger::trial_balance`]; [`Error::Filter`] when nothing was booked there or it is asked too deep.
    pub async fn account_tree(&self, query: TreeQuery) -> Result<AccountTree, Error> {
        if query.depth > MAX_TREE_DEPTH {
            return Err(InvalidFilter::TooDeep { asked: query.depth, most: MAX_TREE_DEPTH }.into());
        }
        let cut = self.cut(query.moment).await?;
        let limit = query.limit.clamp(1, MAX_TREE_NODES);
        // The book itself is no node: its tree begins with the kinds of accounts.
        let top = query.under.as_ref().map_or(1, AccountPrefix::segments);
        let levels = if query.under.is_some() { i32::from(query.depth) } else { i32::from(query.depth).max(1) - 1 };
        let (from, to) = query.under.as_ref().map(AccountPrefix::below).unwrap_or_default();
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = diesel::sql_query(text(query.under.is_some()))
            .bind::<SmallInt, _>(self.book.number())
            .bind::<BigInt, _>(cut.base)
            .bind::<BigInt, _>(cut.known)
            .bind::<Nullable<Date>, _>(cut.day)
            .bind::<BigInt, _>(cut.on_day)
            .bind::<Integer, _>(top)
            .bind::<Integer, _>(top + levels)
            .bind::<Text, _>(query.after.as_ref().map_or("", |(path, _)| path.as_str()))
            .bind::<Integer, _>(query.after.as_ref().map_or(0, |(_, commodity)| commodity.number()))
            .bind::<BigInt, _>(limit + 1)
            .bind::<Text, _>(query.under.as_ref().map_or("", AccountPrefix::as_str))
            .bind::<Text, _>(from)
            .bind::<Text, _>(to)
            .load(&mut connection)
            .await?;
        self.units.learn(&mut connection, rows.iter().map(|row| row.commodity).collect()).await?;
        drop(connection);
        let mut nodes = rows.into_iter().map(|row| row.node(&self.units)).collect::<Result<Vec<_>, _>>()?;
        let goes_on = i64::try_from(nodes.len()).is_ok_and(|read| read > limit);
        if goes_on {
            nodes.pop();
        }
        match query.under {
            Some(prefix) if nodes.is_empty() && query.after.is_none() => {
                Err(InvalidFilter::NoSuchAccounts { prefix }.into())
            }
            _ => Ok(AccountTree { sequence: Sequence::new(cut.known), nodes, goes_on }),
        }
    }
}

/// Diesel has no lists cut by level, and no lateral join.
fn text(within: bool) -> String {
    let below = if within {
        "where b.code collate \"C\" = $11 or (b.code collate \"C\" >= $12 and b.code collate \"C\" < $13)"
    } else {
        "where $11 || $12 || $13 = ''"
    };
    format!(
        "with {}
        select array_to_string(node.path, ':') as path, node.commodity, count(*) as accounts,
            sum(node.balance)::text as minor
        from (
            select (string_to_array(b.code, ':'))[1:level] collate \"C\" as path, b.commodity, b.balance
            from balances b
            cross join generate_series($6, least($7, cardinality(string_to_array(b.code, ':')))) level
            {below}
        ) node
        where (node.path, node.commodity) > (string_to_array($8, ':') collate \"C\", $9)
        group by node.path, node.commodity
        order by node.path, node.commodity
        limit $10",
        balances_within("ledger.accounts")
    )
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    path: String,
    #[diesel(sql_type = Integer)]
    commodity: i32,
    #[diesel(sql_type = BigInt)]
    accounts: i64,
    #[diesel(sql_type = Text)]
    minor: String,
}

impl Row {
    fn node(self, units: &Units) -> Result<AccountNode, Error> {
        Ok(AccountNode {
            path: AccountPrefix::try_new(&self.path).map_err(|error| Error::Corrupt(error.to_string()))?,
            commodity: units.commodity(self.commodity)?,
            accounts: self.accounts,
            debit_positive_minor: self.minor.parse().map_err(|_| Error::Corrupt(format!("the sum {}", self.minor)))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_with_a_whole_segment() {
        for text in ["liabilities", "liabilities:wallets", "assets:a:b:c:d:e"] {
            assert!(AccountPrefix::try_new(text).is_ok(), "{text}");
        }
        for text in ["", ":", "liabilities:", "wallets", "liabilities:W", "assets:a:b:c:d:e:f", "assets;x"] {
            assert!(AccountPrefix::try_new(text).is_err(), "{text}");
        }
    }
}
