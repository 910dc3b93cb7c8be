"""Celery with Redis: a task that does nothing, acknowledged after its end, its result kept.

``enqueue N`` sends so many; ``check`` prints how many results there are, and how many of them say SUCCESS; ``one`` runs
one to its end and prints its id.
"""

import json
import os
import sys

import redis
from benchmarks.peers.first import First
from celery import Celery

_URL = os.environ["BENCHMARK_REDIS"]

app = Celery("benchmark", broker=f"{_URL}/0", backend=f"{_URL}/1")
app.conf.update(task_acks_late=True, broker_connection_retry_on_startup=True)

_first = First()


@app.task(name="nothing")
def nothing(number: int) -> int:
    """Do nothing."""
    _first.note()
    return number


def _check() -> str:
    client = redis.Redis.from_url(f"{_URL}/1")
    values = [json.loads(client.get(key)) for key in client.scan_iter(count=1000)]
    return f"{len(values)} {sum(value['status'] == 'SUCCESS' for value in values)}"


def main() -> None:
    """Do what the command line says."""
    if sys.argv[1] == "enqueue":
        for number in range(int(sys.argv[2])):
            nothing.delay(number)
    elif sys.argv[1] == "check":
        print(_check())
    else:
        sent = nothing.delay(1)
        assert sent.get(timeout=60) == 1
        print(sent.id)


if __name__ == "__main__":
    main()
