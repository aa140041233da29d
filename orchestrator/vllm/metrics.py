"""What a server's /metrics say about its queue."""

from __future__ import annotations

from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from orchestrator.vllm.throttle import Queue

_RUNNING: Final = "vllm:num_requests_running"
_WAITING: Final = "vllm:num_requests_waiting"


def queue_of(text: str) -> Queue | None:
    """Read the queue from the text of /metrics, summed over engines and models; none where it isn't told."""
    # A vLLM tells some thousand lines, most of them of histograms; only the two names' are parsed.
    lines = [line for line in text.splitlines() if line.startswith((_RUNNING, _WAITING))]
    counts: dict[str, float] = {}
    try:
        for family in text_string_to_metric_families("\n".join(lines) + "\n"):
            for sample in family.samples:
                counts[sample.name] = counts.get(sample.name, 0.0) + sample.value
        # A gauge that is counted up and down apart can come to less than nothing.
        running, waiting = (max(0, round(counts[name])) for name in (_RUNNING, _WAITING))
        return Queue(running=running, waiting=waiting)
    except (ValueError, KeyError, OverflowError):
        return None
