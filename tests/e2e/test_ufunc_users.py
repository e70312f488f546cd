"""Packages that take ufuncs: Dask arrays, xarray. Skipped where they are not installed."""
import numpy as np
import pytest
from coluber import guvectorize, vectorize

RNG = np.random.default_rng(9)


@vectorize(cache=False)
def squeezed(x, top):
    return x if x < top else top


@vectorize(["float64(float64, float64)"], identity=0, cache=False)
def total(x, y):
    return x + y


@guvectorize(["void(float64[:], float64[:])"], "(n)->()", cache=False)
def spread(x, out):
    out[0] = x.max() - x.min()


@guvectorize(["void(float64[:], int64, float64[:])"], "(n),()->(n)", target="parallel", cache=False)
def moving(a, width, out):
    s = 0.0
    for i in range(len(a)):
        s += a[i]
        if i >= width:
            s -= a[i - width]
        out[i] = s / min(i + 1, width)


@pytest.fixture
def chunked():
    array = pytest.importorskip("dask.array")
    x = RNG.normal(size=(40, 30))
    return x, array.from_array(x, chunks=(10, 30)), array


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_dask_calls(chunked, scheduler):
    x, d, _ = chunked
    for want, lazy in ((squeezed(x, 0.5), squeezed(d, 0.5)), (total(x, x[0]), total(d, x[0])), (squeezed(x, x * 2), squeezed(d, d * 2)),
                       (spread(x), spread(d)), (moving(x, 3), moving(d, 3))):
        got = lazy.compute(scheduler=scheduler)
        assert got.dtype == want.dtype and np.array_equal(got, want)


def test_dask_functions_that_take_ufuncs(chunked):
    x, d, array = chunked
    assert np.array_equal(array.apply_gufunc(spread, spread.signature, d).compute(), spread(x))
    assert np.array_equal(array.apply_gufunc(moving, moving.signature, d, 4, vectorize=False).compute(), moving(x, 4))
    assert np.array_equal(array.map_blocks(squeezed, d, 0.25, dtype=float).compute(), squeezed(x, 0.25))
    assert np.array_equal(d.map_blocks(total.accumulate, axis=1, dtype=float).compute(), total.accumulate(x, axis=1))


def test_dask_distributed(chunked):
    distributed = pytest.importorskip("distributed")
    x, d, _ = chunked
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None) as cluster, distributed.Client(cluster):
        assert np.array_equal(squeezed(d, 0.5).compute(), squeezed(x, 0.5))
        assert np.array_equal(spread(d).compute(), spread(x))


def test_xarray():
    xarray = pytest.importorskip("xarray")
    x = xarray.DataArray(RNG.normal(size=(3, 4)), dims=("t", "x"), coords={"t": [10, 20, 30]})
    got = squeezed(x, 0.5)                          # by __array_ufunc__
    assert isinstance(got, xarray.DataArray) and got.dims == x.dims and np.array_equal(got.values, squeezed(x.values, 0.5))
    xarray.testing.assert_identical(got, xarray.apply_ufunc(squeezed, x, 0.5))
    xarray.testing.assert_identical(xarray.apply_ufunc(total, x, x.isel(t=0)), x + x.isel(t=0).drop_vars("t"))
    reduced = xarray.apply_ufunc(spread, x, input_core_dims=[["t"]])
    assert reduced.dims == ("x",) and np.array_equal(reduced.values, spread(x.values.T))
    means = xarray.apply_ufunc(moving, x, 2, input_core_dims=[["x"], []], output_core_dims=[["x"]])
    assert means.dims == x.dims and np.array_equal(means.values, moving(x.values, 2))


def test_xarray_over_dask():
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("dask.array")
    x = xarray.DataArray(RNG.normal(size=(20, 6)), dims=("t", "x"))
    lazy = xarray.apply_ufunc(spread, x.chunk({"t": 5}), input_core_dims=[["x"]], dask="parallelized", output_dtypes=[float])
    assert np.array_equal(lazy.compute().values, spread(x.values))
    lazy = xarray.apply_ufunc(squeezed, x.chunk({"t": 5}), 0.5, dask="allowed")
    assert np.array_equal(lazy.compute().values, squeezed(x.values, 0.5))
