"""A passkey in software: what a phone does when WebAuthn asks it, as far as a server can see it."""

import base64
import hashlib
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

SHOWN, MADE = 0x05, 0x45


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Passkey:
    def __init__(self, domain, origin):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential = os.urandom(32)
        self.domain, self.origin = domain, origin
        self.counter = 0

    def client_data(self, kind, asked):
        data = {"type": kind, "challenge": asked["publicKey"]["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(data).encode()

    def data(self, flags, attached=b""):
        domain = hashlib.sha256(self.domain.encode()).digest()
        return domain + bytes([flags]) + struct.pack(">I", self.counter) + attached

    def answer(self, response):
        return {"id": encoded(self.credential), "rawId": encoded(self.credential), "type": "public-key",
                "extensions": {}, "response": response}

    def make(self, asked):
        point = self.key.public_key().public_numbers()
        # No model, the credential's id, the key in COSE (RFC 9053, 7.1.1).
        attested = bytes(16) + struct.pack(">H", 32) + self.credential + bytes.fromhex("a5010203262001215820")
        attested += point.x.to_bytes(32, "big") + bytes.fromhex("225820") + point.y.to_bytes(32, "big")
        data = self.data(MADE, attested)
        # {"fmt": "none", "attStmt": {}, "authData": data} in CBOR.
        made = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58" + bytes([len(data)]) + data
        client = self.client_data("webauthn.create", asked)
        return self.answer({"attestationObject": encoded(made), "clientDataJSON": encoded(client)})

    def sign(self, asked):
        self.counter += 1
        client, data = self.client_data("webauthn.get", asked), self.data(SHOWN)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self.answer({"authenticatorData": encoded(data), "clientDataJSON": encoded(client),
                            "signature": encoded(signature), "userHandle": None})
