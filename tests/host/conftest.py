"""The host's tests run against an engine without a compiler (tests/unit/host/fake_engine.cc), built here once per process."""
import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build_fake_engine():
    source = ROOT / "tests/unit/host/fake_engine.cc"
    folder = Path(os.environ.get("COLUBER_BUILD_DIR") or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "libcoluber_fake_engine.so"
    newest = max(p.stat().st_mtime for p in (source, ROOT / "jit/engine_api.h", ROOT / "jit/runtime/abi.h", ROOT / "ir/diag.def"))
    if not made.exists() or made.stat().st_mtime < newest:
        part = folder / f"fake{os.getpid()}.so"
        subprocess.run(["c++", "-std=c++20", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{ROOT}", source, "-o", part], check=True)
        part.rename(made)
    return made


FAKE = build_fake_engine()
os.environ["COLUBER_ENGINE"] = str(FAKE)       # before the first compilation; the real engine is tested elsewhere
os.environ["COLUBER_CACHE"] = "off"


@pytest.fixture
def compiled():
    """How many compilations there have been."""
    return ctypes.CDLL(str(FAKE)).fake_compiled


@pytest.fixture
def stats():
    from coluber import _coluber
    return _coluber._runtime_stats


@pytest.fixture
def run_python():
    """Runs a program in a process of its own; returns the CompletedProcess."""
    def run(code, timeout=60, **env):
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout, env={**os.environ, **env})
    return run
