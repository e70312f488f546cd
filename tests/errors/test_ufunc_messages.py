"""The messages of vectorize and guvectorize, word for word."""
import numpy as np
import pytest
from coluber import guvectorize, njit, vectorize


def one(x):
    return x + 1


def two(x, y):
    return x + y


def store(x, out):
    out[0] = x[0]


def keyword(x, *, k):
    return x


@vectorize(cache=False)
def of_numbers(x):
    return x + 1


@vectorize(["float64(float64)"], cache=False)
def of_floats(x):
    return x + 1


def pair(x):
    return x, x


def value(x, out):
    return x[0]


BAD_LAYOUT = "store(): {!r} is no layout of a generalised ufunc: write it as '(m,n),(n)->(m)', with () for scalars"
CASES = [
    (lambda: vectorize(target="cuda")(one), ValueError, "vectorize() has no target 'cuda': the targets are 'cpu' and 'parallel'"),
    (lambda: guvectorize("(n)->()", target="gpu")(store), ValueError, "guvectorize() has no target 'gpu': the targets are 'cpu' and 'parallel'"),
    (lambda: vectorize(["float64(float64)"])(two), TypeError, "two(): the signature (float64) -> float64 has 1 arguments, the function takes 2"),
    (lambda: vectorize(["float64(float64[:])"])(one), TypeError,
     "one(): the signature (array(float64, 1d, A)) -> float64: array(float64, 1d, A) is no type of an array's items: write float64, int32, complex128, bool_, ..."),
    (lambda: vectorize(["floaty(float64)"])(one), ValueError,
     "'floaty(float64)' is not a signature or type: name 'floaty' is not defined; write it as in 'float64(float64[:, ::1], int64)'"),
    (lambda: vectorize(3)(one), TypeError, "3 is not a signature"),
    (lambda: vectorize(["float64(float64)"])(len), TypeError, "vectorize() takes Python functions, not builtin_function_or_method <built-in function len>"),
    (lambda: vectorize(keyword), TypeError, "keyword(): the function of a ufunc has positional parameters only"),
    (lambda: vectorize(lambda: 1), TypeError, "<lambda>(): the function of a ufunc takes at least one argument"),
    (lambda: vectorize(fastmth=True)(one), TypeError,
     "there is no option 'fastmth'; there are: nogil, cache, fastmath, error_model, boundscheck, overflow, inline, debug, parallel, races, check_races, reduction, "
     "opt_level, locals, fallback, forceobj, nopython, looplift, no_cpython_wrapper, no_cfunc_wrapper, no_rewrites, pipeline_class, target_backend"),
    (lambda: of_numbers(np.array(["a"])), TypeError,
     "of_numbers() takes booleans, integers, floats and complex numbers of at most 64 bits a part, not <U1: convert with astype()"),
    (lambda: of_numbers(np.arange(3), signature="l->f"), TypeError,
     "of_numbers() gives int64 for (int64), not float32: convert the result"),
    (lambda: vectorize(cache=False)(pair)(1.0), TypeError,
     "pair(): a function under vectorize returns a number, this one returns UniTuple(float64, 2) for (float64)"),
    (lambda: guvectorize(["void(float64[:], float64[:])"])(store), TypeError,
     "guvectorize() takes a list of signatures and a layout, as in guvectorize(['void(float64[:], float64[:])'], '(n)->()'), or a layout alone"),
    *((lambda text=text: guvectorize(text)(store), ValueError, BAD_LAYOUT.format(text))
      for text in ("(n", "n->()", "(n)->(", "(n)->()->()", "(n),->()", "(n)(n)->()", "->()", "(n-m)->()", "(0)->()", "(n,)->()")),
    (lambda: guvectorize("(n),(n)->()")(store), TypeError, "store(): the layout '(n),(n)->()' has 3 operands, the function takes 2"),
    (lambda: guvectorize(["void(float64[:])"], "(n)->()")(store), TypeError,
     "store(): the signature (array(float64, 1d, A)) -> none has 1 arguments, the layout '(n)->()' has 2 operands"),
    (lambda: guvectorize(["float64(float64[:], float64[:])"], "(n)->()")(store), TypeError,
     "store(): a function under guvectorize returns nothing, the signature says float64: write void(...)"),
    (lambda: guvectorize(["void(float64, float64[:])"], "(n)->()")(store), TypeError,
     "store(): argument 1 of the signature (float64, array(float64, 1d, A)) -> none is the scalar float64: the layout '(n)->()' makes it an array of 1 dimensions"),
    (lambda: guvectorize(["void(float64[:], float64)"], "(n)->()")(store), TypeError,
     "store(): argument 2 of the signature (array(float64, 1d, A), float64) -> none is the scalar float64: the layout '(n)->()' makes it an array of 1 dimensions"),
    (lambda: guvectorize(["void(float64[:,:], float64[:])"], "(n)->()")(store), TypeError,
     "store(): argument 1 of the signature (array(float64, 2d, A), array(float64, 1d, A)) -> none has 2 dimensions: the layout '(n)->()' gives it 1"),
    (lambda: guvectorize(["void(float64[:], float64[:])"], "(n)->()", cache=False)(value)(np.ones(3)), TypeError,
     "value(): a function under guvectorize returns nothing, this one returns float64: it stores its results in its output arguments"),
    (lambda: guvectorize("(n)->()", cache=False)(store)(np.ones(3)), TypeError,
     "store() has no signatures, so that the dtypes of its results are not known: pass the outputs, or give guvectorize() signatures"),
    (lambda: guvectorize("(n)->()", writable_args=(1,))(store), ValueError, "store(): writable_args: 1 is no input of the function"),
]


@pytest.mark.parametrize("make, kind, text", CASES)
def test_message(make, kind, text):
    with pytest.raises(kind) as e:
        make()
    assert str(e.value) == text


def test_no_loop_in_compiled_code_names_the_line():
    @njit(cache=False)
    def f(x):
        return of_floats(x)
    with pytest.raises(TypeError) as e:
        f(1j)
    assert "the ufunc of_floats has no loop for complex" in str(e.value) and "return of_floats(x)" in str(e.value)
