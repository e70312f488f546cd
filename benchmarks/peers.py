"""Runs every workload on every peer that is there, side by side, and prints the ratios.

    python benchmarks/peers.py [--quick] [--case WORD]... [--peer NAME]... [--out FILE.json]

Peers: coluber, numba, cython, numpy, clang and gcc (strict: -O3 -march=native -ffp-contract=off), cpython (timed on the small size, scaled by the
amount of work). A result is compared with CPython's on the small size, and with the C build's on the timed size, before anything is timed. The
peers take turns, in alternating order, on one core; a time is the minimum of the rounds. Rows where Coluber needs more than 1.05 times the
better C build, or more than Numba, are marked."""
import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")      # before NumPy comes: its threads would share one core

from build_peers import c_library, cython_module
import cases_more      # noqa: F401 (its cases come behind those of cases.py)
from cases import CASES

LIMIT = 1.05
PEERS = ["coluber", "numba", "cython", "numpy", "clang", "gcc", "cpython"]


class Absent(Exception):
    """This peer has no form of this case."""


def bind_jit(module):
    def bind(case, arguments):
        compiled = bind.compiled.setdefault(case.name, module.njit(case.function))
        return lambda: compiled(*arguments)
    bind.compiled = {}
    return bind


def bind_c(library):
    def bind(case, arguments):
        if not case.c:
            raise Absent
        return case.bind(library[case.c], arguments)        # [] makes a fresh function object each time
    return bind


def bind_cython(module):
    def bind(case, arguments):
        if not case.cython:
            raise Absent
        return lambda: getattr(module, case.name)(*arguments)
    return bind


def bind_numpy(case, arguments):
    if not case.numpy:
        raise Absent
    return lambda: case.numpy(*arguments)


def bind_cpython(case, arguments):
    return lambda: case.function(*arguments)


def find_peers(names):
    """name -> bind, and name -> why not."""
    found, absent = {}, {}
    for name in names:
        try:
            if name in ("clang", "gcc"):
                found[name] = bind_c(c_library(name))
            elif name == "cython":
                found[name] = bind_cython(cython_module())
            elif name in ("numpy", "cpython"):
                found[name] = {"numpy": bind_numpy, "cpython": bind_cpython}[name]
            else:
                found[name] = bind_jit(__import__(name))
        except (ImportError, AttributeError, OSError, RuntimeError) as error:
            absent[name] = f"{type(error).__name__}: {error}"
    return found, absent


def differs(got, wanted, tolerance):
    """None, or how the two differ. Integers must be equal."""
    import numpy as np
    a, b = np.asarray(got), np.asarray(wanted)
    if a.shape != b.shape:
        return f"shape {a.shape} instead of {b.shape}"
    exact = a.dtype.kind in "iub" and b.dtype.kind in "iub"
    same = np.array_equal(a, b) if exact else np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
    return None if same else f"{np.count_nonzero(a != b)} of {a.size} values differ"


def result_of(case, bind, n):
    arguments = case.make(n)
    return case.value(arguments, bind(case, arguments)())


