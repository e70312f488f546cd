"""What all pytest folders share: markers and hypothesis profiles."""
import os


def pytest_configure(config):
    os.environ.setdefault("COLUBER_VERIFY", "1")   # the IR is checked before the first pass and after each: costs little, finds much
    config.addinivalue_line("markers", "slow: takes seconds; run with the newest Python alone, and with the NumPy that is new")
    try:
        import hypothesis
    except ImportError:                        # tests/style needs nothing but pytest
        return
    # Compile times vary with the load of the machine, so no example has a deadline; `derandomize` makes a red run red again.
    hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, max_examples=50)
    hypothesis.settings.register_profile("long", deadline=None, max_examples=2000)
    hypothesis.settings.load_profile(os.environ.get("COLUBER_HYPOTHESIS", "ci"))
