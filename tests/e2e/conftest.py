"""A test that hangs ends the run with a traceback: compiled code that loops for ever cannot be interrupted otherwise."""
import faulthandler
import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))             # for check.py


@pytest.fixture(autouse=True)
def time_limit():
    faulthandler.dump_traceback_later(120, exit=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)    # NumPy's, of the run in CPython
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def threads():
    """set_num_threads, undone behind the test."""
    from parallel import on_threads

    import coluber
    with on_threads(coluber.get_num_threads()):
        yield coluber.set_num_threads
