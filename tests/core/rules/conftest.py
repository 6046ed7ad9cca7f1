"""Each rule is held against two implementations: the slow reference and the app's own kernels."""

from __future__ import annotations

import pytest

from tests.reference.organisation import Organisation
from tests.reference.pipeline import publish_by_kernels
from tests.reference.publish import publish as publish_by_reference
from tests.reference.published import Published, Publisher
from tests.reference.text import cells


def by_reference(org: Organisation) -> Published:
    return Published({name: cells(rows) for name, rows in publish_by_reference(org).tables.items()})


@pytest.fixture(params=[by_reference, publish_by_kernels], ids=["reference", "kernels"])
def publish(request: pytest.FixtureRequest) -> Publisher:
    """Organisation → published tables."""
    publisher: Publisher = request.param
    return publisher