def checked(case, peers, n):
    """The peers whose results are right, with a call ready for timing; the others with the reason."""
    wanted = {case.sizes[0]: result_of(case, bind_cpython, case.sizes[0])}
    reference = next((peers[p] for p in ("clang", "gcc") if p in peers and case.c), bind_numpy if case.numpy else None)
    if reference:
        wanted[n] = result_of(case, reference, n)
    ready, problems = {}, {}
    for name, bind in peers.items():
        if name == "cpython":
            continue
        try:
            for size, value in wanted.items():
                wrong = differs(result_of(case, bind, size), value, case.tolerance)
                if wrong:
                    raise ArithmeticError(f"wrong on size {size}: {wrong}")
            ready[name] = bind(case, case.make(n))
        except Absent:
            pass
        except Exception as error:             # a peer may fail in any way; that is a result, too
            problems[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return ready, problems


def one_time(call, loops):
    start = time.perf_counter()
    for _ in range(loops):
        call()
    return (time.perf_counter() - start) / loops


def timed(ready, budget):
    """name -> list of times, interleaved."""
    loops, total = {}, 0.0
    for name, call in ready.items():
        once = min(one_time(call, 1) for _ in range(2))
        loops[name] = max(1, int(0.002 / max(once, 1e-7)))
        total += once * loops[name]
    rounds = max(5, min(40, int(budget / max(total, 1e-6))))
    times = {name: [] for name in ready}
    gc.collect()
    gc.disable()
    for r in range(rounds):
        for name in list(ready)[::1 if r % 2 else -1]:
            times[name].append(one_time(ready[name], loops[name]))
    gc.enable()
    return times


def measure(case, peers, quick, budget):
    n = case.sizes[1 if quick else 2]
    ready, problems = checked(case, peers, n)
    times = {name: {"min": min(t), "median": statistics.median(t), "rounds": len(t)} for name, t in timed(ready, budget).items()}
    if "cpython" in peers:
        small = case.sizes[0]
        call = bind_cpython(case, case.make(small))
        times["cpython"] = {"min": min(one_time(call, 1) for _ in range(3)) * case.work(n) / case.work(small), "scaled": True}
    return {"size": n, "times": times, "problems": problems}


def best_c(times):
    return min((times[p]["min"], p) for p in ("clang", "gcc") if p in times) if any(p in times for p in ("clang", "gcc")) else (None, "")


def show_time(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"


def show_row(name, row):
    times, limit, which = row["times"], *best_c(row["times"])
    cells = []
    for peer in PEERS:
        if peer in ("clang", "gcc"):
            continue
        if peer in times:
            ratio = f" ({times[peer]['min'] / limit:.2f})" if limit and peer != "cpython" else ""
            cells.append(show_time(times[peer]["min"]) + ratio)
        else:
            cells.append("fails" if peer in row["problems"] else "-")
    mine = times.get("coluber", {}).get("min")
    slow = mine and (limit and mine > LIMIT * limit or "numba" in times and mine > LIMIT * times["numba"]["min"])
    return f"| {name} | {show_time(limit) + ' ' + which if limit else '-'} | " + " | ".join(cells) + f" | {'slow' if slow else ''} |"


def show_table(results):
    names = [p for p in PEERS if p not in ("clang", "gcc")]
    print("\nMinimum of the rounds; in brackets the ratio to the better strict C build. CPython: scaled from a small size.\n")
    print("| workload | best C | " + " | ".join(names) + " | |")
    print("|" + "---|" * (len(names) + 3))
    for name, row in results.items():
        print(show_row(name, row))
    for name, row in results.items():
        for peer, problem in row["problems"].items():
            print(f"- {name}, {peer}: {problem}")


def machine():
    import numpy
    model = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {"python": platform.python_version(), "numpy": numpy.__version__, "cpu": model[0] if model else platform.machine(),
            "cores": os.cpu_count()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, short rounds")
    parser.add_argument("--case", action="append", default=[], help="only workloads whose name contains this")
    parser.add_argument("--peer", action="append", default=[], help=f"only these of {', '.join(PEERS)}")
    parser.add_argument("--out", default=str(Path(__file__).resolve().parent.parent / "build" / "bench" / "peers.json"))
    options = parser.parse_args()
    peers, absent = find_peers(options.peer or PEERS)
    for name, why in absent.items():
        print(f"without {name}: {why}", file=sys.stderr)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    results = {}
    for case in CASES:
        if options.case and not any(word in case.name for word in options.case):
            continue
        results[case.name] = measure(case, peers, options.quick, 0.3 if options.quick else 2.0)
        print(show_row(case.name, results[case.name]), file=sys.stderr, flush=True)
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": machine(), "absent": absent, "cases": results}, indent=1))
    show_table(results)
    print(f"\n{machine()}\nwritten to {out}")
    wrong = [f"{n}: {p}" for n, r in results.items() for k, p in r["problems"].items() if k == "coluber"]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
