"""vLLM spins on os.sched_yield between its processes, which starves a machine of two cores: sleep instead."""  # noqa: INP001 - the name is Python's

import os
import time

_FIFTY_MICROSECONDS = 5e-5

os.sched_yield = lambda: time.sleep(_FIFTY_MICROSECONDS)
