"""A mail server that speaks STARTTLS, lets nobody in without a password, and fails as it is told to."""

import collections
import datetime
import ipaddress
import logging
import ssl
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# It tells of every client that goes away.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

USER, PASSWORD = "teranga", "p@ss/word"


def certificate(room, name):
    """A certificate of 127.0.0.1 that vouches for itself: the file of it alone, and of it with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    alone, with_key = room / f"{name}.pem", room / f"{name}-with-key.pem"
    text = made.public_bytes(serialization.Encoding.PEM)
    alone.write_bytes(text)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    with_key.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()) + text)
    return alone, with_key


class Attempt:
    """A mail that was brought to an address, taken or not."""

    def __init__(self, session, envelope):
        self.at = time.monotonic()
        self.encrypted, self.authenticated = session.ssl is not None, bool(session.authenticated)
        self.sender, self.content = envelope.mail_from, envelope.content


class MailServer:
    """What it answers to an address is in `plans`: a reply for each attempt, then it takes the mail."""

    def __init__(self, port, with_key):
        self.plans = collections.defaultdict(list)
        self.attempts = collections.defaultdict(list)
        self.taken = collections.defaultdict(list)
        self.handshakes, self.refused_passwords = 0, 0
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(with_key)
        counting = self

        class Protocol(SMTP):
            async def smtp_STARTTLS(self, argument):
                counting.handshakes += 1
                await super().smtp_STARTTLS(argument)

        class OwnController(Controller):
            def factory(self):
                return Protocol(
                    counting,
                    enable_SMTPUTF8=True,
                    tls_context=context,
                    require_starttls=True,
                    auth_required=True,
                    authenticator=counting.authenticate,
                )

        self.controller = OwnController(self, hostname="127.0.0.1", port=port)

    def __enter__(self):
        # It knows that it listens by a connection that says no more.
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.refused_passwords += not right
        return AuthResult(success=right, handled=right)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        plan = self.plans[address]
        if plan and plan[0].startswith("RCPT "):
            self.attempts[address].append(Attempt(_session, envelope))
            return plan.pop(0).removeprefix("RCPT ")
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        (address,) = envelope.rcpt_tos
        self.attempts[address].append(Attempt(session, envelope))
        plan = self.plans[address]
        answer = plan.pop(0) if plan else "250 2.0.0 OK"
        if answer == "silence":
            # It has taken the mail, and the sender does not hear so.
            self.taken[address].append(envelope.content)
            server.transport.abort()
            return "250 2.0.0 OK"
        if answer.startswith("250"):
            self.taken[address].append(envelope.content)
        return answer
