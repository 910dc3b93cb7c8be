"""Our own PostgreSQL: starts a bundled server in the data directory and stops it when its last owner has gone."""

from strongroom.store.embedded.abandoned import abandoned
from strongroom.store.embedded.account import EmbeddedPostgresError
from strongroom.store.embedded.supervisor import EmbeddedPostgres, Server

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "Server", "abandoned"]
