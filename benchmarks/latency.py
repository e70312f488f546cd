"""How long one waits: import, first call (cold, then from the cache), further functions, the cost of a call, resident memory.

    python benchmarks/latency.py [--quick] [--module coluber]... [--out FILE.json]

Each figure but the call overhead is the median of fresh processes; import times and first calls are on top of `import numpy`."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# (row, what runs in the fresh process after the preamble, target for coluber). The last expression is printed as the result, in seconds.
CHILD = """
import sys, time, json
import numpy as np
sys.path.insert(0, {here!r})
def rss():
    return int(open('/proc/self/statm').read().split()[1]) * 4096
before = rss()
t0 = time.perf_counter()
import {module} as jit
t1 = time.perf_counter()
after_import = rss()
import latency_work as work
functions = [(work.__dict__[n], work.ARGUMENTS[n]()) for n in {names!r}]
options = {{'cache': True}} if jit.__name__ == 'numba' and {cached} else {{}}
t2 = time.perf_counter()
times = []
for f, arguments in functions:
    s = time.perf_counter()
    jit.njit(**options)(f)(*arguments) if options else jit.njit(f)(*arguments)
    times.append(time.perf_counter() - s)
print(json.dumps({{'import': t1 - t0, 'times': times, 'rss_import': after_import - before, 'rss_compile': rss() - after_import,
                  'threads': len(__import__('os').listdir('/proc/self/task'))}}))
"""
TARGETS = {"import": 5e-3, "first call": 15e-3, "next call": 3e-3, "julia first call": 25e-3, "ten NumPy functions": 60e-3, "cached first call": 2e-3,
           "call, two scalars": 40e-9, "call, one array": 50e-9, "memory of import": 5e6, "memory of first compile": 40e6}


# An installed package has its bytecode compiled: without that, each process would compile the sources of the library anew.
CLEAN = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def child(module, names, cache_dir, cached=False):
    environment = {**CLEAN, "COLUBER_CACHE_DIR": cache_dir, "NUMBA_CACHE_DIR": cache_dir}
    if not cached:
        environment["COLUBER_CACHE"] = "off"
    code = CHILD.format(here=str(HERE), module=module, names=names, cached=cached)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no output"])[-1])
    return json.loads(done.stdout)


def median(module, names, runs, key, cached=False):
    with tempfile.TemporaryDirectory() as cache:
        if cached:
            child(module, names, cache, True)          # fills the cache; the process drains it at its end
        return statistics.median(key(child(module, names, cache, cached)) for _ in range(runs))


def call_overhead(module):
    """Nanoseconds of a call over those of an empty loop, best of many."""
    code = f"""
import timeit, json, numpy as np, {module} as jit
two = jit.njit(lambda a, b: a + b)
one = jit.njit(lambda a: a[0])
x = np.ones(3)
two(1.0, 2.0), one(x)
def best(s, g):
    n = 200000
    return min(timeit.repeat(s, globals=g, number=n, repeat=15)) / n
empty = best('pass', {{}})
print(json.dumps([best('f(a, b)', dict(f=two, a=1.0, b=2.0)) - empty, best('f(a)', dict(f=one, a=x)) - empty]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=CLEAN)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no output"])[-1])
    return json.loads(done.stdout)


ROWS = [
    ("import", lambda m, r: median(m, [], r, lambda c: c["import"])),
    ("first call", lambda m, r: median(m, ["add"], r, lambda c: c["times"][0])),
    ("next call", lambda m, r: median(m, ["add", "total"], r, lambda c: c["times"][1])),
    ("julia first call", lambda m, r: median(m, ["julia"], r, lambda c: c["times"][0])),
    ("ten NumPy functions", lambda m, r: median(m, ["ten"], r, lambda c: c["times"][0])),
    ("cached first call", lambda m, r: median(m, ["julia"], r, lambda c: c["times"][0], cached=True)),
    ("memory of import", lambda m, r: median(m, [], r, lambda c: c["rss_import"])),
    ("memory of first compile", lambda m, r: median(m, ["add"], r, lambda c: c["rss_compile"])),
]


def measure(module, runs):
    results = {}
    rows = [*ROWS, ("call, two scalars", lambda m, r: call_overhead(m)[0]), ("call, one array", lambda m, r: call_overhead(m)[1])]
    for name, figure in rows:
        try:
            results[name] = figure(module, runs)
        except RuntimeError as error:
            results[name] = str(error)[:160]
        print(f"  {module}: {name}: {show(name, results[name])}", file=sys.stderr, flush=True)
    return results


def show(name, value):
    if isinstance(value, str):
        return f"fails ({value[:60]})"
    if name.startswith("memory"):
        return f"{value / 1e6:.1f} MB"
    return f"{value * 1e9:.0f} ns" if value < 1e-6 else f"{value * 1e3:.2f} ms"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer processes")
    parser.add_argument("--module", action="append", default=[], help="coluber and numba where installed")
    parser.add_argument("--out", default=str(HERE.parent / "build" / "bench" / "latency.json"))
    options = parser.parse_args()
    modules = options.module
    if not modules:
        probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
        modules = [m for m in ("coluber", "numba") if subprocess.run([sys.executable, "-c", probe, m]).returncode == 0]
    results = {m: measure(m, 3 if options.quick else 15) for m in modules}
    print("\n| | " + " | ".join(results) + " | target |\n|" + "---|" * (len(results) + 2))
    for name in TARGETS:
        print(f"| {name} | " + " | ".join(show(name, r[name]) for r in results.values()) + f" | < {show(name, TARGETS[name])} |")
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1))
    print(f"written to {out}")


if __name__ == "__main__":
    main()
