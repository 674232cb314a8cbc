"""Statements of a bank against an account of the book: loaded, matched by rules and by hand, and their breaks."""

import decimal
import urllib.parse
import uuid
import xml.sax.saxutils

ADDRESS = "/reconciliation/accounts/assets:pay-in:bank/EUR"
IBAN = "DE02120300000000202051"
CAMT_053 = """\
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt>
<Id>S1</Id><Acct><Id><IBAN>{iban}</IBAN></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>{day}</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>{day}</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><ValDt><Dt>{day}</Dt></ValDt>
<AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">2.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><ValDt><Dt>{day}</Dt></ValDt>
<AcctSvcrRef>B2</AcctSvcrRef><AddtlNtryInf>charges</AddtlNtryInf></Ntry>
</Stmt></BkToCstmrStmt></Document>
"""
MT940 = """\
:20:MARCH
:25:{iban}
:28C:2/1
:60F:C{day}EUR{opening}
:61:{day}{month_day}D7,50NCHG//B3
:86:charges
:61:{day}{month_day}D0,40NCHG//B4
:62F:C{day}EUR{closing}
"""


def prepare(operator, paid, day):
    """What of the account there is to be asked for. `paid` is a remittance whose money came in on that day."""
    account = {"account": "assets:pay-in:bank", "currency": "EUR", "external_account": IBAN, "begins_after": 0}
    operator.post("/reconciliation/accounts", account)
    load(operator, paid, day)
    operator.post(f"{ADDRESS}/runs", {"tolerance_days": 5})
    operator.post(f"{ADDRESS}/runs", {"rules": ["amount-and-date"]})
    breaks = operator.get(f"{ADDRESS}/breaks?limit=100")["items"]
    of_lines, of_postings = [[one for one in breaks if one["subject"]["kind"] == kind] for kind in ("line", "posting")]
    pairs = [[one["subject"]["item"], other["subject"]["item"]] for one, other in zip(of_lines, of_postings)]
    made = [operator.post(f"{ADDRESS}/matches", {"items": pair, "reason": "one payment"}) for pair in pairs[:2]]
    operator.post(f"{ADDRESS}/matches/{made[0]['number']}/undoing", {"reason": "two payments"})
    explained, left = of_postings[2], of_postings[3:]
    assigned = {"step": "assign", "owner": str(uuid.uuid4())}
    for step in (assigned, {"step": "explain", "reason": "booked twice"}):
        operator.post(f"{ADDRESS}/breaks/{explained['number']}/steps", step)
    numbers = [one["number"] for one in [*left, explained]]
    for read in ("standing", "statements?limit=2", "breaks?state=explained", f"breaks/{explained['number']}/history"):
        operator.get(f"{ADDRESS}/{read}")
    operator.get(f"{ADDRESS}/matches/{made[1]['number']}")
    operator.get("/reconciliation/accounts")
    return {"breaks": numbers, "matches": [made[1]["number"], 1, made[0]["number"]]}


def load(operator, paid, day):
    """Three statements that continue one another, each in a form of its own."""
    amount, text = paid["to_pay"]["amount"], xml.sax.saxutils.escape(f"virement {paid['reference']}")
    first = decimal.Decimal(amount) - decimal.Decimal("2.50")
    second = first - decimal.Decimal("7.90")
    third = second + decimal.Decimal("3.10")
    message = CAMT_053.format(iban=IBAN, day=day, amount=amount, closing=first, text=text)
    operator.send_file(f"{ADDRESS}/statements/camt.053", "application/xml", message)
    short = day.replace("-", "")[2:]
    opening, closing = [str(balance).replace(".", ",") for balance in (first, second)]
    message = MT940.format(iban=IBAN, day=short, month_day=short[2:], opening=opening, closing=closing)
    operator.send_file(f"{ADDRESS}/statements/mt940", "text/plain", message)
    layout = {
        "id": "March",
        "external_account": IBAN,
        "opens_on": day,
        "closes_on": day,
        "opening": second,
        "closing": third,
        "delimiter": ";",
        "decimal_mark": "comma",
        "date": "day",
        "amount": "amount",
        "text": "text",
    }
    lines = f"day;text;amount\n{day};pour maman;3,00\n{day};interest;0,10\n"
    operator.send_file(f"{ADDRESS}/statements/csv?{urllib.parse.urlencode(layout)}", "text/csv", lines)
