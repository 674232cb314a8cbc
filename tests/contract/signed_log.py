"""The signed logs of the books: a witness that cosigns, and what anybody and auditors read."""

import base64
import hashlib
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from client import is_there

SIGNED_WITHIN_SECONDS = 30
WITNESS = "witness.example/w1"
# The algorithm of cosignatures, before the public key (C2SP signed-note, tlog-cosignature).
COSIGNATURE_V1 = b"\x04"
KEY = Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32)
PUBLIC_KEY = COSIGNATURE_V1 + KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
KEY_ID = hashlib.sha256(f"{WITNESS}\n".encode() + PUBLIC_KEY).digest()[:4]
VERIFIER_KEY = f"{WITNESS}+{KEY_ID.hex()}+{base64.b64encode(PUBLIC_KEY).decode()}"


def cosigned(note):
    """The line by which the witness signs a checkpoint."""
    text = note.partition("\n\n")[0]
    now = int(time.time())
    signature = KEY.sign(f"cosignature/v1\ntime {now}\n{text}\n".encode())
    signature = base64.b64encode(KEY_ID + now.to_bytes(8) + signature).decode()
    return f"— {WITNESS} {signature}\n"


def prepare(anybody, auditor):
    """What of the log of book 1 there is to be asked for, as soon as its worker has signed it."""
    deadline = time.monotonic() + SIGNED_WITHIN_SECONDS
    while not is_there(anybody, "/log/1/checkpoint"):
        if time.monotonic() > deadline:
            raise SystemExit("no checkpoint was signed")
        time.sleep(0.2)
    note = anybody.get("/log/1/checkpoint")
    size = int(note.splitlines()[1])
    anybody.get("/log/1/keys")
    anybody.send_file(f"/log/1/checkpoints/{size}/cosignatures", "text/plain", cosigned(note))
    assert WITNESS in anybody.get(f"/log/1/checkpoints/{size}")
    anybody.get("/log/1/tile/0%2F000.p%2F1")
    first = auditor.get("/entries?order=oldest-first&limit=5")["entries"]
    for read in (
        "checkpoint",
        "tile/entries%2F000.p%2F1",
        f"proofs/inclusion?sequence=1&size={size}",
        f"proofs/inclusion?entry={first[1]['entry']}",
        f"proofs/consistency?from=1&to={size}",
    ):
        auditor.get(f"/log/1/{read}")
    sequences = [one["sequence"] for one in first]
    return {
        "entries": [one["entry"] for one in first],
        "sequences": [*sequences, size],
        "sizes": [size],
        "moments": [one["booked_at"] for one in first],
        "tiles": ["0/000.p/1", f"0/000.p/{min(size, 255)}", "entries/000.p/2"],
    }
