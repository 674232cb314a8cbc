"""Follows the documents: every command in their walk-throughs is run, as it stands, by one shell on one server."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

from server import Server

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# In the order in which a reader follows them: later pages use what earlier ones have set.
PAGES = ["README.md", "docs/ledger.md"]
# A block of commands is fenced as `bash`; as `bash stopped` where the server has to be stopped before.
BLOCK = re.compile(r"^```bash( stopped)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What a reader fits to his own place.
ADDRESS, DATA = "http://127.0.0.1:8080", "teranga-data "
ENDS_WITHIN_SECONDS = 600


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("pages", nargs="*", default=PAGES)
    return parser.parse_args()


def blocks_of(page):
    """Where a block stands, whether it wants the server stopped, and its commands."""
    text = (REPOSITORY / page).read_text()
    for found in BLOCK.finditer(text):
        yield f"{page}:{text.count(chr(10), 0, found.start()) + 2}", bool(found[1]), found[2]


def script_of(pages, server):
    """All blocks as one script, which says where it is; those for a stopped server come last."""
    blocks = [block for page in pages for block in blocks_of(page)]
    if not blocks:
        raise SystemExit(f"there are no commands in {', '.join(pages)}")
    lines = ["set -euo pipefail"]
    running = [block for block in blocks if not block[1]]
    stopped = [block for block in blocks if block[1]]
    for place, _, commands in running:
        lines += [f"echo '== {place}'", commands]
    lines += [f"kill -TERM {server.process.pid}", f"while kill -0 {server.process.pid} 2>/dev/null; do sleep 0.1; done"]
    for place, _, commands in stopped:
        lines += [f"echo '== {place}'", commands]
    script = "\n".join(lines).replace(ADDRESS, server.base).replace(f"data={DATA}", f"data={server.directory} ")
    return script, len(blocks)


def command_beside(program, server, room):
    """A directory with `teranga` in it that works on this server's data."""
    directory = room / "bin"
    directory.mkdir()
    command = directory / "teranga"
    command.write_text(f'#!/bin/sh\nexec "{program}" --config "{room / "teranga.toml"}" "$@"\n')
    command.chmod(0o755)
    return directory


def main():
    options = arguments()
    room = REPOSITORY / "target" / "documents"
    shutil.rmtree(room, ignore_errors=True)
    desk = room / "desk"
    desk.mkdir(parents=True)
    with Server(options.program, room) as server:
        # Whoever waits for the server to be gone must not see it as a child that nobody has collected.
        threading.Thread(target=server.process.wait, daemon=True).start()
        script, number = script_of(options.pages, server)
        directory = command_beside(options.program, server, room)
        # A refusal by the server fails the command, also where a page does not say so to every curl.
        (room / ".curlrc").write_text("fail-with-body\n")
        environment = {
            **os.environ,
            "PATH": f"{directory}:{os.environ['PATH']}",
            "CURL_HOME": str(room),
            "REPOSITORY": str(REPOSITORY),
        }
        log = room / "shell.log"
        with log.open("wb") as output:
            done = subprocess.run(
                ["bash", "-c", script], cwd=desk, env=environment, stdout=output, stderr=subprocess.STDOUT,
                timeout=ENDS_WITHIN_SECONDS,
            )
    text = log.read_text(errors="replace")
    if done.returncode != 0:
        print(text[text.rfind("== ") :])
        print(f"the last command of this block ended with {done.returncode}; the rest is in {log}")
        sys.exit(1)
    print(f"documents: {number} blocks of commands did what they say")


main()
