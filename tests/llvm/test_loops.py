"""The loops people write, from Python to LLVM IR: they are vector loops, and no check is left in them.

What is looked at is the optimised IR of one specialisation. A vector loop is a block `vector.body`; that it goes only to itself and to what
is behind it says that nothing in it can raise. Where checks are made once in front of a loop nest, the nest as it was stays behind as well."""
import re

import numpy as np
import pytest

from coluber import njit

N = 64
GRID = np.random.default_rng(1).random((N, N))


def blocks_of(text):
    """name -> lines, of the function's blocks."""
    blocks, name = {}, None
    for line in text.splitlines():
        label = re.match(r'([\w.$"-]+):', line)
        if label:
            name = label[1]
            blocks[name] = []
        elif line.startswith("}"):
            name = None
        elif name and line.strip():
            blocks[name].append(line.strip())
    return blocks


def targets(lines):
    return re.findall(r"label %([\w.$-]+)", lines[-1])


def llvm_of(function, *arguments):
    compiled = njit(cache=False)(function)
    compiled(*arguments)
    (text,) = compiled.inspect_llvm().values()
    return text


def vector_loops(text):
    found = {name: lines for name, lines in blocks_of(text).items() if name.startswith("vector.body")}
    for name, lines in found.items():
        out = [t for t in targets(lines) if t != name]
        assert len(out) == 1 and out[0].startswith("middle.block"), f"{name} goes to {targets(lines)}"
        assert not any("call" in line and "@llvm." not in line for line in lines), lines
    return list(found.values())


def assert_vector_loop(text, *wanted):
    """One of the vector loops has ops of all these forms."""
    loops = vector_loops(text)
    assert loops, text
    assert any(all(any(re.search(w, line) for line in lines) for w in wanted) for lines in loops), loops


def sum_floats(x):
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i]
    return total


def sum_ints(x):
    total = 0
    for v in x:
        total += v
    return total


def scale(a, k, out):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = a[i, j] * k


def heat_loops(old, new):
    rows, columns = old.shape
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            new[i, j] = old[i, j] + 0.2 * (old[i - 1, j] + old[i + 1, j] + old[i, j - 1] + old[i, j + 1] - 4.0 * old[i, j])


def heat_slices(old, new):
    new[1:-1, 1:-1] = old[1:-1, 1:-1] + 0.2 * (old[:-2, 1:-1] + old[2:, 1:-1] + old[1:-1, :-2] + old[1:-1, 2:] - 4.0 * old[1:-1, 1:-1])


def heat_mod(old, new):
    n, m = old.shape
    for i in range(n):
        for j in range(m):
            new[i, j] = old[i, j] + 0.2 * (old[(i - 1) % n, j] + old[(i + 1) % n, j] + old[i, (j - 1) % m] + old[i, (j + 1) % m])


def ring(x, out):
    n = len(x)
    for i in range(n):
        out[i] = 0.25 * x[i - 1] + 0.5 * x[i] + 0.25 * x[(i + 1) % n]


def dot(x, y):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


def matmul(a, b, out):
    n = a.shape[0]
    for i in range(n):
        for k in range(n):
            x = a[i, k]
            for j in range(n):
                out[i, j] += x * b[k, j]


def squares(n):
    total = 0.0
    for k in range(1, n):
        total += 1 / k ** 2
    return total


def torus(u):
    return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4.0 * u


def attraction(position, mass, i):
    total = 0.0
    for j in range(position.shape[0]):
        dx = position[j, 0] - position[i, 0]
        dy = position[j, 1] - position[i, 1]
        total += mass[j] / np.sqrt(dx * dx + dy * dy + 1e-3)
    return total


def of_views(x, y):
    return np.sqrt(x) / (1.0 + y)


def scaled(u):
    return 2.0 * u


def rolled_by(x, k):
    return 2.0 * np.roll(x, k) - x


def rounded(a, b):
    total = 0
    for x in a:
        for y in b:
            total += int(round(np.sqrt(x * x + y * y)))
    return total


def julia(points, c, limit, counts):
    for i in range(points.shape[0]):
        z = points[i]
        n = 0
        while n < limit and z.real * z.real + z.imag * z.imag <= 4.0:
            z = z * z + c
            n += 1
        counts[i] = n


