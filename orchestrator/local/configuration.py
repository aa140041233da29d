"""The configuration of a Neo4j of our own, and what can be read back from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.local.ports import LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where it listens."""

    bolt: int
    http: int


SETTINGS = {
    # Nothing is sent anywhere.
    "dbms.usage_report.enabled": "false",
    "client.allow_telemetry": "false",
    # Each would otherwise take 256 MB of disk before the first node.
    "db.tx_log.preallocate": "false",
    # By default all that was written in the last two days is kept once more, however much that is: of a deliberation 40 KB, where
    # the graph has 25. Nothing needs it but what came after the last checkpoint, which stays in any case.
    "db.tx_log.rotation.retention_policy": "1G size",
    # Both are endless by default: a lost client would hold its locks for ever.
    "db.lock.acquisition.timeout": "10s",
    "db.transaction.timeout": "60s",
    # Full text may be a second late. Without this Lucene opens its index anew after each transaction that wrote a task.
    "db.index.fulltext.eventually_consistent_refresh_interval": "1s",
    # In a young graph every count is soon another, and by default a statement is then planned anew every 10 s: of the
    # processor time of a deliberation a fourth. How ours reach what they look for is held by hints and by unique keys.
    "dbms.cypher.min_replan_interval": "5m",
    # By default a statement is planned once for each order of magnitude of every list and text that it is given: `claim` takes a
    # second of processor time each time, the first time that a process is found dead for one.
    "internal.cypher.use_parameter_size": "false",
}
"""What holds for a Neo4j however it is run; `deploy/compose.yaml` says the same."""


def render(ports: Ports, *, digest: str) -> str:
    """Answer the text of neo4j.conf; two equal ones run the same server, as `digest` is of its files.

    Directories are left at their defaults, which are below the home directory that Java is told.
    """
    settings = "\n".join(f"{name}={value}" for name, value in SETTINGS.items())
    return f"""\
# Written at each start by `council`; files {digest}

server.default_listen_address={LOOPBACK}
server.default_advertised_address={LOOPBACK}
server.bolt.listen_address={LOOPBACK}:{ports.bolt}
server.bolt.advertised_address={LOOPBACK}:{ports.bolt}
server.http.listen_address={LOOPBACK}:{ports.http}
server.http.advertised_address={LOOPBACK}:{ports.http}
server.https.enabled=false

server.memory.pagecache.size=64m

{settings}

# Nobody deletes the files below a running server; each write to one would wake two threads that look for that.
db.filewatcher.enabled=false

# Stopping would otherwise listen to silent connections for 10 s after the databases are closed.
internal.dbms.bolt.netty_server_shutdown_quiet_period=0
"""


def in_environment(name: str) -> str:
    """Name the environment variable by which Neo4j's own image takes a setting."""
    return "NEO4J_" + name.replace("_", "__").replace(".", "_")


def read_ports(text: str) -> Ports | None:
    """Answer the ports in such a text, or None where it has none."""
    bolt = re.search(r"^server\.bolt\.listen_address=.*:(\d+)$", text, re.MULTILINE)
    http = re.search(r"^server\.http\.listen_address=.*:(\d+)$", text, re.MULTILINE)
    if bolt is None or http is None:
        return None
    return Ports(bolt=int(bolt[1]), http=int(http[1]))
