#!/usr/bin/env python3
"""Checks an audit pack with nothing of ours: python3 check_export.py book.tar LOG-KEY [house.pem]

Computes the leaf of each entry again from its line, its account's commitments and the form in the log, the tree over
them, and what leads from it to the signed head. Needs Python 3.11 and, for signatures, the package cryptography.
"""

import base64
import collections
import datetime
import decimal
import hashlib
import json
import struct
import sys
import tarfile
import uuid

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

EPOCH = datetime.date(1970, 1, 1)
HOLD_WORDS = {1: "placed", 2: "posted", 3: "released", 4: "expired"}


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Form:
    """The canonical form of an entry, read from its first byte to its last."""

    def __init__(self, data):
        self.data, self.at = data, 0
        tag = self.take(15)
        assert tag in (b"teranga entry 1", b"teranga entry 2"), "the form has another beginning"
        self.book, self.sequence = self.read(">h"), self.read(">q")
        self.key, self.booked_at, self.day = self.id(), self.read(">q"), self.date()
        self.kind = self.take(self.read(">I")).decode()
        parts = self.read(">B")
        assert parts < 16
        self.reverses = self.read(">q") if parts & 1 else None
        self.approvers = [self.id(), self.id()] if parts & 2 else None
        self.period = self.read_period() if parts & 4 else None
        self.content = self.take(32) if parts & 8 else None
        self.postings = [self.read_posting() for _ in range(self.read(">I"))]
        self.changes = [self.read_change() for _ in range(self.read(">I"))]
        self.lots = collections.defaultdict(list)
        if tag.endswith(b"2"):
            self.units = [self.take(36) for _ in range(self.read(">I"))]
            for _ in range(self.read(">I")):
                ordinal, lot = self.read_lot()
                self.lots[ordinal].append(lot)
        assert self.at == len(data), "something stands behind the form"

    def take(self, count):
        taken = self.data[self.at : self.at + count]
        assert len(taken) == count, "the form is cut off"
        self.at += count
        return taken

    def read(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def id(self):
        return str(uuid.UUID(bytes=self.take(16)))

    def date(self):
        return str(EPOCH + datetime.timedelta(days=self.read(">i")))

    def read_period(self):
        change, day, approvers = {1: "closed", 2: "reopened"}[self.read(">B")], self.date(), [self.id()]
        if self.read(">B"):
            approvers.append(self.id())
        return {"change": change, "through": day, "approved_by": approvers}

    def read_posting(self):
        return struct.unpack(">q32siqq", self.take(60))

    def read_change(self):
        hold, account, commitment, commodity = self.id(), self.read(">q"), self.take(32), self.read(">i")
        change, amount = self.read(">B"), self.read(">q")
        if change == 1:
            self.take(8)
        return hold, account, commitment, commodity, HOLD_WORDS[change], amount

    def read_lot(self):
        ordinal, entry, number, amount = struct.unpack(">hqhq", self.take(20))
        day = self.date()
        cost = struct.unpack(">iq", self.take(12)) if self.read(">B") else None
        return ordinal, (f"{entry}-{number}", amount, day, cost)


def text(minor, decimals):
    return f"{decimal.Decimal(minor).scaleb(-decimals):.{decimals}f}"


def compare(line, form, accounts):
    """The line of the journal says what the form says, and nothing else."""
    booked_at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=form.booked_at)
    said = (line["sequence"], line["entry"], line["booked_at"], line["effective_date"], line["kind"])
    assert said == (form.sequence, form.key, f"{booked_at:%Y-%m-%dT%H:%M:%S.%f}Z", form.day, form.kind), said
    assert line.get("reverses") == form.reverses and line.get("approved_by") == form.approvers
    assert line.get("period") == form.period
    assert form.content or not {"description", "subject", "metadata"} & line.keys()
    assert len(line["postings"]) == len(form.postings)
    for place, (ours, theirs) in enumerate(zip(line["postings"], form.postings), 1):
        number, commitment, commodity, amount, balance = theirs
        account = accounts[number]
        assert (commitment.hex(), commodity) == (account["commitment"], account["commodity"])
        assert (ours["ordinal"], ours["account"]) == (place, account["account"])
        assert (ours.get("currency"), ours.get("unit")) == (account.get("currency"), account.get("unit"))
        decimals = account["decimals"]
        assert (ours["amount"], ours["balance"]) == (text(amount, decimals), text(balance, decimals))
        lots = [(lot["lot"], lot["amount"], lot["acquired_on"]) for lot in ours.get("lots", [])]
        assert lots == [(name, text(part, decimals), day) for name, part, day, _ in form.lots[place]]
    for ours, (hold, number, _, _, change, amount) in zip(line.get("hold_changes", []), form.changes, strict=True):
        assert (ours["hold"], ours["change"]) == (hold, change)
        if number in accounts:
            assert ours["account"] == accounts[number]["account"]
            assert ours["amount"] == text(amount, accounts[number]["decimals"])


