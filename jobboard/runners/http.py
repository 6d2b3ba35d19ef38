"""The program behind `http` jobs: make the request told on standard input, and print the body of the answer.

Exit codes are what retries are told apart by: 0 for an expected status, for any other its first digit (4 for
404, 5 for 503, 2 for a 204 where 200 was expected), and 69 (EX_UNAVAILABLE of sysexits.h) where there was no
answer, or no whole one. Which it was is reported, so that it stands in the run's reason.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from jobboard.report import progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNAVAILABLE = 69
MOST_BODY_BYTES = 1 << 20
MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_KEEP_METHOD = (307, 308)
_BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding"})
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
_CHUNK_BYTES = 1 << 16
_PARTS = ("scheme", "hostname", "port")


class NoAnswer(Exception):
    """The server did not answer, or not to the end."""


class _Stays(urllib.request.HTTPRedirectHandler):
    """Follows nothing by itself: where to go, and with what, is decided here."""

    def redirect_request(self, *_: Any) -> None:
        return None


def main(_: Sequence[str]) -> int:
    """Make the request; the exit code."""
    told = json.load(sys.stdin)
    try:
        answer, told = _answer(told)
        with answer:
            _print_body(answer)
    except NoAnswer as error:
        _fail(told, f"no answer: {error}", "http: no answer")
        return UNAVAILABLE
    except (OSError, http.client.HTTPException) as error:
        _fail(told, f"no whole answer: {_cause(error)}", "http: no answer")
        return UNAVAILABLE
    status = answer.status
    if any(first <= status <= last for first, last in told["expect"]):
        return 0
    _fail(told, _unexpected(status, answer.reason, follows=told["follow"]), f"http {status}")
    return int(status) // 100


def _answer(told: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """The last answer, redirects followed if wanted, and the request it answers.

    Raises:
        NoAnswer: There is none.
    """
    opener = urllib.request.build_opener(
        _Stays, urllib.request.HTTPSHandler(context=ssl.create_default_context())
    )
    for _ in range(MOST_REDIRECTS + 1):
        answer = _sent(opener, told)
        target = answer.headers.get("Location")
        if not (told["follow"] and answer.status in _REDIRECTS and target):
            return answer, told
        answer.close()
        told = _redirected(told, urljoin(told["url"], target), answer.status)
    raise NoAnswer(f"over {MOST_REDIRECTS} redirects")


def _sent(opener: urllib.request.OpenerDirector, told: Mapping[str, Any]) -> Any:
    if urlsplit(told["url"]).scheme not in ("http", "https"):
        raise NoAnswer("that is no http URL")
    body = told["body"]
    headers = {"User-Agent": "jobboard", "Jobboard-Run": os.environ.get("JOBBOARD_RUN_ID", "")}
    try:
        request = urllib.request.Request(  # noqa: S310 - looked at above
            told["url"],
            None if body is None else body.encode("utf-8", "surrogateescape"),
            {name: text for name, text in {**headers, **told["headers"]}.items() if text},
            method=told["method"],
        )
        return opener.open(request)
    except urllib.error.HTTPError as answer:
        return answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(_cause(error)) from error


def _redirected(told: Mapping[str, Any], url: str, status: int) -> dict[str, Any]:
    """The next request: RFC 9110, 15.4; what is secret stays with the host that it is for."""
    headers = dict(told["headers"])
    method, body = told["method"], told["body"]
    if status not in _KEEP_METHOD and method != "HEAD" and (status == 303 or method == "POST"):
        method, body = "GET", None
        headers = {name: text for name, text in headers.items() if name.lower() not in _BODY_HEADERS}
    if _origin(url) != _origin(told["url"]):
        private = {name.lower() for name in told["private"]} | _CREDENTIALS
        headers = {name: text for name, text in headers.items() if name.lower() not in private}
        if any(secret in (body or "") for secret in told["secrets"]):
            raise NoAnswer("redirected to another host, where a secret in the body does not go")
    return {**told, "url": url, "method": method, "body": body, "headers": headers}


def _origin(url: str) -> tuple[Any, ...]:
    parts = urlsplit(url)
    return tuple(getattr(parts, name) for name in _PARTS)


def _print_body(answer: Any) -> None:
    """Copy what comes as it comes, up to the bound."""
    out = sys.stdout.buffer
    room = MOST_BODY_BYTES
    while room > 0 and (chunk := answer.read1(min(room, _CHUNK_BYTES))):
        out.write(chunk)
        out.flush()
        room -= len(chunk)
    if room > 0 and answer.length:
        raise NoAnswer(f"it broke off, {answer.length} bytes before its end")
    if room == 0 and answer.read1(1):
        out.write(f"\n[the rest is left out: over {MOST_BODY_BYTES >> 20} MiB]\n".encode())
        out.flush()


def _cause(error: BaseException) -> str:
    """An error in a few words."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _cause(reason)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _unexpected(status: int, phrase: str, *, follows: bool) -> str:
    said = f"{status} {phrase or http.client.responses.get(status, '')}".rstrip()
    return f"{said} (follow: true goes on)" if status in _REDIRECTS and not follows else said


def _fail(told: Mapping[str, Any], why: str, group: str) -> None:
    """Say what failed; the URL as the board has it, so that no secret is in it."""
    text = f"{told['method']} {told['shown']}: {why}"
    for secret in told["secrets"]:
        text = text.replace(secret, "***") if secret else text
    progress(failure=text, group=group)
    sys.stderr.write(f"{text}\n")
