"""graph-council: councils of LLM agents that deliberate, and in which nothing is ever lost."""

from importlib import metadata

__version__ = metadata.version("graph-council")
