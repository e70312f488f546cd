"""Reports the wheels given as arguments: tag, size, what is in them; fails when the engines differ, a tag is wrong or a notice is missing."""
import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path

from elf_needs import platform_tag

BINARIES = ("libcoluber_engine.so", "coluber-link")
NOTICES = ("LICENSE", "NOTICE", "THIRD_PARTY.md")


def check(wheel, engines):
    problems = []
    with zipfile.ZipFile(wheel) as z, tempfile.TemporaryDirectory() as folder:
        names = z.namelist()
        binaries = [n for n in names if n.endswith((".so", "/coluber-link"))]
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
    wheels, engines, problems = [Path(a) for a in sys.argv[1:]], set(), []
    for wheel in wheels:
        problems += check(wheel, engines)
    if len(engines) > 1:
        problems.append("the engines differ between the wheels")
    if not wheels:
        problems.append("no wheels")
    print("\n".join(problems) if problems else "all well: one engine, tags by what the files need, notices in place")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
