"""Answer a supervisor, and show the status as a page."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from scripts.data.errors import BadInputError

from .status import as_page, status
from .store import Store


class StatusServer:
    """``/health`` and ``/ready`` answer 200 or 503, ``/`` a page and ``/status.json`` the figures.

    ``/health`` says whether the service has to be restarted, ``/ready`` whether everything works. No answer names a
    patient.

    Args:
        store: state of the service.
        port: where it listens.
        host: address where it listens. Defaults to "127.0.0.1": to this machine only.

    Raises:
        BadInputError: the port cannot be used.
    """

    def __init__(self, store: Store, port: int, host: str = "127.0.0.1") -> None:
        class Handler(_Handler):
            pass

        Handler.store = store
        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except (OSError, OverflowError, TypeError) as error:
            raise BadInputError(
                f"The status cannot be shown at {host}:{port} ({error}). Choose another --status_port."
            ) from error

    def start(self) -> None:
        """Answer, in a thread of its own."""
        threading.Thread(target=self._server.serve_forever, name="status", daemon=True).start()

    def stop(self) -> None:
        """Answer no longer."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    store: Store
    timeout = 10

    def do_GET(self) -> None:
        try:
            found = status(self.store)
        except BadInputError as error:
            self._answer(503, f"{error}\n", "text/plain")
            return
        if self.path in ("/health", "/ready"):
            well = found["alive" if self.path == "/health" else "works"]
            self._answer(200 if well else 503, f"{found['told']}\n", "text/plain")
        elif self.path == "/status.json":
            self._answer(200, json.dumps(found), "application/json")
        elif self.path == "/":
            self._answer(200, as_page(found), "text/html")
        else:
            self._answer(404, "There are /, /health, /ready and /status.json.\n", "text/plain")

    def _answer(self, code: int, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep requests out of the log."""
