"""The standard library's own tests, with every function of the tested module under jit: all that passes without passes with it."""
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("run_module.py")
MODULES = [("textwrap", "test_textwrap"), ("statistics", "test_statistics"), ("fractions", "test_fractions"), ("difflib", "test_difflib"),
           ("json.decoder,json.scanner,json.encoder", "test_json"), ("random", "test_random"), ("copy", "test_copy"), ("calendar", "test_calendar"),
           ("graphlib", "test_graphlib"), ("shlex", "test_shlex"), ("base64", "test_base64"), ("gzip", "test_gzip"), ("string", "test_string"),
           ("configparser", "test_configparser"), ("urllib.parse", "test_urlparse"), ("contextlib", "test_contextlib"),
           ("collections", "test_collections"), ("colorsys", "test_colorsys"), ("reprlib", "test_reprlib"), ("sched", "test_sched"),
           ("optparse", "test_optparse"), ("quopri", "test_quopri")]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(importlib.util.find_spec("test.support") is None, reason="this Python comes without its tests")]


def run(mode, module, test, tmp_path):
    ran = subprocess.run([sys.executable, str(RUNNER), mode, module, f"test.{test}"], capture_output=True, text=True, timeout=600, cwd=tmp_path,
                         env=dict(os.environ, COLUBER_CACHE="off"))
    assert '{"outcomes"' in ran.stdout, (ran.returncode, ran.stdout[-2000:], ran.stderr[-2000:])
    return json.loads(ran.stdout[ran.stdout.index('{"outcomes"'):])


@pytest.mark.parametrize("module, test", MODULES, ids=[m.split(",")[0] for m, _ in MODULES])
def test_what_passed_before_passes_under_jit(module, test, tmp_path):
    if importlib.util.find_spec(f"test.{test}") is None:
        pytest.skip(f"this Python has no test.{test}")
    before, after = run("plain", module, test, tmp_path), run("jit", module, test, tmp_path)
    passed = [name for name, outcome in before["outcomes"].items() if outcome == "passed"]
    broken = [name for name in passed if after["outcomes"].get(name) != "passed"]
    assert not broken, (broken, after["log"][-3000:])
    assert passed and after["count"]["called"] > 0
    print(f"{module}: {len(passed)} tests, {after['count']}")
