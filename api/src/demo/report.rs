//! What the demo shows at its end, as an auditor read it.

use serde_json::Value;

use super::auditor::sign_in;
use super::{Caller, Failure, Stage, list, text};
use crate::server::Server;

/// Lines of the trial balance that are shown for families of many accounts, such as wallets.
const SHOWN_ALONE: [&str; 2] = ["liabilities:wallets:", "liabilities:escrow:"];

#[allow(clippy::print_stdout, reason = "the demo speaks to the person who started it")]
pub(super) fn say(line: &str) {
    println!("{line}");
}

/// Prints everything; answers whether the book is sound.
pub(super) async fn print(stage: &Stage, server: &Server, public_url: &str) -> Result<bool, Failure> {
    let auditor = sign_in(stage).await?;
    let client = &stage.client;
    print_trial_balance(&read_trial_balance(stage, &auditor).await?)?;
    let equation = client.get(&auditor, "/v1/audit/safeguarding").await?;
    let covered = print_safeguarding(&equation)?;
    let verification = client.get(&auditor, "/v1/audit/verification").await?;
    let holds = print_verification(&verification)?;
    let journal = stage.directory.join("teranga.journal");
    client.download(&auditor, "/v1/audit/journal.hledger", &journal).await?;
    say(&format!("\nJournal      {}\n             hledger -f {0} check --strict ordereddates", journal.display()));
    print_places(stage, server, public_url);
    Ok(covered && holds)
}

/// All pages as one.
async fn read_trial_balance(stage: &Stage, auditor: &Caller) -> Result<Value, Failure> {
    let address = "/v1/audit/trial-balance?limit=1000";
    let mut whole = stage.client.get(auditor, address).await?;
    let mut next = whole.get("next").and_then(Value::as_str).map(str::to_owned);
    while let Some(cursor) = next {
        let mut page = stage.client.get(auditor, &format!("{address}&cursor={cursor}")).await?;
        if let (Some(all), Some(more)) = (
            whole.get_mut("balances").and_then(Value::as_array_mut),
            page.get_mut("balances").and_then(Value::as_array_mut),
        ) {
            all.append(more);
        }
        next = page.get("next").and_then(Value::as_str).map(str::to_owned);
    }
    Ok(whole)
}

fn print_trial_balance(balance: &Value) -> Result<(), Failure> {
    let sequence = balance.get("sequence").and_then(Value::as_i64).unwrap_or(0);
    say(&format!("\nTrial balance after entry {sequence} (debits positive)"));
    let mut families = std::collections::BTreeMap::<(String, String), (usize, rust_decimal::Decimal)>::new();
    for line in list(balance.get("balances").unwrap_or(&Value::Null))? {
        let code = text(&line, "/account")?;
        let family = SHOWN_ALONE.iter().find(|family| code.starts_with(**family));
        let shown = family.map_or_else(|| code.clone(), |family| format!("{family}*"));
        let amount: rust_decimal::Decimal = text(&line, "/balance/amount")?.parse()?;
        let sum = families.entry((shown, text(&line, "/balance/currency")?)).or_default();
        sum.0 += 1;
        sum.1 += amount;
    }
    for ((account, currency), (count, amount)) in families {
        let accounts = if count > 1 { format!("{count} accounts") } else { String::new() };
        say(&format!("  {account:<44} {amount:>16} {currency}  {accounts}"));
    }
    let mut differences: Vec<(String, String)> = list(balance.get("differences").unwrap_or(&Value::Null))?
        .iter()
        .map(|sum| Ok((text(sum, "/currency")?, text(sum, "/minor")?)))
        .collect::<Result<_, Failure>>()?;
    differences.sort_unstable();
    let sums: Vec<String> = differences.iter().map(|(currency, minor)| format!("{minor} {currency}")).collect();
    say(&format!("  sums: {}", sums.join(", ")));
    Ok(())
}

fn print_safeguarding(equation: &Value) -> Result<bool, Failure> {
    let holds = equation.get("holds").and_then(Value::as_bool) == Some(true);
    let money = |side: &str| -> Result<String, Failure> {
        Ok(format!("{} {}", text(equation, &format!("/{side}/amount"))?, text(equation, &format!("/{side}/currency"))?))
    };
    let verdict = if holds { "holds" } else { "DOES NOT HOLD" };
    say(&format!(
        "\nSafeguarding  owed to clients {} <= covered by {}: {verdict}",
        money("client_money")?,
        money("safeguards")?
    ));
    Ok(holds)
}

fn print_verification(verification: &Value) -> Result<bool, Failure> {
    let count = |field: &str| verification.get(field).and_then(Value::as_i64).unwrap_or(0);
    say(&format!("\nVerification of {} entries and {} postings", count("entries"), count("postings")));
    for check in list(verification.get("checks").unwrap_or(&Value::Null))? {
        let name = text(&check, "/name")?;
        match check.get("difference").and_then(Value::as_str) {
            None => say(&format!("  holds    {name}")),
            Some(difference) => say(&format!("  DIFFERS  {name}: {difference}")),
        }
    }
    Ok(verification.get("holds").and_then(Value::as_bool) == Some(true))
}

fn print_places(stage: &Stage, server: &Server, public_url: &str) {
    say(&format!("\nSurfaces     {public_url}/v1/{{mobile,partner,audit,operator,public}}"));
    say(&format!("Documents    {public_url}/v1/mobile/openapi.json, and so on"));
    say(&format!("Operations   http://{0}/metrics, http://{0}/health/ready", server.operations_address()));
    say(&format!("Operator     {}", stage.directory.join("first-operator.json").display()));
    say(&format!("Credentials  {} (institutions, auditor, people)", stage.kept.path().display()));
    if let Some((contact, password)) = stage.kept.people().next() {
        say(&format!("A sender     {contact} / {password}"));
    }
    if let Some((code, credential)) = stage.kept.institutions().next() {
        let part = |field: &str| credential.get(field).and_then(Value::as_str).unwrap_or("").to_owned();
        say(&format!("An institution {code}: client_id {} client_secret {}", part("client_id"), part("client_secret")));
    }
    say(&format!("Try          curl {public_url}/v1/public/prices?corridor=eur-xof\\&amount=100.00"));
}
