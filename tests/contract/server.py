"""The real server on a fresh data directory and ports of its own."""

import contextlib
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request


STARTS_WITHIN_SECONDS = 120
STOPS_WITHIN_SECONDS = 60

# Everything as shipped, but for what would only slow the check down or refuse its pace.
SETTINGS = """\
data_directory = "{directory}"
books = [{{ number = 2, name = "mali" }}]
[server]
listen = "127.0.0.1:{port}"
operations_listen = "127.0.0.1:{operations_port}"
public_url = "http://127.0.0.1:{port}"
[tokens]
lifetime_minutes = 60
[passwords]
memory_kib = 64
passes = 1
[request_limits]
per_second = 100000
burst = 100000
sign_ins_per_minute = 1000000
[transparency_log]
witnesses = {witnesses}
[log]
filter = "warn"
{further}
"""


def free_ports(number):
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Server:
    def __init__(self, program, room, witnesses=(), further=""):
        self.directory = (room / "data").resolve()
        self.log = room / "server.log"
        shutil.rmtree(self.directory, ignore_errors=True)
        port, self.operations_port = free_ports(2)
        self.base = f"http://127.0.0.1:{port}"
        settings = room / "teranga.toml"
        settings.write_text(
            SETTINGS.format(
                directory=self.directory,
                port=port,
                operations_port=self.operations_port,
                witnesses=json.dumps(list(witnesses)),
                further=further,
            )
        )
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [program, "serve", "--config", str(settings)], stdout=log, stderr=subprocess.STDOUT
            )

    def __enter__(self):
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_until_ready(self):
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                with urllib.request.urlopen(f"http://127.0.0.1:{self.operations_port}/health/ready", timeout=5):
                    return
            time.sleep(0.1)
        raise SystemExit(f"the server did not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOPS_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def complaints(self):
        """What the server logged as a fault of its own; what `actix_http` cannot parse is the client's."""
        lines = self.log.read_text(errors="replace").splitlines()
        of_ours = [line for line in lines if " ERROR " in line and "actix_http::" not in line]
        return of_ours + [line for line in lines if "panicked at" in line]


def room_of(repository):
    room = pathlib.Path(repository) / "target" / "contract"
    room.mkdir(parents=True, exist_ok=True)
    return room