CASES = {
    "sum of ints": (sum_ints, (np.arange(N),), [r"add <\d+ x i64>"]),
    "scale": (scale, (GRID, 2.0, GRID.copy()), [r"fmul <", r"store <"]),
    "heat by loops": (heat_loops, (GRID, GRID.copy()), [r"fmul <", r"fadd <", r"store <"]),
    "heat by slices": (heat_slices, (GRID, GRID.copy()), [r"fmul <", r"fadd <", r"store <"]),
    "heat on a torus": (heat_mod, (GRID, GRID.copy()), [r"fmul <", r"fadd <", r"store <"]),
    "ring": (ring, (GRID[0], GRID[1].copy()), [r"fmul <", r"fadd <", r"store <"]),
    "matrix product, i k j": (matmul, (GRID, GRID, np.zeros((N, N))), [r"fmul <", r"fadd <", r"store <"]),
    "quotients of ints, which a float must hold": (squares, (1000,), [r"fdiv <", r"llvm.vector.reduce.fadd"]),
    "quotients of ints beyond that": (squares, (1000,), [r"fdiv <", r"llvm.fma.v\d+f64", r"fcmp .*<", r"llvm.vector.reduce.fadd"]),
    "columns of rows": (attraction, (GRID, GRID[0], 3), [r"llvm.sqrt.v", r"fdiv <", r"llvm.vector.reduce.fadd"]),
    "views with steps": (of_views, (GRID[0, ::2], GRID[1, ::2]), [r"llvm.sqrt.v", r"fdiv <", r"store <"]),
    "rolls along two axes": (torus, (GRID,), [r"fadd <", r"fmul <", r"store <"]),
    "a roll by a number": (rolled_by, (GRID[0], 5), [r"fmul <", r"fsub <", r"store <"]),
    "floats that become ints": (rounded, (GRID[0], GRID[1]), [r"fptosi <", r"llvm.rint", r"add <\d+ x i64>"]),
}


@pytest.mark.parametrize("name", CASES)
def test_vector_loop_without_checks(name):
    function, arguments, wanted = CASES[name]
    text = llvm_of(function, *arguments)
    assert_vector_loop(text, *wanted)
    assert "reassoc" not in text and "contract" not in text


@pytest.mark.parametrize("function, arguments", [(sum_floats, (GRID[0],)), (dot, (GRID[0], GRID[1]))])
def test_sums_that_wait_for_their_last_addition_stay_one_addition(function, arguments):
    text = llvm_of(function, *arguments)
    assert text.count(" fadd ") == 1 and "vector.body" not in text and "reassoc" not in text


@pytest.mark.parametrize("function, arguments", [(sum_floats, (GRID[0],)), (sum_ints, (np.arange(N),))])
def test_loops_that_cannot_fail_have_no_error_at_all(function, arguments):
    assert "coluber_raise" not in llvm_of(function, *arguments)


def axpy(a, x, y):
    for i in range(len(x)):
        y[i] = a * x[i] + y[i]


def stencil(x, y):
    for i in range(1, len(x) - 1):
        y[i] = 0.25 * x[i - 1] + 0.5 * x[i] + 0.25 * x[i + 1]


@pytest.mark.parametrize("function, arguments, loads", [(axpy, (2.0, GRID[0], GRID[1].copy()), 2), (stencil, (GRID[0], GRID[1].copy()), 3)])
def test_a_small_loop_has_no_second_version(function, arguments, loads):
    """Its check stands behind it: of scalar code there is the rest of the vector loop alone."""
    text = llvm_of(function, *arguments)
    assert_vector_loop(text, r"fmul <", r"store <")
    assert len(re.findall(r"load double, ptr .*!tbaa", text)) <= loads, text
    assert text.count("call void") <= 2                     # the error and its traceback


def three_loops(x):
    for i in range(len(x)):
        x[i] = x[i] * 2.0 + 1.0
    for i in range(len(x)):
        x[i] = x[i] * x[i] - 0.5
    for i in range(len(x)):
        x[i] = x[i] * i


def test_loops_one_after_the_other_are_vector_loops():
    assert len(vector_loops(llvm_of(three_loops, GRID[0].copy()))) == 3


def test_a_roll_makes_no_array():
    assert llvm_of(torus, GRID).count("coluber_alloc") == llvm_of(scaled, GRID).count("coluber_alloc") > 0


def test_heat_by_mod_divides_not():
    """i % n of an index in range is a comparison, in one turn of a row; there is no division in the whole function."""
    assert not re.search(r"= [su](rem|div) ", llvm_of(heat_mod, GRID, GRID.copy()))


def test_julia_inner_loop_only_computes_and_polls():
    points = (GRID + 1j * GRID).ravel()
    text = llvm_of(julia, points, -0.7 + 0.2j, 50, np.zeros(N * N, np.int64))
    inner = [lines for lines in blocks_of(text).values() if any("fmul double" in line for line in lines)]
    assert inner
    for lines in inner:
        assert not any(t.startswith(("raise", "error")) for t in targets(lines)), lines
        assert not any(" store " in line or ("call" in line and "@llvm." not in line) for line in lines), lines
        loads = [line for line in lines if " load " in line]
        assert len(loads) <= 1 and all("volatile i8" in line for line in loads), loads                                # the poll word


