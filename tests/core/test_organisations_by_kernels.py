"""The sample organisations through readers, joins, figures and tables, in this process: every table, every cell."""

from __future__ import annotations

import pytest

from tests.reference.organisation import load, read_csv
from tests.reference.pipeline import publish_by_kernels
from tests.reference.text import differences


@pytest.mark.parametrize("name", ["berlin", "new-york", "lord-howe"])
def test_every_cell_of_every_table_is_as_expected(name, shared_folder):
    folder = shared_folder / "fixtures/organisations" / name
    published = publish_by_kernels(load(folder)).tables

    expected = {path.stem: read_csv(path) for path in (folder / "expected").glob("*.csv")}
    assert published.keys() == expected.keys()
    assert [line for table, rows in expected.items() for line in differences(rows, published[table])] == []
