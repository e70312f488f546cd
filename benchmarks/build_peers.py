"""Builds the C and Cython forms of the workloads, once per content of source, flags and interpreter, into build/bench."""
import ctypes
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "build" / "bench"
# Strict: no step changes a result. Nobody reads errno, in Python neither.
FLAGS = ["-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-shared"]
# clang gets vector versions of sin and exp from libmvec: the limit for array expressions.
COMPILERS = {"clang": (["clang-19", "clang"], ["-fveclib=libmvec"]), "gcc": (["gcc"], [])}


def run(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")


def stamp(*parts):
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:12]


def c_library(name):
    names, extra = COMPILERS[name]
    compiler = next(filter(None, map(shutil.which, names)), None)
    if not compiler:
        raise OSError(f"{name} is not installed")
    source = HERE / "peers_src" / "kernels.c"
    path = OUT / f"kernels-{name}-{stamp(source.read_text(), compiler, FLAGS, extra)}.so"
    if not path.exists():
        OUT.mkdir(parents=True, exist_ok=True)
        run([compiler, *FLAGS, *extra, "-o", path, source, "-lm"])
    return ctypes.CDLL(str(path))


def cython_module():
    import Cython
    source = HERE / "peers_src" / "kernels_cy.pyx"
    folder = OUT / f"cython-{stamp(source.read_text(), Cython.__version__, sys.version, FLAGS)}"
    path = folder / ("kernels_cy" + sysconfig.get_config_var("EXT_SUFFIX"))
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        c_file = folder / "kernels_cy.c"
        run([sys.executable, "-m", "cython", "-3", source, "-o", c_file])
        run(["gcc", *FLAGS, "-w", f"-I{sysconfig.get_paths()['include']}", "-o", path, c_file, "-lm"])
    spec = importlib.util.spec_from_file_location("kernels_cy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
