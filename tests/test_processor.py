"""numpy sorts with the instructions that are quick on the processor at hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.processor import tune_numpy

SETTING = "NPY_DISABLE_CPU_FEATURES"
ZEN_4 = "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nflags\t\t: fpu avx2 avx512f avx512dq\n"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    monkeypatch.setenv(SETTING, "")
    monkeypatch.delenv(SETTING)


def told(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    return path


def test_on_a_zen_4_numpy_is_kept_from_avx_512(tmp_path):
    tune_numpy(told(tmp_path, ZEN_4))

    assert os.environ[SETTING] == "X86_V4 AVX512_ICL"


@pytest.mark.parametrize(
    ("this", "other"),
    [("AuthenticAMD", "GenuineIntel"), ("family\t: 25", "family\t: 26"), (" avx512f", "")],
    ids=["Intel", "Zen 5", "Zen 3"],
)
def test_elsewhere_numpy_chooses_for_itself(tmp_path, this, other):
    tune_numpy(told(tmp_path, ZEN_4.replace(this, other)))
    tune_numpy(tmp_path / "not Linux")

    assert SETTING not in os.environ


def test_what_somebody_has_set_stays(tmp_path):
    os.environ[SETTING] = "X86_V3"
    tune_numpy(told(tmp_path, ZEN_4))

    assert os.environ[SETTING] == "X86_V3"


def test_numpy_knows_the_setting():
    """It warns of names that it does not know; a renamed one would be without effect."""
    code = "import numpy; from numpy._core._multiarray_umath import __cpu_features__ as f; print(f['X86_V4'])"
    command = [sys.executable, "-W", "error", "-c", code]
    has = subprocess.run(command, capture_output=True, text=True, check=True, env={}).stdout.strip() == "True"
    if not has:
        pytest.skip("this processor has no AVX-512")

    answer = subprocess.run(command, capture_output=True, text=True, check=True, env={SETTING: "X86_V4 AVX512_ICL"})

    assert answer.stdout.strip() == "False"
