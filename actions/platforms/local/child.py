"""One supervised process: started, watched, restarted by policy with back-off, stopped."""

import asyncio
import os
import signal
import subprocess
import time
from collections import deque
from pathlib import Path

import psutil

from actions.clients.processes import ProcessFacts, ProcessRecord, ProcessSpec, ProcessState, RestartPolicy
from actions.platforms.local.launch import launch, plain_environment
from actions.platforms.local.log_files import open_log
from actions.platforms.local.usage import Usage

SUPERVISED_IN = "VQ_SUPERVISED_IN"  # in the environment of every child and of what it starts
NEEDED = "this root lacks CAP_SETUID, CAP_SETGID, CAP_SETPCAP or CAP_DAC_OVERRIDE; run as an ordinary user instead"
LOOP_EXITS = 3
LOOP_SECONDS = 60.0


class Child:
    """Runs the process of one record. Lives in the supervisor's event loop; `reap` is called on SIGCHLD."""

    def __init__(self, record: ProcessRecord, directory: Path) -> None:
        self.record = record
        self.directory = directory
        self.log = directory / "logs" / f"{record.spec.name}.log"
        self.process: psutil.Process | None = None
        self.created: float | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._runs: ProcessSpec | None = None  # what was started; `record` may be of what comes next already
        self._gone = asyncio.Event()
        self._gone.set()
        self._timer: asyncio.TimerHandle | None = None
        self._exits: deque[float] = deque(maxlen=50)
        self._restarts = 0
        self._exit_code: int | None = None
        self._reason = ""
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._popen.pid if self._popen else None

    def start(self) -> None:
        """Start by request: the count of restarts begins anew. Does nothing when it runs."""
        self._exits.clear()
        self._restarts = 0
        self._spawn()

    def _spawn(self) -> None:
        self._cancel_timer()
        if self._popen is not None:
            return
        spec = self.record.spec
        release = spec.release_directory
        if release is not None and not release.is_dir():
            self._not_started(f"release {spec.release} is not on this host ({release} is missing)")
            return
        output = open_log(self.log)
        try:
            argv = [_filled(word, spec) for word in spec.argv]
            extra = {name: _filled(value, spec) for name, value in spec.env.items()}
            environment = {**plain_environment(), SUPERVISED_IN: str(self.directory), **extra}
            self._popen = launch(
                argv, environment, spec.cwd or self.directory, output, user=spec.user, death_signal=spec.death_signal
            )
            self.process = process = psutil.Process(self._popen.pid)
            self.created = process.create_time()
        except OSError as error:
            self._not_started(f"could not be started: {error}")
            return
        except subprocess.SubprocessError:  # what went wrong between fork and exec is not told
            self._not_started(f"could not be started as user {spec.user}: {NEEDED}")
            return
        finally:
            os.close(output)
        self._runs = spec
        self._gone.clear()
        self._reason = ""

    def _not_started(self, reason: str) -> None:
        self._reason = reason
        self._exit_code = None
        self._exits.append(time.monotonic())
        self._plan_restart(failed=True)

    def reap(self) -> bool:
        """Notice the end of the process, if it ended; plan its restart. True when it ended just now."""
        if self._popen is None or os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        self._signal_group(signal.SIGKILL)  # while the pid is still ours: nothing of its group may stay
        code = self._popen.wait()
        self._popen = self.process = self.created = self._runs = None
        self._exit_code = code
        self._reason = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        self._gone.set()
        if not self._stopping:
            self._exits.append(time.monotonic())
            self._plan_restart(failed=code != 0)
        return True

    def _plan_restart(self, *, failed: bool) -> None:
        policy = self.record.spec.restart
        if (
            not self.record.wanted
            or policy is RestartPolicy.NEVER
            or (policy is RestartPolicy.ON_FAILURE and not failed)
        ):
            return
        spec = self.record.spec
        delay = min(spec.backoff_limit_seconds, spec.backoff_seconds * 2 ** (max(1, self._recent_exits()) - 1))
        self._timer = asyncio.get_running_loop().call_later(delay, self._restart)

    def _restart(self) -> None:
        self._restarts += 1
        self._spawn()

    async def stop(self, seconds: float | None = None) -> None:
        """Ask it to end as it was started to, kill it after `seconds`, return when it is gone. It is not restarted."""
        self._cancel_timer()
        self._stopping = True
        try:
            if self._popen is not None:
                spec = self._runs or self.record.spec
                grace = spec.stop_seconds if seconds is None else seconds
                if grace > 0:
                    self._signal(signal.Signals[spec.stop_signal])
                    await self._wait_gone(grace)
                while self._popen is not None:
                    self._signal_group(signal.SIGKILL)
                    await self._wait_gone(1)
            self._reason = "stopped by request"
        finally:
            self._stopping = False

    async def _wait_gone(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._gone.wait(), seconds)
        except TimeoutError:
            self.reap()

    def facts(self, usage: Usage | None = None) -> ProcessFacts:
        """What is known of it now, with what was last measured. While it is replaced, `release` is what still runs."""
        spec = self._runs or self.record.spec
        release = spec.release_directory
        return ProcessFacts(
            name=spec.name,
            state=self._state(),
            wanted=self.record.wanted,
            generation=self.record.generation,
            keys=self.record.keys,
            pid=self.pid,
            started_at=self.created,
            restarts=self._restarts,
            exit_code=self._exit_code,
            release=spec.release,
            artefact=spec.artefact,
            artefact_at_hand=None if release is None else (release / "manifest.json").is_file(),
            labels=spec.labels,
            ports=spec.ports,
            log=self.log,
            memory_bytes=usage.memory_bytes if usage else None,
            cpu_seconds=usage.cpu_seconds if usage else None,
            usage_age=round(usage.age, 3) if usage else None,
            reason=self._reason,
        )

    def _state(self) -> ProcessState:
        if not self.record.wanted and self._popen is None:
            return ProcessState.STOPPED
        if self.record.wanted and self._recent_exits() >= LOOP_EXITS:
            return ProcessState.CRASH_LOOPING
        return ProcessState.RUNNING if self._popen is not None else ProcessState.EXITED

    def _recent_exits(self) -> int:
        since = time.monotonic() - LOOP_SECONDS
        return sum(1 for moment in self._exits if moment >= since)

    def _signal(self, number: signal.Signals) -> None:
        if self._popen is not None:
            self._popen.send_signal(number)

    def _signal_group(self, number: signal.Signals) -> None:
        if self._popen is not None:
            try:
                os.killpg(self._popen.pid, number)
            except ProcessLookupError:
                return

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _filled(text: str, spec: ProcessSpec) -> str:
    return text.replace("{release_dir}", str(spec.release_directory or "")).replace("{release}", spec.release)
