use ledger::{Amount, Commodity, Money};
use serde::Serialize;
use utoipa::ToSchema;

use super::MoneyBody;
use crate::house::House;
use crate::problem::{Faults, Problem};

/// An amount of money, or of a project's units.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Amount)]
pub(crate) enum AmountBody {
    /// Of a currency.
    Money(MoneyBody),
    /// Of a unit.
    Units(UnitsBody),
}

/// Units of a project.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Units, example = json!({"amount": "12", "unit": "unit:solar-1"}))]
pub(crate) struct UnitsBody {
    /// A decimal with exactly the unit's decimals.
    #[schema(pattern = "^-?[0-9]{1,16}([.][0-9]{1,6})?$")]
    amount: String,
    /// The unit's code.
    #[schema(pattern = "^unit:[a-z][a-z0-9-]{0,17}[a-z0-9]$")]
    unit: String,
}

impl From<Amount> for AmountBody {
    fn from(amount: Amount) -> Self {
        match Money::try_from(amount) {
            Ok(money) => Self::Money(money.into()),
            Err(_) => Self::Units(UnitsBody { amount: amount.to_string(), unit: amount.commodity().to_string() }),
        }
    }
}

/// An amount where nothing but money can be.
pub(crate) fn money(amount: Amount) -> Result<MoneyBody, Problem> {
    let money = Money::try_from(amount).map_err(|error| Problem::internal(&error))?;
    Ok(money.into())
}

/// A text that was checked to be a currency or a registered unit.
pub(crate) async fn commodity(house: &House, text: &str, pointer: &str) -> Result<Commodity, Problem> {
    let mut faults = Faults::default();
    let found = house.audited.commodity(text).await?;
    faults.check(pointer, "currency", found).ok_or_else(|| faults.problem())
}
