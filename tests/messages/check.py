"""Registers people whose mails and text messages meet every fortune, and looks at what reaches them."""

import argparse
import email
import email.policy
import html.parser
import json
import pathlib
import re
import shutil
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import bounces
import gateway
import mail_server
from server import Server, free_ports

WAITS_SECONDS = 60
SUBJECTS = {
    "en": "Your code for Teranga",
    "fr": "Votre code Teranga",
    "es": "Su código de Teranga",
    "pt": "O seu código da Teranga",
    "ar": "رمزك لدى تيرانغا",
}


class Surface:
    """Asks the live server."""

    def __init__(self, server):
        self.base = f"{server.base}/v1"
        self.token = None
        credential = json.loads((server.directory / "first-operator.json").read_text())
        form = {"grant_type": "client_credentials", **{key: credential[key] for key in ("client_id", "client_secret")}}
        form = urllib.parse.urlencode(form).encode()
        given = self.ask("POST", "/operator/oauth/token", form, "application/x-www-form-urlencoded")
        self.token = given[1]["access_token"]

    def ask(self, method, path, body=None, media_type="application/json"):
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": media_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.base + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def register(self, contact, language="en"):
        body = {"contact": contact, "password": "baobab-au-bord-du-fleuve", "language": language}
        return self.ask("POST", "/mobile/registrations", json.dumps(body).encode())

    def dead_letters(self):
        status, page = self.ask("GET", "/operator/dead-letters")
        assert status == 200, page
        return page["items"]

    def redeliver(self, message):
        return self.ask("POST", f"/operator/dead-letters/{message}/redelivery")[0]


def eventually(what, look):
    deadline = time.monotonic() + WAITS_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise SystemExit(f"{what} did not come about")


def parsed(content):
    return email.message_from_bytes(content, policy=email.policy.default)


