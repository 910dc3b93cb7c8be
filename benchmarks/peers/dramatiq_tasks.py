"""Dramatiq with Redis: an actor that does nothing, its result kept.

``enqueue N`` sends so many; ``check`` prints how many results there are, and how many of them are what they should be.
"""

import os
import sys

import dramatiq
import redis
from benchmarks.peers.first import First
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

_URL = os.environ["BENCHMARK_REDIS"]

_broker = RedisBroker(url=f"{_URL}/0")
_broker.add_middleware(Results(backend=RedisBackend(url=f"{_URL}/1")))
dramatiq.set_broker(_broker)

_first = First()


@dramatiq.actor(store_results=True)
def nothing(_number: int) -> str:
    """Do nothing."""
    _first.note()
    return "done"


def main() -> None:
    """Do what the command line says."""
    if sys.argv[1] == "enqueue":
        for number in range(int(sys.argv[2])):
            nothing.send(number)
    else:
        client = redis.Redis.from_url(f"{_URL}/1")
        values = [client.lindex(key, 0) for key in client.scan_iter(count=1000)]
        print(len(values), sum(b'"done"' in value for value in values))


if __name__ == "__main__":
    main()
