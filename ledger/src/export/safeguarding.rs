//! The safeguarding equation at the end of an export, with the rates that it was counted at.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Export;
use crate::{AsOf, Currency, Error, Money, MoneyError, RatesOfTheDay, Safeguarding};

/// Both sides of the equation in one currency, as decimals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sides {
    currency: String,
    client_money: String,
    safeguards: String,
    /// Both at the day's rate in the base currency; missing where no rate is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_money_in_base: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safeguards_in_base: Option<String>,
}

/// The equation over all currencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SafeguardingFile {
    base: String,
    currencies: Vec<Sides>,
}

impl Export {
    /// The equation after the export's last entry.
    pub(super) async fn safeguarding(&self, rates: &impl RatesOfTheDay) -> Result<SafeguardingFile, Error> {
        let balance = match self.ledger.trial_balance(AsOf::Sequence(self.last())).await {
            Err(Error::BeforeHistory { .. }) => return Ok(SafeguardingFile::empty(rates.base())),
            balance => balance?,
        };
        let unwritable = |error: MoneyError| Error::Unwritable(error.to_string());
        let equation = Safeguarding::of(&balance, &self.ledger.chart, rates).map_err(unwritable)?;
        let sides = |line: &crate::SafeguardingLine| {
            let money = |minor| Money::from_minor(minor, line.currency);
            let (client_money, safeguards) = (money(line.client_money_minor), money(line.safeguards_minor));
            let in_base = |money| rates.in_base(money).map(|money| money.to_string());
            Sides {
                currency: line.currency.to_string(),
                client_money: client_money.to_string(),
                safeguards: safeguards.to_string(),
                client_money_in_base: in_base(client_money),
                safeguards_in_base: in_base(safeguards),
            }
        };
        Ok(SafeguardingFile { base: rates.base().to_string(), currencies: equation.lines.iter().map(sides).collect() })
    }
}

impl SafeguardingFile {
    fn empty(base: Currency) -> Self {
        Self { base: base.to_string(), currencies: Vec::new() }
    }

    /// What is wrong with it, beside what accounts hold: by currency, what is owed to clients and what covers it.
    pub(super) fn difference(&self, held: &BTreeMap<String, (i128, i128)>) -> Option<String> {
        let (mut owed, mut covered) = (Decimal::ZERO, Decimal::ZERO);
        for (code, &(client_money, safeguards)) in held {
            let Some(said) = self.currencies.iter().find(|sides| sides.currency == *code) else {
                return Some(format!("{code} is not counted"));
            };
            let text = |minor: i128| {
                let money = Money::from_minor(i64::try_from(minor).ok()?, Currency::try_new(code).ok()?);
                Some(money.to_string())
            };
            if text(client_money).as_ref() != Some(&said.client_money)
                || text(safeguards).as_ref() != Some(&said.safeguards)
            {
                return Some(format!("the accounts hold other sums in {code}"));
            }
            let in_base = |amount: &Option<String>| amount.as_ref()?.parse::<Decimal>().ok();
            match (in_base(&said.client_money_in_base), in_base(&said.safeguards_in_base)) {
                (Some(ours), Some(theirs)) => {
                    owed = owed.saturating_add(ours);
                    covered = covered.saturating_add(theirs);
                }
                _ if client_money == 0 && safeguards == 0 => {}
                _ => return Some(format!("no rate is known for {code}")),
            }
        }
        let short = owed.saturating_sub(covered);
        (short > Decimal::ZERO).then(|| format!("{short} {} are owed to clients and not covered", self.base))
    }
}
