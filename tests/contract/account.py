"""A person's account over its life: devices, second factors, a new password, a recovery."""

import base64
import hmac
import struct
import time

from client import Client
from passkey import Passkey

CONTACT = "coumba@example.org"
PASSWORD, NEXT, LAST = "baobab-au-bord-du-fleuve", "fromager-de-la-place", "tamarinier-du-puits"
# The server is set to them.
DOMAIN, ORIGIN = "localhost", "http://localhost"


def one_time_code(secret, step):
    """RFC 6238, for a step of half a minute."""
    digest = hmac.digest(base64.b32decode(secret + "=" * (-len(secret) % 8)), struct.pack(">Q", step), "sha1")
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 15)
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"


def totp(code):
    return {"kind": "totp", "code": code}


def prepare(base, mails):
    """The client that did all of it."""
    client = Client(base, "mobile")
    client.post("/registrations", {"contact": CONTACT, "password": PASSWORD, "language": "en"})
    client.post("/registrations/confirmation", {"contact": CONTACT, "code": mails.code(CONTACT)})
    first = client.post("/tokens", {"contact": CONTACT, "password": PASSWORD, "device": "Binta's phone"})
    first = client.post("/tokens/refresh", {"refresh_token": first["refresh_token"]})
    client.token = first["access_token"]
    client.post("/me/device/code")
    client.put("/me/device/proof", {"code": mails.code(CONTACT)})
    other = client.post("/tokens", {"contact": CONTACT, "password": PASSWORD})["device"]
    client.get("/me/devices")
    client.ask("DELETE", f"/me/devices/{other}")

    app = client.post("/me/second-factors/totp", {"name": "Phone"})
    step = int(time.time()) // 30
    confirmation = {"code": one_time_code(app["secret"], step)}
    client.put(f"/me/second-factors/totp/{app['id']}/confirmation", confirmation)
    passkey = Passkey(DOMAIN, ORIGIN)
    made = client.post("/me/second-factors/passkeys")
    answer = {"name": "Key", "credential": passkey.make(made["passkey"])}
    client.post(f"/me/second-factors/passkeys/{made['challenge']}/confirmation", answer)
    spare = Passkey(DOMAIN, ORIGIN)
    made = client.post("/me/second-factors/passkeys")
    answer = {"credential": spare.make(made["passkey"])}
    spare = client.post(f"/me/second-factors/passkeys/{made['challenge']}/confirmation", answer)
    client.get("/me/second-factors")
    client.ask("DELETE", f"/me/second-factors/{spare['id']}")

    asked = client.post("/tokens", {"contact": CONTACT, "password": PASSWORD})
    shown = {"kind": "passkey", "credential": passkey.sign(asked["passkey"])}
    entered = client.post("/tokens/second-factor", {"challenge": asked["challenge"], "answer": shown})
    client.token = entered["access_token"]
    asked = client.post("/me/second-factor/challenges")
    shown = {"kind": "passkey", "credential": passkey.sign(asked["passkey"])}
    client.put("/me/second-factor/proof", {"challenge": asked["challenge"], "answer": shown})
    client.put("/me/password", {"present": PASSWORD, "password": NEXT})

    recovery = client.post("/recoveries", {"contact": CONTACT})["recovery"]
    client.post(f"/recoveries/{recovery}/confirmation", {"code": mails.code(CONTACT)})
    client.post("/me/recovery/cancellation", {"password": NEXT})
    recovery = client.post("/recoveries", {"contact": CONTACT})["recovery"]
    # The code of the step after: the clock of an app may be ahead by one, and a code is good once.
    shown = {"code": mails.code(CONTACT), "totp": one_time_code(app["secret"], step + 1)}
    begun = client.post(f"/recoveries/{recovery}/confirmation", shown)
    client.post(f"/recoveries/{recovery}/completion", {"key": begun["key"], "password": LAST})
    return client
