"""What all pytest folders share: markers and hypothesis profiles."""
import os
import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:      # as for background jobs of a shell: tests send it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption("--share", metavar="K/N", help="of tests marked `sampled`, every N-th, from the K-th on")


def pytest_configure(config):
    os.environ.setdefault("COLUBER_VERIFY", "1")   # the IR is checked before the first pass and after each: costs little, finds much
    config.addinivalue_line("markers", "slow: takes seconds; run with the newest Python alone, and with the NumPy that is new")
    config.addinivalue_line("markers", "numpy: depends on the version of NumPy; run with the oldest one, too")
    config.addinivalue_line("markers", "sampled: of many cases of one kind; the older Pythons share them, and so do the oldest NumPys")
    try:
        import hypothesis
    except ImportError:                        # tests/style needs nothing but pytest
        return
    # Compile times vary with the load of the machine, so no example has a deadline; `derandomize` makes a red run red again.
    hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, max_examples=50)
    hypothesis.settings.register_profile("long", deadline=None, max_examples=2000)
    hypothesis.settings.load_profile(os.environ.get("COLUBER_HYPOTHESIS", "ci"))


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--share"):
        return
    k, n = map(int, config.getoption("--share").split("/"))
    sampled = [item for item in items if item.get_closest_marker("sampled")]
    others = {item for i, item in enumerate(sampled) if i % n != k}
    config.hook.pytest_deselected(items=list(others))
    items[:] = [item for item in items if item not in others]
