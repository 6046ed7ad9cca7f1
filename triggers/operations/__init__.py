"""What each HTTP route takes and gives, as data: the OpenAPI document and the tests of answers are made from it."""

from triggers.operations import enrichments, erasures, readers, runs, segments, world
from triggers.operations.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *enrichments.OPERATIONS,
    *runs.OPERATIONS,
    *readers.OPERATIONS,
    *segments.OPERATIONS,
    *erasures.OPERATIONS,
    *world.OPERATIONS,
)
