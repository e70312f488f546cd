"""Reports the wheels given as arguments: tag, size, what is in them; fails when the engines differ, a tag is wrong or a notice is missing.

    python tools/check_wheels.py [--python /path/to/python3.12]... WHEEL...

Each interpreter named gets a virtual environment with its wheel and nothing of this tree in reach: compiles there, calls the library, and finds
its code in the cache from another process, without the engine."""
import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from elf_needs import platform_tag

BINARIES = ("libcoluber_engine.so", "libcoluber_sleef.so", "coluber-link", "libomp.so.5")
NOTICES = ("LICENSE", "NOTICE", "THIRD_PARTY.md")


MODULE = """
import numpy as np
from coluber import njit, prange

@njit(parallel=True)
def squares(x):
    s = 0.0
    for i in prange(len(x)):
        s += x[i] * x[i]
    return s

@njit
def smooth(x, width):
    out = np.empty_like(x)
    for i in range(len(x)):
        out[i] = x[max(0, i - width):min(len(x), i + width + 1)].mean()
    return out

@njit
def fails(x):
    return x[len(x)]
"""
PROGRAM = """
import os, sys, time
import numpy as np
import coluber, demo
assert os.path.realpath(coluber.__file__).startswith(os.path.realpath(sys.prefix)), coluber.__file__
assert demo.smooth(np.arange(5.0), 1).tolist() == demo.smooth.py_func(np.arange(5.0), 1).tolist() == [0.5, 1.0, 2.0, 3.0, 3.5]
try:
    demo.fails(np.ones(3))
except IndexError as e:
    assert "out of bounds" in str(e)
assert demo.squares(np.arange(100.0)) == 328350.0
omp = coluber._coluber._openmp()[0]
assert os.path.realpath(omp).startswith(os.path.realpath(sys.prefix)), omp
engine = "libcoluber_engine" in open("/proc/self/maps").read()
print(demo.smooth.cache_info().hits, demo.fails.cache_info().hits, demo.squares.cache_info().hits, engine)
end = time.time() + 30
while time.time() < end and sum(f.endswith(".so") for _, _, files in os.walk(os.environ["COLUBER_CACHE_DIR"]) for f in files) < 3:
    time.sleep(0.05)
"""


def try_out(wheel, python):
    """Installs the wheel by itself and uses it from an empty folder; what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
        inside = folder / "venv" / "bin" / "python"
        installed = subprocess.run([inside, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel.resolve()], capture_output=True, text=True)
        if installed.returncode:
            return [f"pip install failed: {installed.stderr.strip()[-500:]}"]
        (folder / "demo.py").write_text(MODULE)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COLUBER_"))}
        environment.update(COLUBER_CACHE_DIR=str(folder / "cache"), PYTHONPATH=str(folder))
        problems = []
        for expected in ("0 0 0 True", "1 1 1 False"):
            done = subprocess.run([inside, "-c", PROGRAM], capture_output=True, text=True, env=environment, cwd=folder)
            if done.stdout.strip() != expected:
                problems.append(f"cache hits and engine loaded: expected {expected}, got {done.stdout.strip()} {done.stderr.strip()[-1000:]}")
        info = subprocess.run([inside, "-m", "coluber", "info"], capture_output=True, text=True, env=environment, cwd=folder)
        if info.returncode:
            problems.append(f"python -m coluber info: {info.stderr.strip()[-500:]}")
        size = sum(f.stat().st_size for f in folder.glob("venv/lib/*/site-packages/coluber/**/*") if f.is_file())
        print(f"{wheel.name}: {'tried out' if not problems else 'FAILS'} under {python}, {size / 1e6:.1f} MB installed")
        return [f"{wheel.name}: {p}" for p in problems]


def tag_of(python):
    return subprocess.run([python, "-c", "import sys; print('cp%d%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True).stdout.strip()


def check(wheel, engines):
    problems = []
    with zipfile.ZipFile(wheel) as z, tempfile.TemporaryDirectory() as folder:
        names = z.namelist()
        binaries = [n for n in names if n.endswith((".so", "/coluber-link", "/libomp.so.5"))]
        for wanted in BINARIES:
            if not any(n.endswith("/" + wanted) for n in binaries):
                problems.append(f"{wanted} is missing")
        if not any("/_coluber." in n for n in binaries):
            problems.append("the extension is missing")
        problems += [f"{n} is missing" for n in NOTICES if not any(m.endswith("/" + n) for m in names)]
        paths = [Path(z.extract(n, folder)) for n in binaries]
        tag, reasons = platform_tag(paths)
        problems += reasons
        if not wheel.stem.endswith(tag):
            problems.append(f"needs {tag}")
        for info in z.infolist():
            if info.filename.endswith("/coluber-link") and not info.external_attr >> 16 & 0o100:
                problems.append("coluber-link is not executable")
        for path in paths:
            if path.name == BINARIES[0]:
                engines.add(hashlib.sha256(path.read_bytes()).hexdigest())
        inside = ", ".join(f"{p.name} {p.stat().st_size / 1e6:.1f} MB" for p in paths)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB ({inside})")
    return [f"{wheel.name}: {p}" for p in problems]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--python", action="append", default=[])
    arguments.add_argument("wheels", nargs="*", type=Path)
    given = arguments.parse_args()
    wheels, engines, problems = given.wheels, set(), []
    pythons = {tag_of(p): p for p in given.python}
    for wheel in wheels:
        problems += check(wheel, engines)
        python = pythons.get(wheel.name.split("-")[2])
        if python:
            problems += try_out(wheel, python)
    if len(engines) > 1:
        problems.append("the engines differ between the wheels")
    if not wheels:
        problems.append("no wheels")
    print("\n".join(problems) if problems else "all well: one engine, tags by what the files need, notices in place")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
