"""Asks the live server all that its OpenAPI documents allow, and much that they do not."""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import openapi_spec_validator
from referencing.exceptions import PointerToNowhere

import account
import signed_log
import strangers
from server import Server, room_of
from stage import Stage

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# Operators come late, since what they set weighs on all: after them only what anybody sees is asked once more.
AUDIENCES = ["mobile", "partner", "audit", "operator", "public"]
EXAMPLES = 20
# Devices are proven by codes, and passkeys are bound to what account.py says.
SIGN_IN = f"""\
[sign_in]
confirmation_proves_minutes = 0
[sign_in.second_factors]
relying_party = "{account.DOMAIN}"
origins = ["{account.ORIGIN}"]
"""
# What nothing can be prepared for, with the reason.
NOT_ASKED = {
    "POST /v1/mobile/children/{id}/handover-code": "nobody comes of age while the clock of the machine goes by",
    "POST /v1/mobile/handovers": "nobody comes of age while the clock of the machine goes by",
    "POST /v1/partner/handover-codes": "nobody comes of age while the clock of the machine goes by",
}
SEED = 20_260_101


def arguments():
    environment = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--examples", type=int, default=int(environment("CONTRACT_EXAMPLES", EXAMPLES)))
    parser.add_argument("--seed", type=int, default=int(environment("CONTRACT_SEED", SEED)))
    parser.add_argument("--audience", action="append", choices=AUDIENCES)
    parser.add_argument("schemathesis", nargs="*", help="further options for schemathesis, after --")
    return parser.parse_args()


def endpoints_of(document):
    return [f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item]


def faults_of(document):
    """What makes a document no OpenAPI 3.1, or hard to make a client from."""
    try:
        faults = [error.message for error in openapi_spec_validator.OpenAPIV31SpecValidator(document).iter_errors()]
    except PointerToNowhere as error:
        return [f"{error.ref} is not there"]
    if not document["openapi"].startswith("3.1."):
        faults.append(f"its version is {document['openapi']}")
    ids = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            ids.append(operation.get("operationId"))
            if not operation.get("summary"):
                faults.append(f"{method} {path} has no summary")
    repeated = sorted({str(one) for one in ids if one is None or ids.count(one) > 1})
    faults += [f"the operationId {one} is not there once" for one in repeated]
    return faults


def configured(known, room):
    """The configuration with the ids of what is there. Numbers stay numbers, or they would count as faulty."""
    config = (REPOSITORY / "tests/contract/schemathesis.toml").read_text()
    ids = [f"{kind} = {{ values = {json.dumps(values)} }}\n" for kind, values in known.items()]
    written = room / "schemathesis.toml"
    written.write_text(config + "".join(ids))
    return written


def unasked(report, endpoints, answered):
    """What was not asked, or has never answered with success: its answers would not have been looked at."""
    if not report["complete"] or report["operations"]["tested"] != len(endpoints):
        return ["not every endpoint was asked"]
    silent = [endpoint for endpoint in endpoints if endpoint not in answered and endpoint not in NOT_ASKED]
    return [f"{endpoint} has never answered with success" for endpoint in silent]


def ask(client, options, config, room):
    report = room / f"{client.audience}.json"
    report.unlink(missing_ok=True)
    command = [
        str(pathlib.Path(sys.executable).parent / "schemathesis"),
        "--config-file",
        str(config),
        "run",
        f"{client.surface}/openapi.json",
        "--checks=all",
        f"--max-examples={options.examples}",
        f"--seed={options.seed}",
        "--generation-database=none",
        "--report=json",
        f"--report-json-path={report}",
        *options.schemathesis,
    ]
    if client.token:
        command.append(f"--header=Authorization: Bearer {client.token}")
    log = room / f"{client.audience}.log"
    started = time.monotonic()
    with log.open("wb") as output:
        passed = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd=room).returncode == 0
    took = time.monotonic() - started
    if not passed:
        print(log.read_text(errors="replace"))
    if not report.exists():
        raise SystemExit(f"{client.audience}: schemathesis did not come to its end")
    return passed, took, json.loads(report.read_text())


def main():
    options = arguments()
    # Leaving by an exception stops the server, however we are told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    room = room_of(REPOSITORY)
    print(f"contract: seed {options.seed}, at most {options.examples} examples for each endpoint", flush=True)
    passed = True
    with Server(options.program, room, [signed_log.VERIFIER_KEY], SIGN_IN) as server:
        stage = Stage(server.base, server.directory)
        config = configured(stage.known, room)
        faults, sent = strangers.walk(stage.clients, stage.strangers(), stage.known)
        for fault in faults:
            print(f"strangers: {fault}")
        passed = passed and not faults
        word = "hold" if not faults else "FAIL"
        print(f"strangers {word}: " + ", ".join(f"{number} requests {whose}" for whose, number in sent.items()), flush=True)
        for audience in options.audience or AUDIENCES:
            client = stage.clients[audience]
            faults = faults_of(client.document.raw_schema)
            holds, took, report = ask(client, options, config, room)
            faults += unasked(report, endpoints_of(client.document.raw_schema), client.answered)
            for fault in faults:
                print(f"{audience}: {fault}")
            passed = passed and holds and not faults
            word = "holds" if holds and not faults else "FAILS"
            asked, requests = report["operations"]["tested"], report["test_cases"]["generated"]
            print(f"{audience:<9} {word}: {asked} endpoints, {requests} requests, {took:.0f} s", flush=True)
        complaints = server.complaints()
    for complaint in complaints[:20]:
        print(f"the server complained: {complaint}")
    sys.exit(0 if passed and not complaints else 1)


if __name__ == "__main__":
    main()
