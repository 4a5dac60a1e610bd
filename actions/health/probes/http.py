"""The probe of an HTTP service: health, endpoints in turn, version really serving, queue metrics."""

import asyncio
from collections.abc import Mapping

from actions.clients.health_body import health_of
from actions.clients.http import Answer, HttpReader
from actions.clients.versions import version_of
from actions.config import resolve
from actions.health.probes.http_rounds import Rounds
from actions.health.probes.http_verdict import HttpFacts, http_figures, judge_http
from actions.health.probes.queues import queue_reading
from actions.health.reading import Reading, down, no_data
from actions.health.side import SideFacts
from actions.health.window import Window
from actions.health.wording import milliseconds
from actions.model.services import HttpService
from actions.model.words import HealthState

MEAN_SECONDS = 10.0
VERSION_SECONDS = 20.0


class HttpProbe:
    """Looks at one HTTP service; feeds its own row and, where configured, the row of its queues."""

    def __init__(self, row: str, queue_row: str | None, settings: HttpService, side: SideFacts) -> None:
        """Raises ConfigError for secrets or files that cannot be used."""
        headers = {name: resolve(source) for name, source in settings.headers.items()}
        self._reader = HttpReader(settings.url, headers=headers, tls=settings.tls, timeout=settings.timeout)
        self._row = row
        self._queue_row = queue_row
        self._settings = settings
        self._side = side
        self._rounds = Rounds(settings)
        self._window = Window()
        self._first = True

    async def look(self) -> Mapping[str, Reading]:
        """The first look asks every path, later ones a few at a time."""
        paths = self._rounds.paths(everything=self._first)
        self._first = False
        asked = [*paths, self._settings.queues] if self._settings.queues else paths
        answers = await asyncio.gather(*(self._reader.get(path) for path in asked))
        found = dict(zip(asked, answers, strict=True))
        # In the order they came: the newest names the version that serves.
        for path, answer in sorted(found.items(), key=lambda one: one[1].seconds):
            if path != self._settings.queues:
                self._rounds.remember(path, answer)
            self._window.add(_served(answer), answer.seconds, self._version(answer))
        self._turned_over(found)
        rows = {self._row: self._judged(found)}
        if self._queue_row and self._settings.queues:
            rows[self._queue_row] = _queues(found[self._settings.queues])
        return rows

    async def close(self) -> None:
        """Close the connections."""
        await self._reader.close()

    def _turned_over(self, found: Mapping[str, Answer]) -> None:
        """When another version took over, every path is asked again: nothing is known of it yet."""
        before = self._window.since
        self._window.requests()
        if self._window.since is not None and self._window.since != before:
            self._rounds.forget(found)
            self._first = True

    def _judged(self, found: Mapping[str, Answer]) -> Reading:
        facts = self._facts(found)
        state, word, wrong = judge_http(facts, self._settings.thresholds)
        own = sum(1 for answer in found.values() if not _served(answer)) / len(found)
        if not facts.health.reached:
            return down(wrong, wrong)
        version = self._version(facts.health) or next(iter(facts.versions), None)
        latency = facts.health.milliseconds
        shown = "  ".join(part for part in (version, milliseconds(latency)) if part)
        return Reading(
            state=state,
            word=word,
            summary=wrong or shown,
            figures=http_figures(facts, self._settings.thresholds),
            version=version,
            judged=facts.serving,
            serving_seconds=self._window.serving_seconds(),
            latency_ms=latency,
            plotted=latency,
            error_share=own if facts.error_rate is None else facts.error_rate,
            error=(facts.verdict.reasons or wrong) if state is HealthState.DOWN else None,
        )

    def _facts(self, found: Mapping[str, Answer]) -> HttpFacts:
        health = found[self._settings.health]
        requests, failed = self._window.requests()
        since = self._window.since
        latency, latency_from = self._side.figure("latency", since=since)
        rate, rate_from = self._side.figure("error rate", since=since)
        throughput, throughput_from = self._side.figure("throughput")
        return HttpFacts(
            health=health,
            verdict=health_of(health, self._settings),
            mean_ms=self._window.mean_ms(MEAN_SECONDS) if latency.value is None else latency.value,
            requests=requests,
            failed=failed,
            failing=self._rounds.failing(),
            asked={path: self._rounds.last[path] for path in self._rounds.others if path in self._rounds.last},
            versions=self._window.named(VERSION_SECONDS),
            serving=tuple(sorted(self._window.versions)),
            turned=self._window.turned,
            error_rate=rate.value,
            error_rate_from=rate_from,
            error_rate_note=rate.reason,
            throughput=throughput.value,
            throughput_note=throughput_from or throughput.reason,
            latency_from=latency_from,
            latency_note=latency.reason,
        )

    def _version(self, answer: Answer) -> str | None:
        body = answer.path == self._settings.health and answer.good
        return version_of(answer, self._settings, body=body)


def _served(answer: Answer) -> bool:
    """Whether a user would have been served: an answer below 500, complete and not absurd."""
    return answer.trouble is None and answer.status is not None and answer.status < 500


def _queues(answer: Answer) -> Reading:
    if not answer.good:
        return no_data(answer.reason)
    return queue_reading(answer.json(), answer.milliseconds)
