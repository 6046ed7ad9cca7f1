"""The sample tenant: a company of about 60 people, a year of its mail and meetings, 40 customers with their stories."""

from localdev.graph.sample.tenant import AS_OF, build

__all__ = ["AS_OF", "build"]
