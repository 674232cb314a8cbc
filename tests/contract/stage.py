"""Real data, prepared over HTTP as its owners would: so that requests find something, not only refusals."""

import datetime
import email
import email.policy
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

CODE_ARRIVES_WITHIN_SECONDS = 30
CONTACT = "awa@example.org"
PASSWORD = "baobab-au-bord-du-fleuve"
INSTITUTION = "caisse-thies"


def now_and(**later):
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(**later)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def euro(amount):
    return {"amount": amount, "currency": "EUR"}


class Client:
    """Somebody with a token for one surface."""

    def __init__(self, base, audience, token=None):
        self.base, self.audience, self.token = base, audience, token

    def ask(self, method, path, body=None, form=None):
        data, headers = None, {}
        if form is not None:
            data = urllib.parse.urlencode(form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        if method == "POST" and form is None:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        url = f"{self.base}/v1/{self.audience}{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {url}: {error.code} {error.read().decode(errors='replace')}") from error
        return json.loads(text) if text else None

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, body=None):
        return self.ask("POST", path, body)

    def sign_in(self, credential):
        form = {
            "grant_type": "client_credentials",
            "client_id": credential["client_id"],
            "client_secret": credential["client_secret"],
        }
        self.token = self.ask("POST", "/oauth/token", form=form)["access_token"]
        return self


class Stage:
    """Who is there, and what of each kind; `known` are the ids that requests may try."""

    def __init__(self, base, directory):
        self.base, self.directory = base, directory
        self.known = {}
        first = json.loads((directory / "first-operator.json").read_text())
        self.operator = Client(base, "operator").sign_in(first)
        self.set_rates()
        self.partner = self.live_institution()
        self.migrant = self.migrant_with_identity()
        self.projects()
        self.remittances()
        self.referrals()
        grant = {"auditor": "Nafi Sarr, Sarr & Associés", "ends_at": now_and(days=30)}
        self.auditor = Client(base, "audit").sign_in(self.operator.post("/audit-grants", grant))

    def tokens(self):
        people = (self.migrant, self.partner, self.auditor, self.operator)
        return {client.audience: client.token for client in people}

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
        self.operator.post(f"/institutions/{approved}/approval")
        self.known["institutions"] = [applied, approved]
        credential = self.operator.post(f"/institutions/{live}/credentials")
        return Client(self.base, "partner").sign_in(credential)

    def migrant_with_identity(self):
        client = Client(self.base, "mobile")
        client.post("/registrations", {"contact": CONTACT, "password": PASSWORD, "language": "en"})
        client.post("/registrations/confirmation", {"contact": CONTACT, "code": self.code_from_mail()})
        client.token = client.post("/tokens", {"contact": CONTACT, "password": PASSWORD})["access_token"]
        identity = {
            "name": "Awa Ndiaye",
            "birth_date": "1990-04-02",
            "address": "12 rue de la Paix, Lyon",
            "country": "FR",
        }
        client.ask("PUT", "/me/identity", identity)
        return client

    def code_from_mail(self):
        deadline = time.monotonic() + CODE_ARRIVES_WITHIN_SECONDS
        while time.monotonic() < deadline:
            for path in self.directory.glob("mail/*.eml"):
                text = email.message_from_bytes(path.read_bytes(), policy=email.policy.default).get_body()
                found = text and re.search(r"\b[0-9]{6}\b", text.get_content())
                if found:
                    return found.group()
            time.sleep(0.1)
        raise SystemExit("no mail with a code has arrived")

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
        self.built = to_build

    def remit(self, allocations=()):
        quote = {
            "corridor": "eur-xof",
            "side": "send",
            "amount": euro("60.00"),
            "allocations": list(allocations),
        }
        quote = self.migrant.post("/quotes", quote)
        accepted = {"quote": quote["id"], "beneficiary": self.beneficiary}
        return quote, self.migrant.post("/remittances", accepted)

    def pay_in(self, remittance, amount=None):
        pay_in = {
            "provider": "bank",
            "provider_reference": uuid.uuid4().hex,
            "amount": amount or remittance["to_pay"],
            "value_date": now_and()[:10],
            "text": f"virement {remittance['reference']} merci",
        }
        return self.operator.post("/pay-ins", pay_in)

    def remittances(self):
        """One in each state: awaiting funds, funded, submitted, ready, paid out, cancelled and rejected."""
        family = {"name": "Fatou Ndiaye", "channel": "cash", "institution": INSTITUTION}
        self.beneficiary = self.migrant.post("/beneficiaries", family)["id"]
        parts = [{"project": self.built["id"], "amount": euro("20.00")}, {"project": self.school["id"], "share_basis_points": 1000}]
        made = [self.remit(parts) for _ in range(7)]
        awaiting, cancelled, *fetched = [remittance for _, remittance in made]
        pay_ins = [self.pay_in(remittance) for remittance in (cancelled, *fetched)]
        pay_ins += [self.pay_in(awaiting, euro("1.00")) for _ in range(3)]
        self.migrant.post(f"/remittances/{cancelled['id']}/cancellation")
        self.partner.post("/payouts/claims", {"limit": 100})
        _, ready, paid, rejected, _ = [remittance["id"] for remittance in fetched]
        self.partner.post(f"/payouts/{ready}/ready")
        self.partner.post(f"/payouts/{paid}/confirmation")
        self.partner.post(f"/payouts/{rejected}/rejection", {"reason": "name-differs"})
        _, funded = self.remit(parts)
        pay_ins.append(self.pay_in(funded))
        open_quotes = [self.migrant.post("/quotes", {"corridor": "eur-xof", "side": "send", "amount": euro("60.00")})]
        self.known["quotes"] = [quote["id"] for quote in open_quotes] + [quote["id"] for quote, _ in made]
        self.known["beneficiaries"] = [self.beneficiary]
        self.known["remittances"] = [remittance["id"] for _, remittance in made] + [funded["id"]]
        self.known["pay-ins"] = [pay_in["id"] for pay_in in reversed(pay_ins)]
        self.known["references"] = [awaiting["reference"], paid and fetched[2]["reference"]]
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
        self.known["disbursements"] = [one["id"] for one in self.partner.get("/disbursements")]

    def referrals(self):
        """One proposed, one sent to the institution, one with an account."""
        family = {"family_member": "Fatou Ndiaye"}
        made = []
        for product in ("savings", "cash-payout", "account-payout"):
            need = {"product": product, "country": "SN", "region": "Thiès", "language": "wo"}
            made.append(self.migrant.post("/referrals", need)[0]["id"])
        _, sent, opened = made
        for referral in (sent, opened):
            self.migrant.post(f"/referrals/{referral}/acceptance", family)
        self.partner.post(f"/referrals/{opened}/account", {"account_number": "SN-0001-7788"})
        self.known["referrals"] = made