def test_ints_become_floats_in_vectors():
    """Whole vectors, by an instruction where there is one: never one by one."""
    def series(n):
        total = 0.0
        for k in range(n):
            total += 4.0 / float(2 * k + 1)
        return total

    text = llvm_of(series, 1000)
    assert vector_loops(text)
    has_instruction = "avx512dq" in open("/proc/cpuinfo").read()
    for lines in vector_loops(text):
        assert any("sitofp <" in line for line in lines) == has_instruction, lines


def test_counters_step_behind_their_last_use():
    def summed(x):
        total = 0.0
        for i in range(x.shape[0]):
            total += x[i]
        return total

    (loop,) = [lines for name, lines in blocks_of(llvm_of(summed, np.ones(9))).items() if name in targets(lines)]
    step = next(k for k, line in enumerate(loop) if re.search(r"= add .*i64 %[\w.]+, 1$", line))
    assert "icmp" in loop[step + 1], loop


def fill_by_pairs(xs, n):
    for i in range(n):
        xs.append(i)
        xs.append(i * i)


def test_appending_grows_nothing_in_the_loop():
    text = llvm_of(fill_by_pairs, [1], 10)
    assert text.count("grow:") == 1, text
    loops = [lines for lines in blocks_of(text).values() if sum("store i64" in line for line in lines) >= 2]
    assert loops and not any("call" in line for lines in loops for line in lines), text


def digit_sums(x):
    total = 0
    for i in range(x.shape[0]):
        total += x[i] % 10 + x[i] // 10
    return total


def test_division_by_a_constant_is_one_multiplication():
    text = llvm_of(digit_sums, np.arange(10))
    assert not re.search(r"\b[su](div|rem)\b", text), text
    wide = [sum("i128" in line and " mul " in line for line in lines) for lines in blocks_of(text).values()]
    assert set(wide) == {0, 1}, text


def waves(x):
    return np.sin(x) * np.exp(-x * x) + np.cos(x)


def test_calls_of_a_turn_have_one_test_of_their_limits():
    text = llvm_of(waves, np.ones(1000))
    (turn,) = [lines for name, lines in blocks_of(text).items() if name == "vector.body"]
    assert turn[-1].startswith("br i1"), turn[-3:]
    beyond = [lines for lines in blocks_of(text).values() if any("@coluber.beyond.sin" in line for line in lines) and any("@coluber.beyond.cos" in line for line in lines)]
    assert len(beyond) == 1, text


def count_in_range(x, scale, counts):
    for v in x:
        k = int(v * scale)
        if 0 <= k < counts.size:
            counts[k] += 1


def count_everywhere(x, scale, counts):
    for v in x:
        counts[int(v * scale)] += 1


@pytest.mark.parametrize("function", [count_in_range, count_everywhere])
def test_a_turn_asks_once_whether_a_number_is_an_index(function):
    text = llvm_of(function, np.ones(9), 2.0, np.zeros(5, np.int64))
    (turn,) = [lines for lines in blocks_of(text).values() if any("cvttsd2si64" in line for line in lines)]
    assert len(targets(turn)) == 2, turn
    assert sum("icmp" in line for line in turn) <= 2 and not any("-9223372036854775808" in line for line in turn), turn
    assert "icmp ne i64" in text and "-9223372036854775808" in text, text


def mark_multiples(marks, steps):
    for k in range(1, steps):
        for m in range(k * k, len(marks), k):
            marks[m] = True


def test_items_of_a_range_with_a_computed_step_are_added_up():
    text = llvm_of(mark_multiples, [False] * 9, 3)
    loops = [lines for name, lines in blocks_of(text).items() if name in targets(lines) and any("store i8 1" in line for line in lines)]
    assert loops and not any(" mul " in line for lines in loops for line in lines), text


def count_marks(marks, steps):
    total = 0
    for k in range(2, steps):
        if not marks[k]:
            total += 1
            for m in range(k, steps, k):
                total += m
    return total


def test_what_a_list_points_to_is_known_across_polls():
    """The outer loop polls in each round, and Python code may run then: but it does not see the list."""
    text = llvm_of(count_marks, [False] * 9, 3)
    for lines in blocks_of(text).values():
        if any("icmp eq i8" in line or "icmp ne i8" in line or "trunc" in line for line in lines):
            assert not any("load ptr" in line for line in lines), lines
