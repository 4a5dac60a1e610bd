"""The client against a real API server's own words: every recorded answer it could meet, read by its own methods."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from actions.clients.kubernetes_api import MANAGER, KubernetesWriter
from actions.clients.kubernetes_errors import Expired, Forbidden, NotThere
from actions.clients.kubernetes_wire import lines
from actions.model.errors import Ambiguous, Refused, Stale, Unreachable, VqError
from tests.hostile_http import BadServer, answer, bad_server
from tests.kubernetes.bench import Bench
from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.double.kubeconfig import write
from tests.kubernetes.scenario import WATCHED, recorded

Json = dict[str, Any]
RECORDED = {one["name"]: one for one in recorded()}
READ = [name for name, one in RECORDED.items() if one["request"]["method"] == "GET" and name != WATCHED]
PATCHED = [name for name, one in RECORDED.items() if one["request"]["method"] == "PATCH"]
REVIEWED = [name for name in RECORDED if name.startswith("may ")]
ERRORS: dict[int, type[VqError]] = {401: Unreachable, 403: Forbidden, 404: NotThere, 409: Stale, 422: Stale}
ORDER = {"watch": "true", "resourceVersion": "1", "timeoutSeconds": "5", "allowWatchBookmarks": "true"}
JSON_PATCH = "application/json-patch+json"


class Replayed:
    """A client of a server that gives one recorded answer at a time, and 404 to any request but the recorded one."""

    def __init__(self, server: BadServer, client: KubernetesWriter) -> None:
        self.server, self.client = server, client

    def give(self, name: str, **query: str) -> tuple[Json, Json]:
        """From now on answer this exchange; `query` is what the client adds of its own, and its order."""
        request, response = RECORDED[name]["request"], RECORDED[name]["response"]
        asked = {**query, **request["query"]}
        path = request["path"] + (f"?{urlencode(asked)}" if asked else "")
        body = response.get("body")
        raw = json.dumps(body).encode() if body is not None else b"".join(map(_line, response["events"]))
        self.server.answers = {path: lambda: answer(raw, f"{response.get('status', 200)} Recorded")}
        return request, response


@pytest.fixture
async def replayed(tmp_path: Path) -> AsyncIterator[Replayed]:
    async with bad_server() as server:
        client = KubernetesWriter(write(tmp_path / "config.yaml", server.url, "t", "u", "recorded", "vq"), "recorded")
        try:
            yield Replayed(server, client)
        finally:
            await client.close()


def _line(event: Json) -> bytes:
    return json.dumps(event).encode() + b"\n"


async def test_what_is_read_is_what_the_server_sent(replayed: Replayed) -> None:
    for name in READ:
        request, response = replayed.give(name)
        query = {key: str(value) for key, value in request["query"].items()}
        if response["status"] < 400:
            assert await replayed.client.get(request["path"], **query) == response["body"], name
            continue
        with pytest.raises(VqError) as told:
            await replayed.client.get(request["path"], **query)
        said = "does not accept these credentials" if response["status"] == 401 else response["body"]["message"]
        assert type(told.value) is ERRORS[response["status"]] and said in told.value.message, name


async def test_a_patch_gives_the_new_object_or_why_it_was_refused(replayed: Replayed) -> None:
    """The client sends JSON patches only; the server's answers to the other kinds have the same form."""
    for name in PATCHED:
        request, response = replayed.give(name, fieldManager=MANAGER)
        body = request["body"] if isinstance(request["body"], list) else [request["body"]]
        send = replayed.client.rehearse if request["query"].get("dryRun") == "All" else replayed.client.patch
        asked = send(request["path"], body)
        if response["status"] < 400:
            assert await asked == response["body"], name
            continue
        with pytest.raises(VqError) as told:
            await asked
        invalid = bool(response["body"].get("details", {}).get("causes"))
        assert type(told.value) is (Refused if invalid else ERRORS[response["status"]]), name
        assert response["body"]["message"][:300] in told.value.message, name
    sent = [one for one in replayed.server.requests if one.method != "GET"]  # whether a server that refuses is ready
    assert {(one.method, one.headers["content-type"]) for one in sent} == {("PATCH", JSON_PATCH)}


async def test_an_access_review_is_understood(replayed: Replayed) -> None:
    for name in REVIEWED:
        _, response = replayed.give(name)
        asked = response["body"]["spec"]["resourceAttributes"]
        may = await replayed.client.may(asked["verb"], asked.get("group", ""), asked["resource"], asked["namespace"])
        assert may is response["body"]["status"]["allowed"], name


async def test_a_watch_gives_every_event_in_order(replayed: Replayed) -> None:
    request, response = replayed.give(WATCHED, **ORDER)
    assert [event async for event in replayed.client.watch(request["path"], "1", 5)] == response["events"]


async def test_a_watch_ended_with_410_is_expired(replayed: Replayed, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}
    monkeypatch.setitem(RECORDED[WATCHED]["response"], "events", [gone])
    request, _ = replayed.give(WATCHED, **ORDER)
    with pytest.raises(Expired, match="too old"):
        [event async for event in replayed.client.watch(request["path"], "1", 5)]


async def test_a_write_answered_with_something_else_may_be_applied(replayed: Replayed) -> None:
    path = "/apis/apps/v1/namespaces/vq/deployments/api"
    for body in (b"<html>a proxy's login</html>", b"[]", b""):
        replayed.server.answers = {f"{path}?fieldManager={MANAGER}": lambda body=body: answer(body)}
        replayed.server.answers[path] = lambda body=body: answer(body)
        with pytest.raises(Ambiguous, match="may be applied"):
            await replayed.client.patch(path, [])
        with pytest.raises(Unreachable):
            await replayed.client.get(path)


async def test_an_event_larger_than_the_line_limit_of_the_library_is_read(
    bench: Bench, released: KubernetesDouble
) -> None:
    """One object may be 1.5 MiB and comes in many parts."""
    path = "/apis/apps/v1/namespaces/vq/deployments"
    client = KubernetesWriter.of(bench.settings())
    _, version = await client.collection(path)
    released.edit("Deployment", "api", {"metadata": {"annotations": {"large": "x" * 700_000}}})
    events = client.watch(path, version, 5)
    async for event in events:
        assert len(event["object"]["metadata"]["annotations"]["large"]) == 700_000
        break
    await events.aclose()  # type: ignore[attr-defined]
    await client.close()


class Parts:
    """A stream that comes in these parts."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts

    async def all(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


@pytest.mark.parametrize(("parts", "found"), [
    ((b"one\ntwo\n",), [b"one", b"two"]),
    ((b"on", b"e", b"\n", b"two"), [b"one", b"two"]),
    ((b"one\n\ntw", b"o\nthree\n"), [b"one", b"", b"two", b"three"]),
    ((), []),
])  # fmt: skip
async def test_lines_are_told_apart_however_they_arrive(parts: tuple[bytes, ...], found: list[bytes]) -> None:
    assert [line async for line in lines(Parts(*parts).all())] == found


async def test_a_line_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.clients.kubernetes_wire.BODY_LIMIT", 10)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        [line async for line in lines(Parts(*[b"four"] * 3).all())]
