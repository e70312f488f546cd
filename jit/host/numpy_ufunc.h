// NumPy ufuncs made of compiled kernels: the objects. They are numpy.ufunc itself; what belongs to us hangs on their member `obj`.
#pragma once
#include <Python.h>

namespace coluber::jit {

// _ufunc(name, doc, layout or None, nin, nout, identity, loops, resolver or None, info, writable inputs): a new numpy.ufunc. A loop is
// (operands, makers, parallel): see add_ufunc_loop.
PyObject* make_ufunc(PyObject*, PyObject* args);
// _ufunc_loop(ufunc, (operands, makers, parallel)). operands: (dtype, dimensions the kernel gets, core dimensions, read-only) each;
// makers: dispatchers for map, walk, fold and kernel, or None (numpy_ufunc_loop.h).
PyObject* add_ufunc_loop(PyObject*, PyObject* args);
// _ufunc_info(object): what _ufunc was given for it; None for anything else.
PyObject* ufunc_info(PyObject*, PyObject* object);

}  // namespace coluber::jit
