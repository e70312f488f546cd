"""Array functions by users, side by side: Coluber's vectorize and guvectorize, Numba's where it is installed, and NumPy's own ufuncs.

    python benchmarks/ufuncs.py [--items 1000000] [--rounds 15]

Times are the least of so many rounds, in which the contestants take turns, in microseconds a call; ratios are to Coluber's."""
import argparse
import math
import time

import numpy as np

import coluber


def add(a, b):
    return a + b


def gauss(x):
    return math.exp(-x * x) * 0.5


def branchy(x, y):
    if x < -0.5:
        return x * x + y
    if x > 0.5:
        return math.sqrt(x) - y
    return x - y


def matmul(a, b, out):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            s = 0.0
            for k in range(a.shape[1]):
                s += a[i, k] * b[k, j]
            out[i, j] = s


def moving(a, width, out):
    s = 0.0
    for i in range(len(a)):
        s += a[i]
        if i >= width:
            s -= a[i - width]
        out[i] = s / min(i + 1, width)


def makers():
    found = {"coluber": coluber}
    try:
        import numba
        found["numba"] = numba
    except ImportError:
        pass
    return found


def cases(n):
    """(label, function, how it is made, operands, NumPy's own way or None)"""
    x, y = np.linspace(-3, 3, n), np.linspace(2, 5, n)
    two = ["float64(float64, float64)"]
    yield "add, contiguous", add, (two,), (x, y), np.add
    yield "add, 1000 items", add, (two,), (x[:1000].copy(), y[:1000].copy()), np.add
    yield "add, one item", add, (two,), (1.0, 2.0), np.add
    yield "add, array and scalar", add, (two,), (x, 2.5), np.add
    yield "add, every other item", add, (two,), (np.repeat(x, 2)[::2], np.repeat(y, 2)[::2]), np.add
    yield "add, columns of a matrix", add, (two,), (x[:n // 100 * 100].reshape(-1, 100)[:, :50], y[:n // 100 * 100].reshape(-1, 100)[:, :50]), np.add
    yield "exp(-x*x)/2", gauss, (["float64(float64)"],), (x,), lambda x, out=None: np.multiply(np.exp(-x * x), 0.5, out=out)
    yield "branches", branchy, (two,), (x, y), None
    yield "branches, no signature", branchy, (), (x, y), None
    small = np.random.default_rng(1).normal(size=(n // 32, 4, 4))
    yield "matmul of 4 x 4", matmul, (["void(float64[:,:], float64[:,:], float64[:,:])"], "(m,n),(n,p)->(m,p)"), (small, small), np.matmul
    large = np.random.default_rng(1).normal(size=(8, 100, 100))
    yield "matmul of 100 x 100", matmul, (["void(float64[:,:], float64[:,:], float64[:,:])"], "(m,n),(n,p)->(m,p)"), (large, large), np.matmul
    yield "moving mean, rows of 100", moving, (["void(float64[:], int64, float64[:])"], "(n),()->(n)"), (x[:n // 100 * 100].reshape(-1, 100), 7), None


def made(module, function, how):
    decorator = module.guvectorize if len(how) == 2 else module.vectorize
    return decorator(*how)(function)


def in_python(function, how, operands):
    """What CPython computes, where NumPy has no way of its own."""
    if len(how) != 2:
        return np.frompyfunc(function, len(operands), 1)(*operands).astype(float)
    out = np.empty_like(operands[0])
    for row, into in zip(operands[0], out):                    # the kernel's first operand is a row, the others are scalars
        function(row, *operands[1:], into)
    return out


def best(contestants, operands, expected, rounds):
    """{name: seconds a call}. expected: what all of them have to give before they are timed."""
    calls = {}
    for name, f in contestants.items():
        out = f(*operands)
        arrays = isinstance(out, np.ndarray) and out.ndim
        np.testing.assert_allclose(f(*operands, **({"out": out} if arrays else {})), expected, rtol=1e-9, atol=1e-9, err_msg=name)
        calls[name] = (f, {"out": out} if arrays else {})
    times = dict.fromkeys(calls, math.inf)
    for _ in range(rounds):
        for name, (f, kwargs) in calls.items():
            n = 1
            while True:
                began = time.perf_counter()
                for _ in range(n):
                    f(*operands, **kwargs)
                took = time.perf_counter() - began
                if took > 0.003:
                    break
                n *= 4
            times[name] = min(times[name], took / n)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    modules = makers()
    print(f"{'':28} {'coluber us':>12}" + "".join(f"{name:>10}" for name in [*list(modules)[1:], "numpy"]))
    for label, function, how, operands, own in cases(options.items):
        contestants = {name: made(module, function, how) for name, module in modules.items()}
        if own:
            contestants["numpy"] = own
        expected = own(*operands) if own else in_python(function, how, operands)
        times = best(contestants, operands, expected, options.rounds)
        ours = times["coluber"]
        print(f"{label:28} {ours * 1e6:12.2f}" + "".join(f"{times[name] / ours:9.2f}x" if name in times else f"{'':>10}" for name in [*list(modules)[1:], "numpy"]), flush=True)


if __name__ == "__main__":
    main()
