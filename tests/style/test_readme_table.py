"""The tables of the README come out of a benchmark's report, between markers that are there."""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
import readme_table  # noqa: E402

SPEED = {"machine": {"cpu": "C", "python": "3.12", "numpy": "2"},
         "cases": {"a": {"times": {"coluber": {"min": 2e-3}, "clang": {"min": 2e-3}, "gcc": {"min": 4e-3}, "numba": {"min": 3e-3}, "cpython": {"min": 1.0}}},
                   "fails": {"times": {"clang": {"min": 1.0}}}}}


def test_speed_table():
    table = readme_table.speed_table(SPEED)
    assert table[-1] == "| a | 2 ms | 1.00 | 1.50 | - | - | 500 |"
    assert not any("fails" in line for line in table[2:])


def test_latency_table():
    table = readme_table.latency_table({"coluber": {"import": 7e-4, "memory of import": 2e6, "first call": "ImportError"}, "numba": {"import": 0.5}})
    assert "| `import`, on top of NumPy's | 700 us | 500 ms |" in table
    assert "| memory of the import | 2.0 MB | - |" in table
    assert "| first call of a function, engine load included | - | - |" in table


def test_markers_are_in_the_readme():
    text = (ROOT / "README.md").read_text()
    new = readme_table.replaced(text, "TABLES\n")
    assert "TABLES\n<!-- measured:end -->" in new and new.count("measured:begin") == 1
    assert readme_table.replaced(new, "TABLES\n") == new
