"""The slow reference gives the known answer for each sample organisation, every table, every cell."""

from pathlib import Path

import pytest

from tests.reference.organisation import load, read_csv
from tests.reference.publish import publish
from tests.reference.text import cells, differences

ORGANISATIONS = Path(__file__).parents[2] / "../shared/fixtures/organisations"

pytestmark = pytest.mark.skipif(not ORGANISATIONS.exists(), reason="the sample organisations are not here")


@pytest.mark.parametrize("name", ["berlin", "new-york", "lord-howe"])
def test_every_cell_of_every_table_is_as_expected(name):
    published = publish(load(ORGANISATIONS / name)).tables

    expected = {path.stem: read_csv(path) for path in (ORGANISATIONS / name / "expected").glob("*.csv")}
    found = [line for table, rows in expected.items() for line in differences(rows, cells(published[table]))]
    assert expected.keys() == published.keys()
    assert found == []
