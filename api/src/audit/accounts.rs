use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{AccountNode, AccountPrefix, Amount, TreeQuery};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::moment::Asked;
use super::view::View;
use crate::admission::Admitted;
use crate::cursor::{self, faulty_cursor};
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem};
use crate::wire::amount::AmountBody;

/// Which part of the tree, at which moment.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TreePage {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// Where it begins: an account's code as it appears, or its first segments; the whole book when left out.
    #[param(max_length = 120, example = "liabilities:wallets")]
    under: Option<String>,
    /// Levels below that; what lies deeper is in the sums. One when left out.
    #[param(minimum = 0, maximum = 6)]
    depth: Option<u8>,
    /// As known after the entry of that sequence; now when left out.
    #[param(minimum = 0)]
    as_of_sequence: Option<i64>,
    /// As known at that time.
    known_at: Option<DateTime<Utc>>,
    /// Only what had taken effect by the end of that day.
    effective_date: Option<NaiveDate>,
    /// Waits up to two seconds until the book that is read has come so far.
    #[param(minimum = 0)]
    at_least_sequence: Option<i64>,
    /// Nodes at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended; it keeps to what was known then.
    #[param(max_length = 400)]
    cursor: Option<String>,
}

/// A page of the tree of accounts, parents before their children.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountTree)]
pub(super) struct TreeBody {
    /// The newest entry that is known.
    sequence: i64,
    nodes: Vec<NodeBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// A code with all that is below it, in one currency or unit.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountNode)]
pub(super) struct NodeBody {
    /// An account's code, or the beginning of codes.
    path: String,
    /// How many accounts are summed up.
    accounts: i64,
    /// Debits positive.
    balance: AmountBody,
}

impl NodeBody {
    fn of(node: &AccountNode, view: &View) -> Result<Self, Problem> {
        let minor = i64::try_from(node.debit_positive_minor).map_err(|error| Problem::internal(&error))?;
        let balance = Amount::from_minor(minor, node.commodity).into();
        Ok(Self { path: view.prefix(&node.path), accounts: node.accounts, balance })
    }
}

/// The sequence that is known, and the node after which the page begins.
fn read_cursor(text: &str) -> Result<(i64, AccountPrefix, &str), Problem> {
    let parse = || {
        let mut parts = text.split('.');
        let sequence = parts.next()?.parse().ok()?;
        let path = AccountPrefix::try_new(parts.next()?).ok()?;
        let code = parts.next()?;
        parts.next().is_none().then_some((sequence, path, code))
    };
    parse().ok_or_else(faulty_cursor)
}

impl TreePage {
    async fn query(&self, view: &View) -> Result<TreeQuery, Problem> {
        let mut faults = Faults::default();
        let under = self.under.as_deref();
        let under = under.and_then(|text| faults.check("under", "account-code", AccountPrefix::try_new(text)));
        faults.finish()?;
        let under = under.map(|shown| view.prefix_of(shown)).transpose()?;
        let limit = cursor::limit(self.limit)?;
        let mut asked = Asked {
            as_of_sequence: self.as_of_sequence,
            known_at: self.known_at,
            effective_date: self.effective_date,
            at_least_sequence: self.at_least_sequence,
        };
        let after = match &self.cursor {
            None => None,
            Some(text) => {
                let text = view.unseal(text)?;
                let (sequence, path, code) = read_cursor(&text)?;
                let node = (path, view.commodity(code, "cursor").await?);
                asked = Asked { as_of_sequence: Some(sequence), known_at: None, ..asked };
                Some(node)
            }
        };
        let moment = asked.moment(view).await?;
        Ok(TreeQuery { under, depth: self.depth.unwrap_or(1), moment, after, limit })
    }
}

/// The tree of accounts with summed-up balances, at any moment. Beginning with a code, that code is its first node.
#[utoipa::path(tag = "book", security(("token" = [])), params(TreePage),
    responses((status = 200, description = "A page", body = TreeBody), ReadProblems))]
#[get("/accounts")]
pub(super) async fn read_account_tree(
    request: HttpRequest,
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    page: web::Query<TreePage>,
) -> Result<HttpResponse, Problem> {
    let view = View::open(&house, &auditor, page.book).await?;
    let tree = view.ledger.account_tree(page.query(&view).await?).await.map_err(|error| view.said(error))?;
    let sequence = tree.sequence.number();
    let next = tree.nodes.last().filter(|_| tree.goes_on);
    let next = next.map(|last| view.seal(&format!("{sequence}.{}.{}", last.path, last.commodity)));
    let nodes = tree.nodes.iter().map(|node| NodeBody::of(node, &view)).collect::<Result<_, _>>()?;
    Ok(cursor::answer(&request, next.as_deref()).json(TreeBody { sequence, nodes, next }))
}
