"""Asks for what belongs to others: every request that a surface has answered with success is sent again by strangers."""

import collections
import re
import uuid

import requests

from client import WAITS_SECONDS

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# What a body may name although it is somebody else's: projects that are open to everybody, and institutions.
OPEN_TO_ALL = {"projects", "institutions"}

# What says the same of an id that is not there as of one that is not theirs, in a word of its own.
ALIKE = {
    "PUT /v1/mobile/me/second-factors/totp/{factor}/confirmation": 422,
    "POST /v1/mobile/me/second-factors/passkeys/{challenge}/confirmation": 401,
    "PUT /v1/mobile/me/second-factor/proof": 401,
}


def send(request, token):
    """The same request by somebody else, under a key of its own."""
    headers = {"Idempotency-Key": uuid.uuid4().hex, **request.headers}
    headers.pop("Authorization", None)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    url = request.surface + request.path
    return requests.request(request.method, url, headers=headers, timeout=WAITS_SECONDS, stream=True, **request.body)


def is_guarded(client, label):
    method, path = label.split(" ", 1)
    return bool(client.document.raw_schema["paths"][path][method.lower()].get("security"))


def names_what_is_theirs(request, open_ids):
    """Whether the request names something by its id, in its address or in its body."""
    named = set(ID.findall(request.path)) | set(ID.findall(str(request.body)))
    return bool(named - open_ids)


def walk(clients, strangers, known):
    """Faults, and how many requests were sent."""
    open_ids = {one for kind in OPEN_TO_ALL for one in known.get(kind, []) if isinstance(one, str)}
    faults, sent = [], collections.Counter()
    for client in clients.values():
        guarded = [request for request in client.requests if is_guarded(client, request.label)]
        tokens = {other.audience: other.token for other in clients.values() if other.audience != client.audience}
        for request in guarded:
            for audience, token in tokens.items():
                answer = send(request, token)
                sent["of other surfaces"] += 1
                if answer.status_code != 401:
                    faults.append(f"{request.label} answers {answer.status_code} to a token of {audience}")
            if client.audience not in strangers or not names_what_is_theirs(request, open_ids):
                continue
            answer = send(request, strangers[client.audience].token)
            sent["of strangers"] += 1
            if answer.status_code not in (403, 404, ALIKE.get(request.label)):
                faults.append(f"{request.label} answers {answer.status_code} to a stranger: {answer.text[:200]}")
    return sorted(set(faults)), sent
