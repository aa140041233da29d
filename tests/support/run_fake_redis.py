"""Runs fakeredis on a socket; takes the options of redis-server, of which it needs the port.

python -m tests.support.run_fake_redis --port PORT …
"""

from __future__ import annotations

import sys
from importlib import import_module

if __name__ == "__main__":
    port = int(sys.argv[sys.argv.index("--port") + 1])
    import_module("fakeredis").TcpFakeServer(("127.0.0.1", port)).serve_forever()
