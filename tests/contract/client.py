"""A client of one surface, that holds every answer against the surface's document."""

import dataclasses
import uuid

import requests
import schemathesis

WAITS_SECONDS = 30


@dataclasses.dataclass
class Request:
    """A request that was answered with success."""

    label: str
    surface: str
    method: str
    path: str
    headers: dict
    body: dict


class Client:
    def __init__(self, base, audience):
        self.surface = f"{base}/v1/{audience}"
        self.audience = audience
        self.document = schemathesis.openapi.from_url(f"{self.surface}/openapi.json")
        self.session = requests.Session()
        self.token = None
        # The endpoints that answered with success.
        self.answered = set()
        self.requests = []

    def ask(self, method, path, **body):
        headers = {}
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        own = body.pop("headers", {})
        headers.update(own)
        answer = self.session.request(method, self.surface + path, headers=headers, timeout=WAITS_SECONDS, **body)
        if not answer.ok:
            raise SystemExit(f"{method} {self.surface}{path}: {answer.status_code} {answer.text}")
        operation = self.document.find_operation_by_path(method, f"/v1/{self.audience}{path.partition('?')[0]}")
        operation.validate_response(answer)
        self.answered.add(operation.label)
        self.requests.append(Request(operation.label, self.surface, method, path, own, body))
        is_json = answer.headers.get("Content-Type") == "application/json"
        return answer.json() if is_json else answer.text

    def add(self, other):
        """Takes over what another client of the surface was answered."""
        self.answered |= other.answered
        self.requests += other.requests

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, body=None):
        return self.ask("POST", path, json=body) if body is not None else self.ask("POST", path)

    def put(self, path, body):
        return self.ask("PUT", path, json=body)

    def put_file(self, path, media_type, content):
        return self.ask("PUT", path, data=content, headers={"Content-Type": media_type})

    def send_file(self, path, media_type, text):
        return self.ask("POST", path, data=text.encode(), headers={"Content-Type": media_type})

    def sign_in(self, credential):
        form = {
            "grant_type": "client_credentials",
            "client_id": credential["client_id"],
            "client_secret": credential["client_secret"],
        }
        self.token = self.ask("POST", "/oauth/token", data=form)["access_token"]
        return self


def is_there(client, path):
    """Whether the address answers by now; what is not there yet is no failure."""
    return requests.get(client.surface + path, timeout=WAITS_SECONDS).ok
