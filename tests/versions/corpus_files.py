"""The corpus, and coluber-frontend-dump, which shows what the frontend makes of it."""
import os
import pathlib
import subprocess

import pytest
import serialise_code

FOLDER = pathlib.Path(__file__).parent
ROOT = FOLDER.parent.parent
CORPUS = sorted(p.stem for p in (FOLDER / "corpus").glob("*.py"))


def find_tool():
    named = os.environ.get("COLUBER_FRONTEND_DUMP")
    if named:
        return named
    build = os.environ.get("COLUBER_BUILD_DIR")
    folders = [pathlib.Path(build)] if build else sorted((ROOT / "build").glob("*"))
    found = [f / "coluber-frontend-dump" for f in folders if (f / "coluber-frontend-dump").is_file()]
    return max(found, key=lambda p: p.stat().st_mtime, default=None)


class Tool:
    """coluber-frontend-dump, given code objects."""

    def __init__(self, folder):
        self.path, self.folder, self.files = find_tool(), folder, 0

    def run(self, codes, *arguments, check=True):
        if self.path is None:
            pytest.fail("coluber-frontend-dump is not built: cmake --build <build folder> --target coluber-frontend-dump")
        self.files += 1
        file = self.folder / f"codes{self.files}"
        file.write_bytes(serialise_code.serialise(codes))
        done = subprocess.run([self.path, file, *map(str, arguments)], capture_output=True, encoding="utf-8", errors="replace")
        if check:
            assert done.returncode == 0, done.stderr or done.stdout[-2000:]
        return done.stdout

    def dump(self, codes, *arguments):
        """Label -> text, in order; nested functions have labels of their own."""
        texts, label = {}, None
        for line in self.run(codes, *arguments).splitlines(keepends=True):
            if line.startswith("== "):
                label = line[3:].strip()
                while label in texts:              # two lambdas of one function
                    label += "'"
                texts[label] = ""
            else:
                texts[label] += line
        return texts


def corpus_source(module):
    return (FOLDER / "corpus" / f"{module}.py").read_text(encoding="utf-8")