class Tree:
    """A Merkle tree (RFC 6962) that grows leaf by leaf: the roots of its perfect subtrees, largest first."""

    def __init__(self, size, roots):
        assert size.bit_count() == len(roots)
        self.size, self.roots = size, roots

    def push(self, leaf):
        size = self.size
        while size & 1:
            leaf, size = sha256(b"\1", self.roots.pop(), leaf), size >> 1
        self.roots.append(leaf)
        self.size += 1

    def root(self):
        root, *rest = reversed(self.roots)
        for left in rest:
            root = sha256(b"\1", left, root)
        return root


def leads_to(tree, size, proof):
    """The root of the tree of that size which begins with this one (RFC 6962, 2.1.2), if the proof leads there."""
    first, second = tree.size - 1, size - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    hashes = iter(proof)
    old = new = tree.root() if not first else next(hashes)
    for step in hashes:
        if first & 1 or first == second:
            old, new = sha256(b"\1", step, old), sha256(b"\1", step, new)
            while first and not first & 1:
                first, second = first >> 1, second >> 1
        else:
            new = sha256(b"\1", new, step)
        first, second = first >> 1, second >> 1
    assert old == tree.root() and second == 0, "the proof is not from this tree"
    return new


def head_of(note, key):
    """Size and root of a checkpoint (C2SP tlog-checkpoint) that the key signed."""
    name, _, public = key.split("+", 2)
    public = base64.b64decode(public)
    assert public[0] == 1, "the key is no Ed25519 key"
    key_id = sha256(name.encode(), b"\n", public)[:4]
    body, signatures = note.split("\n\n", 1)
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature)
        if dash == "\u2014" and signer == name and signature[:4] == key_id:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], f"{body}\n".encode())
            _, size, root = body.splitlines()[:3]
            return int(size), base64.b64decode(root)
    raise AssertionError("the key did not sign the checkpoint")


def check(path, log_key, house_key=None):
    with tarfile.open(path) as pack:
        files = {member.name: pack.extractfile(member).read() for member in pack.getmembers()}
    manifest = json.loads(files["manifest.json"])
    load_pem_public_key(house_key or files["manifest.pub.pem"]).verify(files["manifest.sig"], files["manifest.json"])
    for file in manifest["files"]:
        assert hashlib.sha256(files[file["name"]]).hexdigest() == file["sha256"], file["name"]
    accounts = {one["number"]: one for one in map(json.loads, files["accounts.jsonl"].splitlines())}
    proof = json.loads(files["log_proof.json"])
    tree = Tree(manifest["first_sequence"] - 1, [bytes.fromhex(root) for root in proof["before"]])
    balances = {number: decimal.Decimal(account["opening"]) for number, account in accounts.items()}
    assert manifest["first_sequence"] > 1 or not any(balances.values()), "an account begins before the first entry"
    lines, leaves = files["journal.jsonl"].splitlines(), files["log.jsonl"].splitlines()
    for expected, (line, leaf) in enumerate(zip(lines, leaves, strict=True), manifest["first_sequence"]):
        line, leaf = json.loads(line), base64.b64decode(json.loads(leaf)["leaf"])
        form = Form(leaf)
        assert (form.sequence, form.book) == (expected, manifest["book"])
        try:
            compare(line, form, accounts)
        except AssertionError as error:
            raise AssertionError(f"entry {expected} is not that of the log") from error
        sums = collections.Counter()
        for posting, (number, *_) in zip(line["postings"], form.postings):
            sums[posting.get("currency") or posting["unit"]] += decimal.Decimal(posting["amount"])
            balances[number] += decimal.Decimal(posting["amount"])
            assert balances[number] == decimal.Decimal(posting["balance"]), f"entry {expected}: a balance does not go on"
        assert not any(sums.values()), f"entry {expected} does not balance"
        tree.push(sha256(b"\0", leaf))
    assert tree.size == manifest["last_sequence"], "entries are missing"
    for number, account in accounts.items():
        assert balances[number] == decimal.Decimal(account["closing"]), account
    assert proof["checkpoint"] == manifest["checkpoint"]
    size, root = head_of(proof["checkpoint"], log_key)
    steps = [bytes.fromhex(step) for step in proof["consistency"]]
    reached = tree.root() if size == tree.size else leads_to(tree, size, steps)
    assert reached == root, "the entries lead to another root"
    return len(lines), size, manifest


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    house = open(sys.argv[3], "rb").read() if len(sys.argv) == 4 else None
    entries, counted, said = check(sys.argv[1], sys.argv[2], house)
    print(f"{entries} entries are in the signed log of {counted}, and every balance goes on")
    part = "the whole" if entries == counted else "a part"
    print(f"{part} of book {said['book']}: entries {said['first_sequence']} through {said['last_sequence']}")
