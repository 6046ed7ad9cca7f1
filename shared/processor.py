"""What numpy must be told of the processor before it is loaded."""

from __future__ import annotations

import os
from pathlib import Path

# AMD's Zen 4 and its kin store compressed vectors by microcode. numpy sorts by means of that wherever there is AVX-512,
# and takes there more than four times as long as with AVX2 (numpy/numpy#32690, numpy/x86-simd-sort#6).
_SLOW_FAMILY = "cpu family\t: 25\n"
_SLOW_SORTS = "X86_V4 AVX512_ICL"


def tune_numpy(about: Path = Path("/proc/cpuinfo")) -> None:
    """Let numpy sort with AVX2 where AVX-512 is slower. It reads this once, from the environment, and offers no other
    way; what somebody has set there stays. about: where Linux tells of the processor."""
    try:
        with about.open() as lines:
            told = lines.read(4096)
    except OSError:
        return  # not Linux
    if "AuthenticAMD" in told and _SLOW_FAMILY in told and " avx512f " in told:
        os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", _SLOW_SORTS)
