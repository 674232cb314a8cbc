//! The safeguarding equation: what we owe to clients is covered by money kept for them. Units are no money, so they
//! stand on neither side.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::account::AccountRole;
use crate::{Chart, Currency, Money, MoneyError, TrialBalance};

/// The day's rates into the book's base currency.
pub trait RatesOfTheDay {
    /// The base currency.
    fn base(&self) -> Currency;
    /// What an amount is worth in the base currency; `None` when no rate is known.
    fn in_base(&self, amount: Money) -> Option<Money>;
}

/// Both sides of the equation in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SafeguardingLine {
    /// The currency.
    pub currency: Currency,
    /// What we owe to clients, in minor units.
    pub client_money_minor: i64,
    /// What covers it, in minor units.
    pub safeguards_minor: i64,
}

/// The equation over all currencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safeguarding {
    /// Per currency.
    pub lines: Vec<SafeguardingLine>,
    /// All that we owe to clients, in the base currency at the day's rates.
    pub client_money: Money,
    /// All that covers it, in the base currency at the day's rates.
    pub safeguards: Money,
    /// Currencies that could not be counted because no rate is known; the equation is not proven while there are any.
    pub without_rate: Vec<Currency>,
}

impl Safeguarding {
    /// The equation at the moment of a trial balance.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit into 64 bits.
    pub fn of(balance: &TrialBalance, chart: &Chart, rates: &impl RatesOfTheDay) -> Result<Self, MoneyError> {
        let mut sides = BTreeMap::<Currency, (Money, Money)>::new();
        for balance in &balance.balances {
            let Ok(held) = Money::try_from(balance.on_normal_side()) else { continue };
            let zero = Money::zero(held.currency());
            let side = sides.entry(held.currency()).or_insert((zero, zero));
            match chart.template(&balance.account).map(crate::Template::role) {
                Some(AccountRole::ClientMoney) => side.0 = side.0.checked_add(held)?,
                Some(AccountRole::Safeguard) => side.1 = side.1.checked_add(held)?,
                _ => {}
            }
        }
        let zero = Money::zero(rates.base());
        let mut equation = Self { lines: Vec::new(), client_money: zero, safeguards: zero, without_rate: Vec::new() };
        for (currency, (client_money, safeguards)) in sides {
            equation.lines.push(SafeguardingLine {
                currency,
                client_money_minor: client_money.minor(),
                safeguards_minor: safeguards.minor(),
            });
            match (rates.in_base(client_money), rates.in_base(safeguards)) {
                (Some(client_money), Some(safeguards)) => {
                    equation.client_money = equation.client_money.checked_add(client_money)?;
                    equation.safeguards = equation.safeguards.checked_add(safeguards)?;
                }
                _ if client_money.is_zero() && safeguards.is_zero() => {}
                _ => equation.without_rate.push(currency),
            }
        }
        Ok(equation)
    }

    /// What is in the way of the equation, in words.
    #[must_use]
    pub fn shortfall(&self) -> String {
        let currencies: Vec<&str> = self.without_rate.iter().map(|currency| currency.code()).collect();
        let short = self.client_money.checked_sub(self.safeguards);
        match short {
            Ok(short) if short.is_positive() => {
                format!("{short} {} are owed to clients and not covered", short.currency())
            }
            _ => format!("no rate is known for {}", currencies.join(", ")),
        }
    }

    /// Whether the equation is proven to hold: all currencies were counted, and clients' money is covered.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.without_rate.is_empty() && self.client_money.minor() <= self.safeguards.minor()
    }
}
