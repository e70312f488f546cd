"""python -m coluber info | options | annotate"""
import sys


def info():
    import platform

    import coluber
    from coluber import _coluber
    print(f"coluber {coluber.__version__}, Python {platform.python_version()}, {platform.platform()}")
    print(f"extension  {_coluber.__file__}")
    try:
        version, build, cpu = _coluber._engine()
        print(f"engine     build {build}, interface {version}\nprocessor  {cpu}")
    except ImportError as e:
        print(f"engine     {e}")
    try:
        import numpy
        print(f"numpy      {numpy.__version__}")
    except ImportError:
        print("numpy      not installed")
    cache = _coluber._cache()
    print(f"cache      {cache['directory'] or 'none'}")


def options():
    from coluber import _coluber
    for name, kind, default, choices, doc in _coluber.options():
        words = choices.split()
        if kind == "Ignored":
            value = ""
        elif kind == "Choice":
            value = f" ({' | '.join(words)}; default {words[default]!r})"
        elif kind == "Flags":
            value = f" (bool, or a set of: {' '.join(words)})"
        elif kind == "Bool":
            value = f" (default {bool(default)})"
        else:
            value = f" (default {default})" if kind == "Level" else ""
        print(f"{name:20} {doc}{value}")


def annotate():
    from coluber.annotate.command import main
    sys.exit(main(sys.argv[2:]))


COMMANDS = {"info": info, "options": options, "annotate": annotate}

if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) > 1 else "info"
    if command not in COMMANDS:
        sys.exit(f"usage: python -m coluber {' | '.join(COMMANDS)}")
    COMMANDS[command]()
