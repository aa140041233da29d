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
        return Queue(running=round(counts[_RUNNING]), waiting=round(counts[_WAITING]))
    except (ValueError, KeyError, OverflowError):
        return None