class Markup(html.parser.HTMLParser):
    """The attributes of the page, and what is set apart in it."""

    def __init__(self, text):
        super().__init__()
        self.page, self.open, self.apart = {}, [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "html":
            self.page = dict(attributes)
        if tag not in ("meta", "hr", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, text):
        if self.open and self.open[-1] == "bdi":
            self.apart.append(text)


def mails_have_two_forms_in_every_language(surface, server):
    for language, subject in SUBJECTS.items():
        address = f"{language}@example.org"
        assert surface.register(address, language)[0] == 202
        content = eventually(f"the mail in {language}", lambda: server.taken[address])[0]
        attempt = server.attempts[address][0]
        assert attempt.encrypted and attempt.authenticated and attempt.sender == "no-reply@teranga.example"
        mail = parsed(content)
        assert not mail.defects, mail.defects
        assert mail.get_content_type() == "multipart/alternative"
        assert mail["Subject"] == subject, mail["Subject"]
        assert (mail["To"], mail["Content-Language"]) == (address, language)
        assert mail["Auto-Submitted"] == "auto-generated" and mail["Date"].datetime
        assert re.fullmatch(r"<[0-9a-f-]{36}@teranga\.example>", mail["Message-ID"]), mail["Message-ID"]
        plain, page = mail.iter_parts()
        kinds = [(part.get_content_type(), part.get_content_charset()) for part in (plain, page)]
        assert kinds == [("text/plain", "utf-8"), ("text/html", "utf-8")], kinds
        (code,) = re.findall(r"(?<!\w)[0-9]{6}(?!\w)", plain.get_content())
        markup = Markup(page.get_content())
        assert markup.page == {"lang": language, "dir": "rtl" if language == "ar" else "ltr"}, markup.page
        assert markup.apart == [code] and not markup.open, (markup.apart, markup.open)
        body = json.dumps({"contact": address, "code": code}).encode()
        assert surface.ask("POST", "/mobile/registrations/confirmation", body)[0] == 204


def a_passing_failure_is_tried_again_and_the_mail_arrives_once(surface, server):
    server.plans["later@example.org"] = ["451 4.3.0 try later", "RCPT 450 4.2.1 busy"]
    server.plans["unheard@example.org"] = ["silence"]
    for address in ("later@example.org", "unheard@example.org"):
        assert surface.register(address)[0] == 202
    eventually("the mail after two failures", lambda: server.taken["later@example.org"])
    attempts = server.attempts["later@example.org"]
    ids = {parsed(attempt.content)["Message-ID"] for attempt in attempts if attempt.content}
    assert len(attempts) == 3 and len(ids) == 1, (len(attempts), ids)
    # Who was not heard gets it again under its id, so that a mail server or reader can tell.
    twice = eventually("the mail that was taken unheard", lambda: server.taken["unheard@example.org"][1:])
    ids = {parsed(content)["Message-ID"] for content in (twice[0], server.taken["unheard@example.org"][0])}
    assert len(ids) == 1, ids
    time.sleep(3)
    assert len(server.taken["later@example.org"]) == 1 and len(server.taken["unheard@example.org"]) == 2
    assert not surface.dead_letters()


def too_many_mails_make_the_pauses_grow(surface, server):
    address = "crowded@example.org"
    server.plans[address] = ["452 4.5.3 too many"] * 3 + ["421 4.7.0 too many connections"]
    assert surface.register(address)[0] == 202
    eventually("the mail after four failures", lambda: server.taken[address])
    at = [attempt.at for attempt in server.attempts[address]]
    pauses = [later - earlier for earlier, later in zip(at, at[1:])]
    for pause, least in zip(pauses, (1, 2, 4, 8), strict=True):
        assert least <= pause <= 1.25 * least + 3, pauses


def a_lasting_failure_is_a_dead_letter_at_once(surface, server):
    address = "nobody-of-that-name@example.org"
    server.plans[address] = ["RCPT 550 5.1.1 nobody-of-that-name lives here"] * 2
    assert surface.register(address)[0] == 202
    (letter,) = eventually("the dead letter", surface.dead_letters)
    assert (letter["topic"], letter["attempts"], letter["error"]) == ("mail", 1, "the mail server answered 550"), letter
    time.sleep(3)
    assert len(server.attempts[address]) == 1, "it was tried again"
    assert "nobody-of-that-name" not in json.dumps(surface.dead_letters())
    # The address is there by now: the mail goes out under its id.
    server.plans[address] = []
    assert surface.redeliver(letter["id"]) == 204
    content = eventually("the mail that was sent again", lambda: server.taken[address])[0]
    assert letter["id"] in parsed(content)["Message-ID"]
    assert not surface.dead_letters() and surface.redeliver(letter["id"]) == 409
    assert surface.redeliver(uuid.uuid4()) == 404


def a_mail_that_comes_back_is_a_dead_letter(surface, server):
    address = "moved-away@example.org"
    assert surface.register(address)[0] == 202
    mail = parsed(eventually("the mail", lambda: server.taken[address])[0])
    take = lambda report: surface.ask("POST", "/operator/bounces", report.encode(), "message/rfc822")
    status, told = take(bounces.report_on(mail, "4.4.1", "delayed"))
    assert (status, told["given_up"]) == (200, False) and not surface.dead_letters()
    status, told = take(bounces.report_on(mail))
    assert (status, told["status"], told["given_up"]) == (200, "5.1.1", True)
    (letter,) = surface.dead_letters()
    assert (letter["id"], letter["error"]) == (told["message"], "it came back: 5.1.1"), letter
    foreign = parsed(mail.as_bytes())
    foreign.replace_header("Message-ID", f"<{uuid.uuid4()}@teranga.example>")
    for report in (bounces.report_on(foreign), mail.as_string()):
        status, problem = take(report)
        assert (status, problem["type"]) == (422, "/v1/public/problems/file-refused"), problem
    assert surface.redeliver(letter["id"]) == 204
    eventually("the mail once more", lambda: server.taken[address][1:])


def text_messages_reach_phones(surface, messages):
    well, later, never = "+221771234567", "+221771234568", "+221771234569"
    messages.plans[later] = [503, 307, 429]
    messages.plans[never] = [422]
    for number, language in ((well, "ar"), (later, "pt"), (never, "en")):
        assert surface.register(number, language)[0] == 202
    (letter,) = eventually("the text message that is refused", surface.dead_letters)
    assert (letter["topic"], letter["error"]) == ("phone", "the gateway answered 422"), letter
    eventually("the text message after three failures", lambda: messages.attempts[later][3:])
    assert len(messages.attempts[never]) == len(messages.attempts[well]) == 1
    for number in (well, later):
        ids = {(headers["Idempotency-Key"], body["id"]) for headers, body in messages.attempts[number]}
        assert len(ids) == 1 and len(set(*ids)) == 1, ids
        texts = {body["text"] for _, body in messages.attempts[number]}
        (code,) = re.findall(r"[0-9]{6}", *texts)
        body = json.dumps({"contact": number, "code": code}).encode()
        assert surface.ask("POST", "/mobile/registrations/confirmation", body)[0] == 204


def who_is_not_the_mail_server_gets_no_mail(surface, impostor):
    assert surface.register("awa@example.org")[0] == 202
    eventually("two attempts to send", lambda: impostor.handshakes >= 2)
    assert not impostor.attempts and not surface.dead_letters()
    status, problem = surface.register("+221771234567")
    assert (status, problem["errors"][0]["code"]) == (422, "phone-not-reached"), problem


def a_wrong_password_loses_no_mail(surface, server):
    assert surface.register("awa@example.org")[0] == 202
    eventually("two attempts to send", lambda: server.refused_passwords >= 2)
    assert not server.attempts and not surface.dead_letters()


def settings(port, authority, password, further=""):
    password = urllib.parse.quote(password, safe="")
    return f"""\
[mail]
transport = "smtp"
smtp_url = "smtp://{mail_server.USER}:{password}@127.0.0.1:{port}?tls=required"
smtp_ca_file = "{authority.resolve()}"
{further}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--room", type=pathlib.Path, required=True)
    options = parser.parse_args()
    # Leaving by an exception stops the server, however we are told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    room = options.room / "room"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    authority, with_key = mail_server.certificate(room, "known")
    _, with_other_key = mail_server.certificate(room, "unknown")
    port, gateway_port = free_ports(2)
    sms = f'[sms]\ngateway_url = "http://127.0.0.1:{gateway_port}/messages"\ntoken = "{gateway.TOKEN}"'
    passed = 0

    def story(check, *parties):
        nonlocal passed
        check(*parties)
        passed += 1
        print(f"{check.__name__.replace('_', ' ')}: ok", flush=True)

    further = settings(port, authority, mail_server.PASSWORD, sms)
    with mail_server.MailServer(port, with_key) as mails, gateway.Gateway(gateway_port) as messages:
        with Server(options.program, room, further=further) as server:
            surface = Surface(server)
            story(mails_have_two_forms_in_every_language, surface, mails)
            story(a_passing_failure_is_tried_again_and_the_mail_arrives_once, surface, mails)
            story(too_many_mails_make_the_pauses_grow, surface, mails)
            story(a_lasting_failure_is_a_dead_letter_at_once, surface, mails)
            story(a_mail_that_comes_back_is_a_dead_letter, surface, mails)
            story(text_messages_reach_phones, surface, messages)
            assert not server.complaints(), server.complaints()
        with Server(options.program, room, further=settings(port, authority, "another")) as server:
            mails.attempts.clear()
            story(a_wrong_password_loses_no_mail, Surface(server), mails)
    with mail_server.MailServer(port, with_other_key) as impostor:
        with Server(options.program, room, further=further.replace(sms, "")) as server:
            story(who_is_not_the_mail_server_gets_no_mail, Surface(server), impostor)
    print(f"{passed} passed, 0 failed")


main()
