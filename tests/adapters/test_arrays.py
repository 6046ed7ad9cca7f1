"""Arrays between numpy and Arrow: the same values, and no pandas for it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from shared.adapters.arrays import texts_to_arrow, to_arrow, to_numpy


@pytest.mark.parametrize("kind", ["u1", "u8", "i1", "i4", "i8", "f8", "?"])
@pytest.mark.parametrize("length", [0, 1, 9, 1_000])
def test_a_column_of_any_kind_comes_back(kind, length):
    values = (np.arange(length) % 3).astype(kind)
    column = to_arrow(values)

    assert column.equals(pa.array(values))
    assert to_numpy(column).tolist() == values.tolist()
    assert to_numpy(column).dtype == values.dtype
    assert to_numpy(pa.chunked_array([column, column])).tolist() == [*values, *values]


@pytest.mark.parametrize("kind", ["i4", "?"])
def test_a_part_of_a_column_is_that_part(kind):
    values = (np.arange(20) % 3).astype(kind)

    assert to_numpy(to_arrow(values)[3:11]).tolist() == values[3:11].tolist()
    assert to_numpy(to_arrow(values[::2])).tolist() == values[::2].tolist()


@pytest.mark.parametrize("texts", [[], ["a", "", "zwölf"], ["a", None, "b"], [None]])
def test_texts_come_back_and_none_is_null(texts):
    assert texts_to_arrow(texts).equals(pa.array(texts, pa.string()))
    texts_to_arrow(texts).validate(full=True)


def test_pandas_is_not_loaded_for_it():
    program = (
        "import sys, numpy; from shared.adapters.arrays import texts_to_arrow, to_arrow, to_numpy; "
        "texts_to_arrow(['a', None]); to_numpy(to_arrow(numpy.arange(3))); to_arrow(numpy.ones(3, bool)); "
        "assert 'pandas' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True)
