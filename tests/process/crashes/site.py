"""The server of a campaign: started on one data directory as often as it takes, killed part by part."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from tests.process.crashes.plan import Round, Victim
from tests.process.vault_client import PATIENCE
from tests.server.serving import Running, clear_cluster, launch, open_place, serving

from strongroom.store.embedded.cluster import locate
from strongroom.store.embedded.watcher import server_pid

OPTIONS = ("--limits", "off", "--web", 2, "--workers", 2)


@dataclass
class Site:
    """``server`` is the one that runs now; ``seen`` are all the processes there ever were."""

    data_dir: Path
    server: Running
    starting: float
    stack: ExitStack
    seen: set[psutil.Process] = field(default_factory=set)

    def aim(self, what: Round) -> list[psutil.Process]:
        """Look for those whom the round kills: that takes longer than the moments that are to be hit."""
        self.note()
        return self._victims(what)

    def kill(self, what: Round, victims: list[psutil.Process]) -> float:
        """Kill them, or their successors if none of them lives any more; the moment at which it was done."""
        deadline = time.monotonic() + PATIENCE
        while not [victim for victim in victims if _killed(victim)]:
            assert time.monotonic() < deadline, f"there is nobody to kill: {what.told()}"
            time.sleep(0.02)
            victims = self.aim(what)
        return time.monotonic()

    def restart(self, what: Round) -> int:
        """Start the server again after it was killed; gives the number of further kills on the way."""
        self.server.process.wait(PATIENCE)
        self.stack.close()
        if not what.at_once:
            self.wait_for_the_end(but_postgres=what.victim is Victim.PROGRAM)
        if what.broken_start is not None:
            process = launch("--data-dir", self.data_dir, *OPTIONS)
            _drained(process)
            time.sleep(what.broken_start * self.starting)
            with suppress(psutil.NoSuchProcess):
                self.seen |= set(psutil.Process(process.pid).children(recursive=True))
            process.kill()
            process.wait(PATIENCE)
        self.server = self.stack.enter_context(_started(self.data_dir, *OPTIONS))
        return what.kills - 1

    def stop(self) -> int:
        """Stop it as a user would; gives the exit code."""
        self.note()
        self.server.process.terminate()
        code = self.server.process.wait(PATIENCE)
        self.stack.close()
        return code

    def note(self) -> None:
        """Remember who lives now."""
        self.seen |= set(self._family())

    def wait_for_the_end(self, *, but_postgres: bool = False) -> None:
        """Wait until no process that was ever seen lives, save those of PostgreSQL if that has been left alone."""
        left = [one for one in self.seen if not (but_postgres and _name(one) == "postgres")]
        _, alive = psutil.wait_procs(left, timeout=PATIENCE)
        assert not alive, f"processes have outlived their server: {alive}"

    def _victims(self, what: Round) -> list[psutil.Process]:
        among = self._candidates(what.victim)
        if what.victim in {Victim.WORKER, Victim.WEB, Victim.BACKEND} and among:
            return [among[what.pick % len(among)]]
        return among

    def _candidates(self, victim: Victim) -> list[psutil.Process]:
        server = self.server
        found: list[psutil.Process] = []
        match victim:
            case Victim.WORKER | Victim.WORKERS:
                found = server.children("_worker")
            case Victim.WEB | Victim.WEBS:
                found = server.children("_web")
            case Victim.POSTMASTER:
                found = self._postmasters()
            case Victim.BACKEND:
                found = [child for main in self._postmasters() for child in _children(main)]
            case Victim.WATCHER:
                found = server.watchers()
            case Victim.SUPERVISOR:
                found = [psutil.Process(server.process.pid)]
            case Victim.PROGRAM:
                others = [one for one in self._family() if _name(one) != "postgres"]
                found = [psutil.Process(server.process.pid), *others]
            case _:
                found = [psutil.Process(server.process.pid), *self._family()]
        return found

    def _family(self) -> list[psutil.Process]:
        adopted = [one for main in self._postmasters() for one in (main, *_children(main))]
        return list(dict.fromkeys([*self.server.family(), *adopted]))

    def _postmasters(self) -> list[psutil.Process]:
        """Found by its files: one that a start has taken over is nobody's child."""
        pid = server_pid(locate(self.data_dir).folder)
        with suppress(psutil.NoSuchProcess):
            return [] if pid is None else [psutil.Process(pid)]
        return []


@contextmanager
def built() -> Iterator[Site]:
    """A server on a fresh data directory, which is removed at the end with all that lives for it."""
    with open_place() as place, ExitStack() as stack:
        data_dir = place / "data"
        stack.callback(clear_cluster, data_dir)
        server_stack = stack.enter_context(ExitStack())
        first = server_stack.enter_context(_started(data_dir, "--limits", "off", "--workers", 0))
        first.process.terminate()
        assert first.process.wait(PATIENCE) == 0
        server_stack.close()
        began = time.monotonic()  # not the first: that makes the database
        server = server_stack.enter_context(_started(data_dir, *OPTIONS))
        site = Site(data_dir, server, time.monotonic() - began, server_stack)
        stack.callback(_clear, site)
        try:
            yield site
        except BaseException:
            sys.stderr.write(site.server.log.so_far()[-20_000:])
            raise


@contextmanager
def _started(data_dir: Path, *options: object) -> Iterator[Running]:
    process = launch("--data-dir", data_dir, *options)
    late = threading.Timer(PATIENCE, process.kill)  # a start that hangs is a failure, and not a test that hangs
    late.start()
    try:
        with serving(process, data_dir, keep=True) as server:
            late.cancel()
            yield server
    finally:
        late.cancel()


def _clear(site: Site) -> None:
    with suppress(psutil.NoSuchProcess):
        site.note()
    site.stack.close()
    for one in site.seen:
        with suppress(psutil.NoSuchProcess):
            one.kill()


def _drained(process: subprocess.Popen[str]) -> None:
    threading.Thread(target=process.communicate, daemon=True).start()


def _killed(victim: psutil.Process) -> bool:
    try:
        victim.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return process.children()
    return []


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return process.name()
    return ""
