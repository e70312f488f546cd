"""Writes what ./dev bench measured between the markers of README.md: build/bench/peers.json and latency.json in, two tables out."""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = r"<!-- measured:begin[^>]*-->\n", r"<!-- measured:end -->"
LATENCY = {"import": "`import`, on top of NumPy's", "first call": "first call of a function, engine load included",
           "next call": "first call of a further small function", "julia first call": "first call of a Julia set",
           "ten NumPy functions": "first call of a function with ten NumPy functions in it",
           "cached first call": "first call in a new process, from the cache", "call, two scalars": "a call with two scalars",
           "call, one array": "a call with an array", "memory of import": "memory of the import",
           "memory of first compile": "memory of the first compilation"}


def time(seconds):
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def figure(name, value):
    if not isinstance(value, (int, float)):
        return "-"
    return f"{value / 1e6:.1f} MB" if name.startswith("memory") else time(value)


def factor(value):
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def workload(name, times):
    """One row; the C build is the better of those that ran."""
    mine = times["coluber"]["min"]
    c = min((times[p]["min"] for p in ("clang", "gcc") if p in times), default=None)
    cells = [name, time(mine), factor(mine / c) if c else "-"]
    for peer in ("numba", "cython", "numpy", "cpython"):
        cells.append(factor(times[peer]["min"] / mine) if peer in times else "-")
    return "| " + " | ".join(cells) + " |"


def speed_table(report):
    machine = report["machine"]
    lines = [f"Workloads of `benchmarks/` on one core of {machine['cpu']}, Python {machine['python']}, NumPy {machine['numpy']}: the time; how many "
             "times that of the better strict C build (clang and gcc, `-O3 -march=native -ffp-contract=off`); how many times longer the others take. "
             "CPython's is scaled from a small size. `-`: has no form of it, or fails.", "",
             "| workload | time | of C | Numba | Cython | NumPy | CPython |", "|---|---|---|---|---|---|---|"]
    return lines + [workload(name, row["times"]) for name, row in report["cases"].items() if "coluber" in row["times"]]


def latency_table(report):
    peers = [p for p in ("coluber", "numba") if p in report]
    title = {"coluber": "Coluber", "numba": "Numba"}
    lines = ["", "| waiting | " + " | ".join(title[p] for p in peers) + " |", "|---|" + "---|" * len(peers)]
    return lines + [f"| {text} | " + " | ".join(figure(row, report[p].get(row)) for p in peers) + " |" for row, text in LATENCY.items()]


def tables(folder):
    speed, latency = (json.loads((Path(folder) / f).read_text()) for f in ("peers.json", "latency.json"))
    return "\n".join([*speed_table(speed), *latency_table(latency)]) + "\n"


def replaced(text, table):
    """README's text with the table between the markers, which stay."""
    found = re.search(f"({BEGIN}).*?({END})", text, re.S)
    if not found:
        raise SystemExit("README.md has no markers measured:begin and measured:end")
    return text[:found.end(1)] + table + text[found.start(2):]


def main():
    readme = ROOT / "README.md"
    readme.write_text(replaced(readme.read_text(), tables(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "bench")))
    print("README.md: tables written")


if __name__ == "__main__":
    main()
