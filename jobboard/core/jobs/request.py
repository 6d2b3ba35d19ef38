"""The request that an `http` job makes: read from what a person wrote, and made ready when it starts.

Canonical form: ``url``, and as they differ from the default ``method`` (GET), ``headers``, ``body``,
``expect`` (what statuses are success, merged and in order; 200-299) and ``follow`` (redirects; not). URL,
headers and body may hold references, which stand in the store as they are written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN, broken
from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.jobs.launch import expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobboard.core.diagnostic import Path
    from jobboard.core.jobs.launch import Resolve

EXPECTED = ("200-299",)
_STATUSES = re.compile(r"([1-5]\d\d)(?:-([1-5]\d\d))?")
_REFERENCE = re.compile(r"(?<!\$)\$\{(env|file):[^}]*\}")
_AUTHORIZE = 'Write  headers: {Authorization: "Bearer ${env:TOKEN}"}'


def read_request(value: Any, path: Path, faults: list[Fault]) -> Any:
    """The canonical request; a URL alone is a GET of it."""
    if isinstance(value, str):
        return _canonical({"url": value}, lambda _: path, faults)
    return _canonical(value, lambda key: (*path, key), faults)


def _canonical(value: Mapping[str, Any], place: Any, faults: list[Fault]) -> Any:
    count = len(faults)
    url = value.get("url")
    if url is None:
        return broken(faults, KeyFault(place("url")[:-1], '"http" has no "url"', "Write  url: https://…"))
    request: dict[str, Any] = {"url": url}
    _check_url(url, place("url"), faults)
    if (method := str(value.get("method") or "GET").upper()) != "GET":
        request["method"] = method
    if headers := value.get("headers"):
        request["headers"] = _headers(headers, place("headers"), faults)
    if value.get("body") is not None:
        request["body"] = value["body"]
    if value.get("expect") is not None:
        expected = _expected(value["expect"], place("expect"), faults)
        if expected != list(EXPECTED):
            request["expect"] = expected
    if value.get("follow"):
        request["follow"] = True
    return request if len(faults) == count else BROKEN


def _check_url(url: str, path: Path, faults: list[Fault]) -> None:
    """Complain about a URL that cannot be one, as far as its references let that be known."""
    reference = _REFERENCE.match(url)
    if any(not character.isprintable() or character == " " for character in url):
        faults.append(Fault(path, "a URL holds no blanks", "Write  %20  for one"))
    elif reference is None:
        from urllib.parse import urlsplit

        try:
            parts = urlsplit(_REFERENCE.sub("1", url))
            _ = parts.port
        except ValueError as error:
            faults.append(Fault(path, f"{url!r} is no URL: {error}", "Write  https://example.org/path"))
            return
        if parts.scheme not in ("http", "https") or not parts.hostname:
            faults.append(Fault(path, f"{url!r} is no http URL", "Write  https://example.org/path"))
        elif "@" in parts.netloc:
            faults.append(Fault(path, "a URL is no place for a user's name", _AUTHORIZE))


def _headers(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> dict[str, str]:
    for name, text in value.items():
        if "\n" in str(text) or "\r" in str(text):
            faults.append(Fault((*path, name), "a header is one line"))
    return {name: str(value[name]) for name in sorted(value)}


def _expected(value: Any, path: Path, faults: list[Fault]) -> list[int | str]:
    """Statuses and ranges of them, none beside or within another."""
    spans: list[tuple[int, int]] = []
    for index, said in enumerate(value if isinstance(value, list) else [value]):
        found = _STATUSES.fullmatch(str(said))
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first <= last:
            spans.append((first, last))
            continue
        place = (*path, index) if isinstance(value, list) else path
        hint = "Write  204  or  200-299"
        faults.append(Fault(place, f"{said!r} is no status of HTTP, nor a range of them", hint))
    return [first if first == last else f"{first}-{last}" for first, last in _merged(spans)]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def spans_of(request: Mapping[str, Any]) -> list[tuple[int, int]]:
    """The first and the last of each range of statuses that are success."""
    found = (str(said).partition("-") for said in request.get("expect", EXPECTED))
    return [(int(first), int(last or first)) for first, _, last in found]


def ready(
    request: Mapping[str, Any], stdin: str | None, resolve: Resolve
) -> tuple[dict[str, Any], list[str]]:
    """What to send, and the secrets that are in it.

    Args:
        request: Canonical.
        stdin: The job's, or the payload of a run: the body, where the request has none of its own.
        resolve: How a reference gets its value.

    Raises:
        Unresolvable: A reference has no value here.
    """
    secrets: list[str] = []

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            text, found = expand(value, resolve)
            secrets.extend(found)
            return text
        if isinstance(value, Mapping):
            return {key: filled(part) for key, part in value.items()}
        return [filled(part) for part in value] if isinstance(value, list) else value

    headers = {name: filled(text) for name, text in request.get("headers", {}).items()}
    private = [name for name, text in request.get("headers", {}).items() if _REFERENCE.search(text)]
    body = filled(request["body"]) if "body" in request else stdin
    if body is not None and not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    sent = {
        "method": request.get("method", "GET"),
        "url": filled(request["url"]),
        "shown": request["url"],
        "headers": headers,
        "private": private,
        "body": body,
        "expect": spans_of(request),
        "follow": request.get("follow", False),
    }
    return {**sent, "secrets": list(dict.fromkeys(secrets))}, secrets


def words_of(request: Mapping[str, Any]) -> str:
    """A request in a line, for people: nothing of its headers and its body."""
    return f"{request.get('method', 'GET')} {request['url']}"


def lines_of(request: Mapping[str, Any]) -> Iterator[str]:
    """A request in full, for people."""
    yield words_of(request)
    for key in ("headers", "body", "expect", "follow"):
        if key in request:
            yield f"{key}: {json.dumps(request[key], ensure_ascii=False)}"
