"""Gives the tests of this folder the frontend's output for the corpus."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import serialise_code  # noqa: E402
from corpus_files import CORPUS, Tool, corpus_source  # noqa: E402


@pytest.fixture(scope="session")
def tool(tmp_path_factory):
    return Tool(tmp_path_factory.mktemp("frontend"))


@pytest.fixture(scope="session")
def corpus_dumps(tool):
    """Module -> label -> IR of the running interpreter's bytecode."""
    return {m: tool.dump(serialise_code.functions(corpus_source(m), m + ".py")) for m in CORPUS}
