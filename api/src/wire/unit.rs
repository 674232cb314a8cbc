use chrono::{DateTime, Utc};
use ledger::{Ledger, Lot, Unit};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::MoneyBody;
use super::amount::AmountBody;
use crate::cursor::{self, Page};
use crate::problem::Problem;

/// A registered unit of a project.
#[derive(Serialize, ToSchema)]
#[schema(as = Unit)]
pub(crate) struct UnitBody {
    #[schema(pattern = "^unit:[a-z][a-z0-9-]{0,17}[a-z0-9]$", example = "unit:solar-1")]
    code: &'static str,
    name: &'static str,
    /// Decimals of its smallest part; zero for whole units.
    #[schema(minimum = 0, maximum = 6)]
    decimals: u32,
    /// The project whose units they are.
    project: Uuid,
    registered_at: DateTime<Utc>,
}

impl From<Unit> for UnitBody {
    fn from(unit: Unit) -> Self {
        Self {
            code: unit.code(),
            name: unit.name(),
            decimals: unit.decimals(),
            project: unit.subject(),
            registered_at: unit.opened_at(),
        }
    }
}

/// A page of units, in the order of their registration.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnitPage {
    pub(crate) items: Vec<UnitBody>,
    /// The cursor of the next page, where there is one.
    pub(crate) next: Option<String>,
}

impl UnitPage {
    /// The page that is asked for.
    pub(crate) async fn read(ledger: &Ledger, page: &Page) -> Result<Self, Problem> {
        let limit = page.limit()?;
        let units = ledger.units(page.number()?, limit).await?;
        let next = cursor::next(&units, limit, |last| last.number().to_string());
        Ok(Self { items: units.into_iter().map(UnitBody::from).collect(), next })
    }
}

/// Units of one lot, with what was paid for them.
#[derive(Serialize, ToSchema)]
#[schema(as = Lot)]
pub(crate) struct LotBody {
    /// The entry that issued it, and its number there.
    #[schema(pattern = "^[0-9]+-[0-9]+$")]
    lot: String,
    /// The day from which the units count as had.
    acquired_on: chrono::NaiveDate,
    /// On the same side as the posting's amount.
    amount: AmountBody,
    /// What was paid for that many; left out when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<MoneyBody>,
}

impl From<Lot> for LotBody {
    fn from(lot: Lot) -> Self {
        Self {
            lot: lot.name.to_string(),
            acquired_on: lot.acquired_on,
            amount: lot.amount.into(),
            cost: lot.cost.map(MoneyBody::from),
        }
    }
}
