"""Watches: events as they come, until the time is over, the place in history is gone, or the client is."""

import time
from collections.abc import Callable, Iterator

from tests.kubernetes.double.kinds import titled
from tests.kubernetes.double.routes import Target
from tests.kubernetes.double.selectors import fields_match, labels_match
from tests.kubernetes.double.status import ApiError, Json, bad_version, expired
from tests.kubernetes.double.store import Change, Store, copied

LOOK_UP = 0.25
"""Real seconds after which a quiet watch looks whether its client is still there."""
LONGEST = 1800.0


class Watch:
    """One watch request. `ended` is asked between events: the client is gone, or the server wants the watch closed."""

    def __init__(
        self,
        store: Store,
        target: Target,
        query: dict[str, str],
        ended: Callable[[], bool],
        last_bookmarks: Callable[[], int] = lambda: 1,
    ) -> None:
        self._last_bookmarks = last_bookmarks
        self._store, self._target, self._query, self._ended = store, target, query, ended
        self._until = time.monotonic() + float(query.get("timeoutSeconds") or LONGEST)
        self._asked = query.get("resourceVersion", "")
        if self._asked and not self._asked.isdecimal():
            raise bad_version(self._asked)

    def events(self) -> Iterator[Json]:
        """Watch events; an `ERROR` event with a 410 Status is the last one of a watch that cannot go on."""
        asked = self._asked
        with self._store.lock:
            at = int(asked) if asked not in ("", "0") else self._store.version
            first = [] if asked not in ("", "0") else self._now()
            bookmarks = self._store.bookmarks
        yield from first
        while not self._ended():
            with self._store.changed:
                if at < self._store.oldest:
                    yield error_event(expired(at, self._store.oldest))
                    return
                news = self._store.since(at)
                at = max(self._store.version, at)
                marked, bookmarks = self._store.bookmarks != bookmarks, self._store.bookmarks
                if not news and not marked:
                    left = self._until - time.monotonic()
                    if left <= 0:
                        break
                    self._store.changed.wait(min(left, LOOK_UP))
                    continue
            yield from (event for change in news if (event := self._event(change)) is not None)
            if marked:
                yield from self._bookmark(at)
            if time.monotonic() >= self._until:
                break
        for _ in range(self._last_bookmarks()):
            yield from self._bookmark(at)

    def _bookmark(self, at: int) -> Iterator[Json]:
        """How far the watch is, for those who asked to be told: also past changes of other kinds."""
        if self._query.get("allowWatchBookmarks") in ("true", "True", "1"):
            yield {"type": "BOOKMARK", "object": titled(self._target.kind, {"metadata": {"resourceVersion": str(at)}})}

    def _now(self) -> list[Json]:
        place = self._target.namespace or None
        held = [thing for thing in self._store.all(self._target.kind, place) if self._selected(thing)]
        return [{"type": "ADDED", "object": titled(self._target.kind, copied(thing))} for thing in held]

    def _selected(self, thing: Json) -> bool:
        query = self._query
        named = self._target.name in ("", thing["metadata"]["name"])
        labelled = labels_match(query.get("labelSelector"), thing)
        return named and labelled and fields_match(query.get("fieldSelector"), thing)

    def _event(self, change: Change) -> Json | None:
        """The change as this watch sees it: what leaves the selection is deleted for it, what enters is added."""
        if change.resource != self._target.kind.resource:
            return None
        if self._target.namespace not in ("", change.new["metadata"].get("namespace")):
            return None
        now = change.type != "DELETED" and self._selected(change.new)
        before = change.old is not None and self._selected(change.old)
        if not now and not before:
            return None
        word = ("MODIFIED" if before else "ADDED") if now else "DELETED"
        return {"type": word, "object": titled(self._target.kind, copied(change.new))}


def error_event(error: ApiError) -> Json:
    return {"type": "ERROR", "object": error.body()}
