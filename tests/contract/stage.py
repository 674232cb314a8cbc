"""Real data, prepared over HTTP as its owners would: so that requests find something, not only refusals.

On the way every endpoint is asked once as it is meant, and its answer held against its document.
"""

import datetime
import email
import email.policy
import json
import pathlib
import re
import time
import uuid

import account
import bounces
import families
import signed_log
import statements
from client import Client

CODE_ARRIVES_WITHIN_SECONDS = 30
CONTACT = "awa@example.org"
PASSWORD = "baobab-au-bord-du-fleuve"
INSTITUTION = "caisse-thies"
CAMT_054 = """\
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><Ntfctn><Ntry>
<Amt Ccy="EUR">2.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>
<AcctSvcrRef>B1</AcctSvcrRef><AddtlNtryInf>{text}</AddtlNtryInf>
</Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>
"""
CARD = pathlib.Path(__file__).parents[1] / "fixtures/documents/card.png"
INVENTED_LIST = """\
id,schema,name,aliases,birth_date,countries,last_change
invented-1,Person,Kassoum Ould Brahim Tambadou,Qassim Tambadu,1971-04-23,ml,2026-01-12T06:00:00
invented-2,Person,Fodié Tounkaranké,,1980-02,ml;sn,2026-01-12T06:00:00
invented-3,Person,Yerima Zakaryaou,,1968,ne,2026-01-12T06:00:00
"""


def now_and(**later):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**later)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def euro(amount):
    return {"amount": amount, "currency": "EUR"}


class Mails:
    """What was sent during development; each code is taken once."""

    def __init__(self, directory):
        self.directory = directory
        self.read = set()

    def code(self, contact):
        """The code of a mail to a contact that was not read yet, once it is there."""
        deadline = time.monotonic() + CODE_ARRIVES_WITHIN_SECONDS
        while time.monotonic() < deadline:
            for path in set(self.directory.glob("mail/*.eml")) - self.read:
                mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                text = mail.get_body()
                found = text and re.search(r"\b(?:[0-9]{6}|[0-9]{10})\b", text.get_content())
                if found and contact in mail["To"]:
                    self.read.add(path)
                    return found.group()
            time.sleep(0.1)
        raise SystemExit("no mail with a code has arrived")


