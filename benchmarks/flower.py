"""Flower, with a Celery worker and a Redis behind it, and one finished task."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil
from benchmarks.http_load import Target
from benchmarks.servers import ask_python, free_port, python, redis

_APP = ("-m", "celery", "-A", "benchmarks.peers.celery_tasks")


@dataclass(frozen=True)
class Flower:
    """A running Flower; the target reads its task info, whose body is known."""

    process: psutil.Process
    target: Target


@contextmanager
def running() -> Iterator[Flower]:
    """Start all three, and have one task done."""
    port = free_port()
    with redis("everysec") as store:
        environment = {"BENCHMARK_REDIS": store.url}
        worker = (*_APP, "worker", "--loglevel", "ERROR", "-E", "-P", "threads", "-c", 2)
        serve = (*_APP, "flower", "--address=127.0.0.1", f"--port={port}", "--logging=error")
        with (
            python(
                *serve, peers=True, ready=port, environment=environment | {"FLOWER_UNAUTHENTICATED_API": "true"}
            ) as flower,
            python(*worker, peers=True, environment=environment),
        ):
            url = f"http://127.0.0.1:{port}/api/task/info/{{}}"
            body, task = _known_task(url, environment)
            yield Flower(flower, Target(url.format(task), body.__eq__))


def _known_task(url: str, environment: dict[str, str]) -> tuple[bytes, str]:
    """Run tasks until Flower, which hears of them by events, has seen one to its end; gives its info and its id."""
    for _ in range(20):
        task = ask_python("-m", "benchmarks.peers.celery_tasks", "one", peers=True, environment=environment).strip()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            reply = httpx.get(url.format(task), timeout=30)
            if reply.status_code == 200 and reply.json()["state"] == "SUCCESS":
                assert reply.json()["uuid"] == task
                return httpx.get(url.format(task), timeout=30).content, task
            time.sleep(0.1)
    raise AssertionError("Flower sees no task end")
