"""A web server that answers as its path says, and remembers what it was asked."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Answers = dict[str, tuple[int, dict[str, str], bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Web:
    """A running server.

    Attributes:
        url: Its address, without a path.
        answers: Path to status, headers and body; others are 404.
        asked: What came so far.
        silent: Paths that are not answered until it stops.
    """

    url: str
    answers: Answers = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)


@contextmanager
def serving_web() -> Iterator[Web]:
    """A server on a free port of this host."""
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            web.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            if self.path in web.silent:
                stopped.wait()
                return
            status, headers, answer = web.answers.get(self.path, (404, {}, b"nothing here\n"))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web = Web(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield web
    finally:
        stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
