"""What these drive a browser with is in an environment of its own, which `make test-browser` makes; elsewhere they are not collected."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]
