"""Messages that name sizes and shapes are NumPy's, word for word."""
import coluber
import numpy as np
import pytest

from grid import outcome

Z = np.zeros
CASES = [
    ("a.reshape(5)", Z(12)), ("a.reshape(5, -1)", Z(12)), ("a.reshape(2, 5)", Z((3, 4))), ("a.reshape(())", Z(2)), ("a.reshape(-1, -1)", Z(12)), ("np.reshape(a, (7, 2, 1))", Z(12)),
    ("a @ b", Z((2, 3)), Z((2, 3))), ("a @ b", Z(3), Z(4)), ("a @ b", Z((2, 3)), Z(2)), ("a @ b", Z(4), Z((3, 4))), ("np.matmul(a, b)", Z((2, 2, 3)), Z((2, 2))), ("np.matmul(a, b)", Z(()), Z(3)),
    ("np.dot(a, b)", Z(3), Z(4)), ("np.dot(a, b)", Z((2, 3)), Z((2, 3))), ("np.dot(a, b)", Z((2, 3)), Z(2)), ("np.dot(a, b)", Z((2, 2, 3)), Z((4, 2, 5))),
    ("np.concatenate((a, b))", Z((2, 3)), Z((2, 4))), ("np.concatenate((a, a, b), 1)", Z((2, 3)), Z((3, 3))), ("np.concatenate((a, b))", Z((2, 3)), Z(3)), ("np.hstack((a, b))", Z((2, 3)), Z((3, 3))), ("np.vstack((a, b))", Z(3), Z(4)),
    ("a[b]", Z(10), np.ones(3, bool)), ("a[b]", Z((2, 3)), np.ones((2, 2), bool)), ("a[:, b]", Z((2, 3)), np.ones(2, bool)), ("a[b]", Z(4), np.array([1, 9])), ("np.take(a, b)", Z(4), np.array([1, -9])),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_text(case):
    names = {"np": np}
    exec(f"def f({', '.join('ab'[:len(case) - 1])}):\n    return {case[0]}\n", names)
    (_, error), (_, ours) = outcome(names["f"], case[1:]), outcome(coluber.njit(names["f"]), case[1:])
    assert type(ours) is type(error)
    assert str(ours) == str(error)
