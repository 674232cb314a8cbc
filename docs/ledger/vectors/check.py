#!/usr/bin/env python3
"""Recomputes the test vectors of the transparency log with nothing but Python's hashlib.

Run it without arguments: it names the first vector that differs, and is silent and successful when none does. It was
written from docs/ledger/transparency-log.md alone and shares no code with the ledger.
"""
import hashlib
import json
import pathlib
import struct
import sys
import uuid

HERE = pathlib.Path(__file__).parent


def sha256(data):
    return hashlib.sha256(data).digest()


def text(value):
    data = value.encode()
    return struct.pack(">I", len(data)) + data


def optional(value, encode):
    return b"\0" if value is None else b"\1" + encode(value)


def identifier(value):
    return uuid.UUID(value).bytes


def canonical_json(value):
    # Python orders keys by code points, which is the order of their UTF-8 bytes.
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def content(words):
    return sha256(
        b"teranga content 1"
        + identifier(words["salt"])
        + optional(words["description"], text)
        + optional(words["subject"], identifier)
        + optional(words["metadata"], lambda value: text(canonical_json(value)))
    )


def account(entry):
    return sha256(
        b"teranga account 1"
        + identifier(entry["salt"])
        + struct.pack(">i", entry["commodity"])
        + optional(entry["floor_minor"], lambda value: struct.pack(">q", value))
        + entry["code"].encode()
    )


def definition(unit):
    return sha256(
        b"teranga unit 1"
        + struct.pack(">iB", unit["number"], unit["decimals"])
        + identifier(unit["subject"])
        + struct.pack(">q", unit["opened_at"])
        + text(unit["code"])
        + text(unit["name"])
    )


CHANGES = {"placed": 1, "posted": 2, "released": 3, "expired": 4}
PERIODS = {"closed": 1, "reopened": 2}


def leaf(entry):
    reverses, approvers, period = entry["reverses"], entry["approvers"], entry["period"]
    present = [reverses, approvers, period, entry["content"]]
    units, lots = entry.get("units", []), entry.get("lots", [])
    out = b"teranga entry 2" if units else b"teranga entry 1"
    out += struct.pack(">hq", entry["book"], entry["sequence"]) + identifier(entry["key"])
    out += struct.pack(">qi", entry["booked_at"], entry["effective_date"]) + text(entry["kind"])
    out += bytes([sum(1 << bit for bit, part in enumerate(present) if part is not None)])
    if reverses is not None:
        out += struct.pack(">q", reverses)
    if approvers is not None:
        out += identifier(approvers[0]) + identifier(approvers[1])
    if period is not None:
        out += bytes([PERIODS[period["change"]]]) + struct.pack(">i", period["through"])
        out += identifier(period["approver"]) + optional(period["second"], identifier)
    if entry["content"] is not None:
        out += bytes.fromhex(entry["content"])
    out += struct.pack(">I", len(entry["postings"]))
    for posting in entry["postings"]:
        out += struct.pack(">q", posting["account"]) + bytes.fromhex(posting["commitment"])
        out += struct.pack(">iqq", posting["commodity"], posting["amount"], posting["balance"])
    out += struct.pack(">I", len(entry["hold_changes"]))
    for change in entry["hold_changes"]:
        out += identifier(change["hold"]) + struct.pack(">q", change["account"]) + bytes.fromhex(change["commitment"])
        out += struct.pack(">iBq", change["commodity"], CHANGES[change["change"]], change["amount"])
        if change["change"] == "placed":
            out += struct.pack(">q", change["expires_at"])
    if units:
        out += struct.pack(">I", len(units))
        for unit in units:
            out += struct.pack(">i", unit["number"]) + bytes.fromhex(unit["definition"])
        out += struct.pack(">I", len(lots))
        for lot in lots:
            out += struct.pack(">hqh", lot["ordinal"], *lot["lot"])
            out += struct.pack(">qi", lot["amount"], lot["acquired_on"])
            out += optional(lot["cost"], lambda cost: struct.pack(">iq", *cost))
    return out


def root(leaves):
    """RFC 6962, 2.1."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0])
    left = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\1" + root(leaves[:left]) + root(leaves[left:]))


def inclusion(index, leaves):
    """RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    left = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < left:
        return inclusion(index, leaves[:left]) + [root(leaves[left:])]
    return inclusion(index - left, leaves[left:]) + [root(leaves[:left])]


def consistency(before, leaves, whole=True):
    """RFC 6962, 2.1.2."""
    if before == len(leaves):
        return [] if whole else [root(leaves)]
    left = 1 << ((len(leaves) - 1).bit_length() - 1)
    if before <= left:
        return consistency(before, leaves[:left], whole) + [root(leaves[left:])]
    return consistency(before - left, leaves[left:], False) + [root(leaves[:left])]


def hashes(found):
    return [hash.hex() for hash in found]


def checks():
    entries = json.loads((HERE / "entries.json").read_text())
    for vector in entries["accounts"]:
        yield vector["name"], account(vector["account"]).hex(), vector["commitment"]
    for vector in entries["contents"]:
        yield vector["name"], content(vector["content"]).hex(), vector["commitment"]
    for vector in entries["units"]:
        yield vector["name"], definition(vector["unit"]).hex(), vector["definition"]
    for vector in entries["entries"]:
        canonical = leaf(vector["entry"])
        yield vector["name"], canonical.hex(), vector["canonical"]
        yield vector["name"], sha256(b"\0" + canonical).hex(), vector["leaf_hash"]
    tree = json.loads((HERE / "tree.json").read_text())
    leaves = [bytes.fromhex(leaf) for leaf in tree["leaves"]]
    for size, expected in enumerate(tree["roots"]):
        yield f"root of {size}", root(leaves[:size]).hex(), expected
    for vector in tree["inclusion"]:
        found = hashes(inclusion(vector["index"], leaves[: vector["size"]]))
        yield f"inclusion {vector['index']} in {vector['size']}", found, vector["hashes"]
    for vector in tree["consistency"]:
        found = hashes(consistency(vector["from"], leaves[: vector["to"]]))
        yield f"consistency {vector['from']} to {vector['to']}", found, vector["hashes"]


def main():
    for name, found, expected in checks():
        if found != expected:
            sys.exit(f"{name}: {found} is not {expected}")


if __name__ == "__main__":
    main()
