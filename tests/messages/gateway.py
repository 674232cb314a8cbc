"""A gateway for text messages that fails as it is told to."""

import collections
import http.server
import json
import threading

TOKEN = "a-token-of-the-gateway"


class Gateway:
    """What it answers for a number is in `plans`: a status for each attempt, then 202."""

    def __init__(self, port):
        self.plans = collections.defaultdict(list)
        self.attempts = collections.defaultdict(list)
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                gateway.attempts[body["to"]].append((self.headers, body))
                plan = gateway.plans[body["to"]]
                status = plan.pop(0) if plan else 202
                if self.headers["Authorization"] != f"Bearer {TOKEN}":
                    status = 401
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", f"http://127.0.0.1:{port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
