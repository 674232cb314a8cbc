//! How values stand in JSON, where more than one audience uses them.

pub(crate) mod amount;
pub(crate) mod image;
pub(crate) mod log;
pub(crate) mod period;
pub(crate) mod project;
pub(crate) mod sign_in;
pub(crate) mod unit;
pub(crate) mod whole;
pub(crate) mod words;

use ledger::{BasisPoints, Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Faults;

/// An amount of money.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money, example = json!({"amount": "101.50", "currency": "EUR"}))]
pub(crate) struct MoneyBody {
    /// A decimal with exactly the currency's decimals: 101.50 in EUR, 65596 in XOF.
    #[schema(pattern = "^-?[0-9]{1,16}([.][0-9]{1,3})?$")]
    amount: String,
    #[schema(value_type = words::Currency)]
    currency: String,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self { amount: money.to_string(), currency: money.currency().to_string() }
    }
}

impl MoneyBody {
    /// The amount, above zero; faults are noted under the pointer.
    pub(crate) fn positive(&self, pointer: &str, faults: &mut Faults) -> Option<Money> {
        let currency = faults.check(&format!("{pointer}/currency"), "currency", Currency::try_new(&self.currency))?;
        let pointer = format!("{pointer}/amount");
        let money = faults.check(&pointer, "amount", Money::parse(&self.amount, currency))?;
        if money.is_positive() {
            return Some(money);
        }
        faults.add(pointer, "amount-not-positive", "an amount is above zero");
        None
    }
}

/// A share as a percentage with two decimals: 0.50.
pub(crate) fn percent(points: BasisPoints) -> String {
    format!("{}.{:02}", points.value() / 100, points.value() % 100)
}

/// A text that was checked to be a currency.
pub(crate) fn currency(text: &str, pointer: &str, faults: &mut Faults) -> Option<Currency> {
    faults.check(pointer, "currency", Currency::try_new(text))
}
