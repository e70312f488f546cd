"""The files of the project, as git knows them (or would, once they are added), and the exceptions of tests/style/allowed.txt."""
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CXX_FOLDERS = ("ir", "typing", "backends", "jit")


@functools.cache
def files(*suffixes):
    """Paths relative to the root, sorted. Outside a git checkout (an unpacked source archive): whatever is there, without build/."""
    try:
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
        names = listed.stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file()]
    names = [n for n in names if not n.startswith(("build/", "dist/", ".git/")) and (ROOT / n).is_file()]
    return tuple(sorted(n for n in names if not suffixes or n.endswith(suffixes)))


@functools.cache
def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


@functools.cache
def allowed(rule):
    """The second column of the rows of allowed.txt whose first is `rule`."""
    rows = [line.split("#")[0].split(None, 1) for line in (ROOT / "tests/style/allowed.txt").read_text().splitlines()]
    return {row[1].strip() for row in rows if len(row) == 2 and row[0] == rule}