class Stage:
    """Who is there, and what of each kind; `known` are the ids that requests may try."""

    def __init__(self, base, directory):
        self.base, self.directory = base, directory
        self.known = {}
        self.mails = Mails(directory)
        first = json.loads((directory / "first-operator.json").read_text())
        self.operator = Client(base, "operator").sign_in(first)
        self.set_rates()
        self.partner = self.live_institution()
        self.migrant = self.person(CONTACT, "Awa Ndiaye")
        self.projects()
        self.remittances()
        self.referrals()
        self.known.update(families.prepare(self))
        self.bank_files()
        self.known.update(statements.prepare(self.operator, self.paid_in, now_and()[:10]))
        self.by_two()
        self.screening()
        self.bounced_mail()
        self.documents()
        grant = {"auditor": "Nafi Sarr, Sarr & Associés", "ends_at": now_and(days=30)}
        self.auditor = Client(base, "audit").sign_in(self.operator.post("/audit-grants", grant))
        # Those that operators try their hand on.
        spare = [self.operator.post("/audit-grants", grant)["grant"] for _ in range(2)]
        self.operator.post(f"/audit-grants/{spare[0]}/revocation")
        self.known["audit-grants"] = spare
        self.anybody = Client(base, "public")
        self.known.update(signed_log.prepare(self.anybody, self.auditor))
        self.migrant.add(account.prepare(base, self.mails))
        self.read_everything()
        people = (self.migrant, self.partner, self.auditor, self.operator, self.anybody)
        self.clients = {client.audience: client for client in people}

    def set_rates(self):
        rates = {"USD": "1.0850", "MAD": "10.8712", "GBP": "0.8430", "CAD": "1.4800"}
        rates = [{"base": "EUR", "counter": to, "rate": rate, "set_at": now_and()} for to, rate in rates.items()]
        self.operator.post("/rates", {"rates": rates})

    def apply(self, code, name):
        profile = {
            "code": code,
            "name": name,
            "country": "SN",
            "regions": ["Thiès"],
            "languages": ["fr", "wo"],
            "products": ["cash-payout", "account-payout", "savings"],
        }
        return self.operator.post("/institutions", profile)["id"]

    def live_institution(self):
        live = self.apply(INSTITUTION, "Caisse de Thiès")
        self.operator.post(f"/institutions/{live}/approval")
        self.operator.post(f"/institutions/{live}/launch")
        # Those that operators try their hand on; the live one must go on serving the other surfaces.
        applied, approved = self.apply("caisse-applied", "Caisse A"), self.apply("caisse-approved", "Caisse B")
        suspended = self.apply("caisse-suspended", "Caisse C")
        for institution in (approved, suspended):
            self.operator.post(f"/institutions/{institution}/approval")
        self.operator.post(f"/institutions/{suspended}/launch")
        self.operator.post(f"/institutions/{suspended}/suspension")
        self.known["institutions"] = [applied, approved, suspended]
        replaced = self.operator.post(f"/institutions/{live}/credentials")
        credential = self.operator.post(f"/institutions/{live}/credentials")
        self.operator.post(f"/institutions/{live}/credentials/{replaced['client_id']}/revocation")
        return Client(self.base, "partner").sign_in(credential)

    def person(self, contact, name):
        """Somebody with a proven device and an identity."""
        client = Client(self.base, "mobile")
        client.post("/registrations", {"contact": contact, "password": PASSWORD, "language": "en"})
        client.post("/registrations/code", {"contact": "somebody@example.org"})
        client.post("/registrations/confirmation", {"contact": contact, "code": self.mails.code(contact)})
        client.token = client.post("/tokens", {"contact": contact, "password": PASSWORD})["access_token"]
        client.post("/me/device/code")
        client.put("/me/device/proof", {"code": self.mails.code(contact)})
        identity = {"name": name, "birth_date": "1990-04-02", "address": "12 rue de la Paix, Lyon", "country": "FR"}
        client.put("/me/identity", identity)
        return client

    def strangers(self):
        """Of the surfaces on which what is there belongs to one: somebody else who may come in."""
        other = self.apply("caisse-stranger", "Caisse D")
        self.operator.post(f"/institutions/{other}/approval")
        self.operator.post(f"/institutions/{other}/launch")
        credential = self.operator.post(f"/institutions/{other}/credentials")
        self.colleague.post(f"/institutions/{other}/credentials/{credential['client_id']}/approval")
        partner = Client(self.base, "partner").sign_in(credential)
        return {"mobile": self.person("cheikh@example.org", "Cheikh Fall"), "partner": partner}

    def bounced_mail(self):
        """Two mails that came back, one of which goes out again."""
        for number in range(2):
            registration = {"contact": f"gone-{number}@example.org", "password": PASSWORD, "language": "ar"}
            self.migrant.post("/registrations", registration)
        returned = []
        deadline = time.monotonic() + CODE_ARRIVES_WITHIN_SECONDS
        while len(returned) < 2 and time.monotonic() < deadline:
            mails = [email.message_from_bytes(path.read_bytes()) for path in self.directory.glob("mail/*.eml")]
            returned = [mail for mail in mails if str(mail["To"]).startswith("gone-")]
            time.sleep(0.1)
        reports = [bounces.report_on(mail) for mail in returned]
        taken = [self.operator.send_file("/bounces", "message/rfc822", report) for report in reports]
        self.known["messages"] = [one["message"] for one in taken]
        self.operator.post(f"/dead-letters/{self.known['messages'][1]}/redelivery")

    def project(self, title, vetted=True, opened=True):
        project = {
            "title": title,
            "summary": "Trois salles en dur à Keur Mousseu.",
            "institution": INSTITUTION,
            "minimum": euro("10.00"),
            "maximum": euro("3000.00"),
            "deadline": now_and(days=90),
            "milestones": [
                {"title": "Murs", "share_basis_points": 6000, "supplier": "Entreprise Diagne"},
                {"title": "Toiture", "share_basis_points": 4000, "supplier": "Menuiserie Sarr"},
            ],
        }
        made = self.migrant.post("/projects", project)
        if vetted:
            checklist = {"decision": "approve", "checklist": ["the land belongs to the village"]}
            self.partner.post(f"/projects/{made['id']}/vetting", checklist)
        if vetted and opened:
            self.migrant.post(f"/projects/{made['id']}/opening")
        return made

    def projects(self):
        self.school = self.project("Une école")
        to_build = self.project("Un forage")
        submitted, vetted = self.project("Un moulin", vetted=False), self.project("Un marché", opened=False)
        self.known["projects"] = [one["id"] for one in (self.school, to_build, submitted, vetted)]
        unit = {"code": "unit:ecole-1", "name": "Une école, premier tour", "project": self.school["id"]}
        self.operator.post("/units", unit)
        self.operator.post("/units", unit)
        self.built = to_build

    def remit(self):
        """A quote that was accepted, with parts for both projects, and its remittance."""
        parts = [
            {"project": self.built["id"], "amount": euro("20.00")},
            {"project": self.school["id"], "share_basis_points": 1000},
        ]
        asked = {"corridor": "eur-xof", "side": "send", "amount": euro("60.00"), "allocations": parts}
        quote = self.migrant.post("/quotes", asked)
        self.known["quotes"].append(quote["id"])
        remittance = self.migrant.post("/remittances", {"quote": quote["id"], "beneficiary": self.beneficiary})
        self.known["remittances"].append(remittance["id"])
        return remittance

    def pay_in(self, amount, text):
        pay_in = {
            "provider": "bank",
            "provider_reference": uuid.uuid4().hex,
            "amount": amount,
            "value_date": now_and()[:10],
            "text": text,
        }
        made = self.operator.post("/pay-ins", pay_in)
        self.known["pay-ins"].insert(0, made["id"])
        return made

    def funded(self):
        remittance = self.remit()
        self.pay_in(remittance["to_pay"], f"virement {remittance['reference']} merci")
        self.paid_in = remittance
        return remittance

    def remittances(self):
        """One in each state, and pay-ins that wait for a person."""
        self.known.update({"quotes": [], "remittances": [], "pay-ins": []})
        family = {"name": "Fatou Ndiaye", "channel": "cash", "institution": INSTITUTION}
        self.beneficiary = self.migrant.post("/beneficiaries", family)["id"]
        self.known["beneficiaries"] = [self.beneficiary]
        self.migrant.post(f"/remittances/{self.funded()['id']}/cancellation")
        ready, paid, rejected, _ = [self.funded()["id"] for _ in range(4)]
        self.partner.post("/payouts/claims", {"limit": 100})
        self.partner.post(f"/payouts/{ready}/ready")
        self.partner.post(f"/payouts/{paid}/confirmation")
        self.partner.post(f"/payouts/{rejected}/rejection", {"reason": "name-differs"})
        returned, funded = self.funded(), self.funded()
        self.operator.post("/remittances/returns", {"reference": returned["reference"]})
        by_hand, self.awaiting = self.remit(), self.remit()
        found = self.pay_in(by_hand["to_pay"], "sans référence")
        self.operator.post(f"/pay-ins/{found['id']}/match", {"reference": by_hand["reference"]})
        found = self.pay_in(euro("3.00"), by_hand["reference"])
        self.operator.post(f"/pay-ins/{found['id']}/credit", {"reference": by_hand["reference"]})
        for _ in range(3):
            self.pay_in(euro("1.00"), self.awaiting["reference"])
        self.known["references"] = [one["reference"] for one in (self.awaiting, funded, by_hand, returned)]
        self.build()

    def build(self):
        """One campaign is over, its first milestone released and the supplier to be paid, its second reported."""
        project = self.migrant.post(f"/projects/{self.built['id']}/closing")
        first, second = (milestone["id"] for milestone in project["milestones"])
        for milestone in (first, second):
            self.migrant.post(f"/milestones/{milestone}/report", {"evidence": "Procès-verbal signé"})
        self.partner.post(f"/milestones/{first}/approval")
        self.operator.post(f"/milestones/{first}/approval")
        self.known["milestones"] = [second, first]
        paid, *ordered = [one["id"] for one in self.partner.get("/disbursements")]
        self.partner.post(f"/disbursements/{paid}/payment", {"reference": "VIR-2026-0147"})
        self.known["disbursements"] = [*ordered, paid]

    def referrals(self):
        """One proposed, one sent to the institution, one with an account, one declined."""
        family = {"family_member": "Fatou Ndiaye"}
        made = []
        for product in ("savings", "cash-payout", "account-payout", "savings", "cash-payout"):
            need = {"product": product, "country": "SN", "region": "Thiès", "language": "wo"}
            made.append(self.migrant.post("/referrals", need)[0]["id"])
        _, sent, opened, declined, withdrawn = made
        for referral in (sent, opened, declined, withdrawn):
            consent = self.migrant.post(f"/referrals/{referral}/acceptance", family)["consent"]
        self.migrant.post(f"/consents/{consent}/withdrawal")
        self.known["consents"] = [consent]
        self.partner.post(f"/referrals/{opened}/account", {"account_number": "SN-0001-7788"})
        self.partner.post(f"/referrals/{declined}/decline", {"reason": "outside our region"})
        self.migrant.post(f"/referrals/{opened}/beneficiary", family)
        self.known["referrals"] = made

    def bank_files(self):
        day, text = now_and()[:10], self.awaiting["reference"]
        lines = f"provider_reference,amount,currency,value_date,text\nA1,1.00,EUR,{day},{text}\n"
        self.operator.send_file("/pay-ins/files/csv?provider=bank", "text/csv", lines)
        message = CAMT_054.format(day=day, text=text)
        self.operator.send_file("/pay-ins/files/camt.054?provider=bank", "application/xml", message)

    def by_two(self):
        """A second operator, who approves; a third who waits and a fourth who is gone; a close and an adjustment after it."""
        second, third, fourth = [self.operator.post("/operators", {"name": name}) for name in ("Binta", "Codou", "Dieynaba")]
        other = self.colleague = Client(self.base, "operator").sign_in(second["credential"])
        # A credential that one asks for and the other lets in.
        credentials = f"/institutions/{self.known['institutions'][2]}/credentials"
        issued = self.operator.post(credentials)["client_id"]
        other.post(f"{credentials}/{issued}/approval")
        self.operator.get(f"{credentials}?limit=1")
        fourth = fourth["operator"]["id"]
        other.post(f"/operators/{fourth}/approval")
        other.post(f"/operators/{fourth}/revocation")
        # Nobody approves or sends away those who do the asking.
        self.known["operators"] = [third["operator"]["id"], fourth]
        yesterday = now_and(days=-1)[:10]
        sides = {"debit": "expenses:pay-in:bank", "credit": "assets:operating:bank"}
        lines = [{"account": account, "side": side, "amount": euro("3.50")} for side, account in sides.items()]
        adjustment = {"kind": "adjustment", "effective_date": yesterday, "lines": lines}
        actions = [{"kind": "close", "through": yesterday}, adjustment, adjustment, adjustment]
        made = [self.operator.post("/books/1/proposals", {"reason": "month's end", "action": one}) for one in actions]
        self.operator.post("/books/1/proposals/preview", {"reason": "month's end", "action": adjustment})
        for proposal in made[:2]:
            done = other.post(f"/books/1/proposals/{proposal['id']}/approval", {"digest": proposal["digest"]})
        other.post(f"/books/1/proposals/{made[2]['id']}/withdrawal")
        self.between_books(other)
        self.known["proposals"] = [made[3]["id"], done["id"], made[2]["id"]]
        self.close = self.recorded_close()
        self.known["closes"] = [self.close]
        self.operator.answered |= other.answered

    def between_books(self, other):
        """Transfers that two operators want: one that arrives, one that comes back."""
        for account in ("equity:capital", "liabilities:wallet:typing-error"):
            to = {"book": 2, "account": account}
            transfer = {"kind": "transfer", "from": "equity:capital", "to": to, "amount": euro("5.00")}
            wish = {"reason": "capital for the other book", "action": transfer}
            proposal = self.operator.post("/books/1/proposals", wish)
            other.post(f"/books/1/proposals/{proposal['id']}/approval", {"digest": proposal["digest"]})

    def recorded_close(self):
        deadline = time.monotonic() + CODE_ARRIVES_WITHIN_SECONDS
        while time.monotonic() < deadline:
            [close] = self.operator.get("/books/1/periods")["items"]
            if close["recorded_balances"] is not None:
                return close["sequence"]
            time.sleep(0.2)
        raise SystemExit("no close was recorded")

    def screening(self):
        """One case that is cleared, one that waits for its second operator, one that is open; all are invented people."""
        loaded = "/screening/lists/invented/versions?format=opensanctions-csv"
        self.operator.send_file(loaded, "text/csv", INVENTED_LIST)
        for name in ("Kassoum Tambadou", "Fodié Tounkaranké", "Yerima Zakaryaou"):
            self.migrant.post("/beneficiaries", {"name": name, "channel": "cash", "institution": INSTITUTION})
        cleared, confirmed, still_open = [case["id"] for case in self.operator.get("/screening/cases")["items"]]
        self.operator.post(f"/screening/cases/{cleared}/clearance", {"reason": "born elsewhere"})
        self.operator.post(f"/screening/cases/{confirmed}/confirmation", {"reason": "the passport says so"})
        self.known["cases"] = [still_open, confirmed, cleared]

    def documents(self):
        """Papers in each state that a verdict brings about, and the source of funds; all are invented."""
        made = []
        for kind in ("passport", "national-card", "asylum-paper", "consular-card"):
            paper = {"kind": kind, "country": "SN", "number": f"{kind[0].upper()}-1234", "expires_on": now_and(days=900)[:10]}
            made.append(self.migrant.post("/documents", paper)["id"])
            self.migrant.put_file(f"/documents/{made[-1]}/images/1", "image/png", CARD.read_bytes())
            verdict = {"revision": 1, "note": "looked at it"}
            if kind in ("passport", "asylum-paper"):
                self.operator.post(f"/documents/{made[-1]}/acceptance", verdict)
            if kind == "national-card":
                self.operator.post(f"/documents/{made[-1]}/rejection", verdict | {"reason": "unreadable"})
        funds = self.migrant.post("/documents/source-of-funds", {"statement": "Salaire de la boulangerie"})["id"]
        paper = {"kind": "passport", "country": "FR", "number": "X1", "expires_on": now_and(days=900)[:10]}
        withdrawn = self.migrant.post("/documents", paper)["id"]
        self.migrant.post(f"/documents/{withdrawn}/withdrawal")
        accepted, rejected, in_review, waiting = made
        self.known["documents"] = [accepted, waiting, in_review, rejected, funds]

    def read_everything(self):
        first = {kind: values[0] for kind, values in self.known.items()}
        account = "/accounts/revenue:fees:eur-xof"
        reads = {
            self.migrant: [
                "/me",
                f"/quotes/{first['quotes']}",
                "/beneficiaries",
                "/remittances?limit=2",
                f"/remittances/{first['remittances']}",
                "/wallet",
                "/wallet/statement?currency=EUR&limit=2",
                "/referrals",
                "/projects",
                "/commitments",
                "/households",
                f"/households/{first['households']}",
                "/children",
                f"/children/{first['children']}",
                f"/children/{first['children']}/statement?currency=EUR",
                f"/children/{first['children']}/spendings?limit=2",
                f"/spendings/{first['spendings']}",
                "/documents",
                "/consents?limit=2",
                "/me/data-reads?limit=2",
            ],
            self.partner: [
                "/payouts?state=paid-out",
                f"/payouts/{first['remittances']}",
                "/referrals",
                "/projects",
                f"/projects/{self.built['id']}/milestones",
                "/disbursements",
                "/child-payments?state=ordered&limit=2",
                "/feed",
                "/feed/stream?for_seconds=1",
            ],
            self.auditor: [
                "/trial-balance",
                "/units",
                "/units/unit:ecole-1/cap-table",
                "/accounts?depth=2",
                f"/entries/{first['entries']}",
                f"{account}/balance?currency=EUR",
                f"{account}/statement?currency=EUR",
                "/safeguarding",
                "/verification",
                "/journal.hledger",
                "/exports/journal.jsonl?from_sequence=2",
                "/exports/gl_detail.csv/manifest",
                f"{account}/statement.camt053.xml?currency=EUR",
                "/feed",
                "/feed/stream?for_seconds=1",
                "/periods",
                f"/periods/{self.close}/balances?limit=2",
            ],
            self.operator: ["/safeguarding", "/rates", "/units", "/pay-ins?limit=2", "/milestones", "/guardians", "/child-payments?institution=caisse-thies", "/book-transfers?from_book=1", "/book-positions", "/operators", "/books/1/proposals", f"/books/1/proposals/{first['proposals']}", f"/books/1/periods/{self.close}/balances", "/audit-grants?limit=1", "/dead-letters?limit=1", "/screening/versions?limit=2", "/screening/subjects?limit=1", "/screening/cases?state=open&limit=2", f"/screening/cases/{first['cases']}", "/documents?limit=2", f"/documents/{first['documents']}", f"/documents/{first['documents']}/images/1"],
            self.anybody: [
                "/corridors",
                "/prices?corridor=eur-xof&amount=100.00",
                "/institutions",
                "/projects",
                f"/projects/{first['projects']}",
                "/keys",
                "/problems/not-found",
            ],
        }
        for client, paths in reads.items():
            for path in paths:
                client.get(path)
