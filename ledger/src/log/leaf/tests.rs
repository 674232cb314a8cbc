use super::*;

const COMMITMENT: Hash = [7; 32];

fn leaf<'a>() -> Leaf<'a, Vec<LeafPosting<'a>>, Vec<LeafHoldChange<'a>>> {
    let posting =
        |account, amount, balance| LeafPosting { account, commitment: &COMMITMENT, commodity: 978, amount, balance };
    Leaf {
        book: 1,
        sequence: 2,
        key: Uuid::from_u128(3),
        booked_at: 4,
        effective_date: 5,
        kind: "transfer",
        reverses: None,
        approvers: None,
        period: None,
        content: None,
        postings: vec![posting(1, 6, 6), posting(2, -6, -6)],
        hold_changes: Vec::new(),
        units: Vec::new(),
        lots: Vec::new(),
    }
}

fn encoded(leaf: Leaf<'_, Vec<LeafPosting<'_>>, Vec<LeafHoldChange<'_>>>) -> Vec<u8> {
    let mut out = Vec::new();
    leaf.encode(&mut out);
    out
}

#[test]
fn every_part_that_differs_gives_other_bytes() {
    let person = Uuid::from_u128(9);
    let period = LeafPeriod { change: LeafPeriodChange::Closed, through: 20_000, approver: person, second: None };
    let change = |change| LeafHoldChange {
        hold: person,
        account: 1,
        commitment: &COMMITMENT,
        commodity: 978,
        change,
        amount: 6,
    };
    let unit = LeafUnit { number: 100_000, definition: [1; 32] };
    let lot = LeafLot { ordinal: 1, lot: (1, 1), amount: 6, acquired_on: 7, cost: None };
    let with = |lot| Leaf { units: vec![unit], lots: vec![lot], ..leaf() };
    let forms = [
        Leaf { units: vec![unit], ..leaf() },
        Leaf { units: vec![LeafUnit { definition: [2; 32], ..unit }], ..leaf() },
        with(lot),
        with(LeafLot { lot: (1, 2), ..lot }),
        with(LeafLot { cost: Some((978, 5)), ..lot }),
        with(LeafLot { cost: Some((952, 5)), ..lot }),
        leaf(),
        Leaf { book: 2, ..leaf() },
        Leaf { kind: "transfers", ..leaf() },
        Leaf { reverses: Some(1), ..leaf() },
        Leaf { approvers: Some((person, Uuid::nil())), ..leaf() },
        Leaf { approvers: Some((Uuid::nil(), person)), ..leaf() },
        Leaf { period: Some(period), ..leaf() },
        Leaf { period: Some(LeafPeriod { change: LeafPeriodChange::Reopened, ..period }), ..leaf() },
        Leaf { period: Some(LeafPeriod { second: Some(person), ..period }), ..leaf() },
        Leaf { content: Some([0; 32]), ..leaf() },
        Leaf { postings: Vec::new(), ..leaf() },
        Leaf { hold_changes: vec![change(LeafHoldEvent::Placed { expires_at: 7 })], ..leaf() },
        Leaf { hold_changes: vec![change(LeafHoldEvent::Placed { expires_at: 8 })], ..leaf() },
        Leaf { hold_changes: vec![change(LeafHoldEvent::Posted)], ..leaf() },
        Leaf { hold_changes: vec![change(LeafHoldEvent::Released)], ..leaf() },
        Leaf { hold_changes: vec![change(LeafHoldEvent::Expired)], ..leaf() },
    ];
    let distinct: std::collections::BTreeSet<Vec<u8>> = forms.iter().cloned().map(encoded).collect();
    assert_eq!(distinct.len(), forms.len());
}

#[test]
fn words_are_committed_to_whatever_the_order_of_their_keys() -> Result<(), serde_json::Error> {
    let salt = Uuid::from_u128(1);
    let one: serde_json::Value = serde_json::from_str(r#"{"b": 1, "a": {"d": [2], "c": "\u00e9"}}"#)?;
    let other: serde_json::Value = serde_json::from_str(r#"{"a":{"c":"é","d":[2]},"b":1}"#)?;
    assert_eq!(canonical_json(&one), r#"{"a":{"c":"é","d":[2]},"b":1}"#);
    let commitment = |metadata| content_commitment(salt, None, None, Some(metadata));
    assert_eq!(commitment(&one), commitment(&other));
    assert_eq!(content_commitment(salt, None, None, None), None);
    let plain = content_commitment(salt, Some("a"), None, None);
    assert_ne!(plain, content_commitment(Uuid::from_u128(2), Some("a"), None, None));
    assert_ne!(plain, content_commitment(salt, None, None, Some(&serde_json::json!("a"))));
    Ok(())
}
