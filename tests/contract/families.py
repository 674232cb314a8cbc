"""Households of people and recipients, and what is kept for their children."""

import datetime

INSTITUTION = "caisse-thies"


def euro(amount):
    return {"amount": amount, "currency": "EUR"}


def prepare(stage):
    """Two households of two people, recipients in each state, children with spendings in each state."""
    awa, binta = stage.migrant, stage.person("binta.ndiaye@example.org", "Binta Ndiaye")
    home, other = [awa.post("/households", {"name": name})["id"] for name in ("Famille Ndiaye", "Famille Sarr")]
    for household in (home, other):
        code = awa.post(f"/households/{household}/invitations")["code"]
        joined = binta.post("/invitations/acceptance", {"code": code})
    own, leaving = (member["id"] for member in joined["members"])
    awa.post(f"/households/{other}/members/{leaving}/removal")
    open_one, withdrawn = [awa.post(f"/households/{home}/invitations")["id"] for _ in range(2)]
    awa.post(f"/households/{home}/invitations/{withdrawn}/withdrawal")
    _, member = (member["id"] for member in awa.get(f"/households/{home}")["members"])
    awa.post(f"/households/{home}/members/{member}/headship")
    known = {"households": [home, other], "members": [own], "invitations": [open_one, withdrawn]}
    known["recipients"] = recipients(stage, home)
    known.update(children(stage, home, member, binta))
    awa.answered |= binta.answered
    return known


def recipients(stage, home):
    """One who waits, one who is confirmed, one who was taken out."""
    path = f"/households/{home}/recipients"
    relative = {"known_as": "Mame Fatou", "country": "SN", "region": "Thiès"}
    added = [stage.migrant.post(path, relative) for _ in range(3)]
    confirmed, waiting, removed = [one["recipient"] for one in added]
    document = {
        "code": added[0]["invitation"]["code"],
        "name": "Fatou Ndiaye",
        "birth_date": "1955-01-01",
        "address": "Keur Mousseu",
        "document": "national-card",
    }
    stage.partner.post("/recipients/confirmations", document)
    stage.migrant.post(f"{path}/{confirmed}/beneficiary", {"institution": INSTITUTION})
    stage.migrant.post(f"{path}/{waiting}/code")
    stage.migrant.post(f"{path}/{removed}/removal")
    return [waiting, confirmed]


def children(stage, home, member, binta):
    awa, path = stage.migrant, f"/households/{home}/children"
    purposes = [
        {"purpose": "school", "ceiling": euro("100.00")},
        {"purpose": "health", "ceiling": euro("50.00"), "institution": INSTITUTION},
    ]
    born = datetime.date.today() - datetime.timedelta(days=3000)
    child = {"name": "Khady Ndiaye", "birth_date": born.isoformat(), "limit": euro("2.00"), "purposes": purposes}
    khady = awa.post(path, {**child, "second_guardian": member})["id"]
    binta.post(f"/children/{khady}/guardianship")
    awa.post(f"/children/{khady}/deposits", {"amount": euro("12.00")})

    def asked(amount):
        wish = {"purpose": "school", "amount": euro(amount), "institution": INSTITUTION, "note": "Books"}
        return awa.post(f"/children/{khady}/spendings", wish)["id"]

    paid, declined, ordered = [asked("1.00") for _ in range(3)]
    stage.partner.post(f"/child-payments/{paid}/payment", {"reference": "VIR-2026-0148"})
    stage.partner.post(f"/child-payments/{declined}/decline", {"reason": "not known here"})
    requested, approved, refused, cancelled = [asked("2.50") for _ in range(4)]
    binta.post(f"/spendings/{approved}/approval")
    binta.post(f"/spendings/{refused}/refusal", {"reason": "paid already"})
    awa.post(f"/spendings/{cancelled}/cancellation")

    # One guardian whom the other one agreed to, one whom an operator did, one who waits, one who was taken back.
    agreed, by_staff, waiting = [awa.post(path, child)["id"] for _ in range(3)]

    def named(by, one):
        return by.post(f"/children/{one}/guardians", {"member": member})["guardians"][1]["id"]

    awa.post(f"/children/{agreed}/guardians/{named(binta, agreed)}/consent")
    stage.operator.post(f"/guardians/{named(awa, by_staff)}/consent")
    awa.post(f"/children/{waiting}/guardians/{named(awa, waiting)}/end")
    # What an institution was to pay that was stopped.
    stopped = stage.apply("caisse-stopped", "Caisse D")
    for step in ("approval", "launch"):
        stage.operator.post(f"/institutions/{stopped}/{step}")
    wish = {"purpose": "school", "amount": euro("0.50"), "institution": "caisse-stopped", "note": "Books"}
    given_back = awa.post(f"/children/{khady}/spendings", wish)["id"]
    stage.operator.post(f"/institutions/{stopped}/suspension")
    stage.operator.post(f"/child-payments/{given_back}/return")
    return {
        "children": [khady, agreed, waiting],
        "guardians": [named(awa, waiting)],
        "spendings": [requested, ordered, cancelled],
        "child-payments": [ordered, paid, declined],
    }
