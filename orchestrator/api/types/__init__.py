"""The types of the schema. They wrap values of the domain and decide nothing."""

# Before any type that has an enum among its fields: it would take the name of the Python class.
from orchestrator.api.types import enums as enums
