// Around functions that are not ours: NumPy's sort functions, floating-point status, errors that a foreign loop left behind; and the GIL.
#include <Python.h>

#include <cfenv>
#include <cstdlib>

#include "jit/runtime/runtime.h"

namespace coluber::jit {

GilScope::GilScope() : state_(PyGILState_Ensure()) {}
GilScope::~GilScope() { PyGILState_Release(static_cast<PyGILState_STATE>(state_)); }

coluber_owner* own_object(PyObject* object) {
  auto* owner = static_cast<coluber_owner*>(malloc(sizeof(coluber_owner)));
  if (!owner) return nullptr;
  *owner = {};
  owner->count = 1;
  owner->kind = COLUBER_PYOBJECT;
  owner->flags = COLUBER_OWNS;
  owner->object = Py_NewRef(object);
  count_block(1, 0);
  return owner;
}

void drop_object(coluber_owner* owner) {
  {
    GilScope gil;
    Py_DECREF(static_cast<PyObject*>(owner->object));
  }
  count_block(-1, 0);
  free(owner);
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" {

void coluber_fpe_clear() { feclearexcept(FE_ALL_EXCEPT); }
int64_t coluber_fpe_test() { return fetestexcept(FE_ALL_EXCEPT); }

int32_t coluber_check_python_error(coluber_ctx* ctx) {
  GilScope gil;
  return PyErr_Occurred() ? raise_python_error(ctx) : 0;
}

int64_t coluber_place(void* function, void* items, int64_t n) {
  using Place = int (*)(void*, Py_ssize_t, Py_ssize_t*, void*);
  Py_ssize_t at = 0;
  reinterpret_cast<Place>(function)(items, n, &at, nullptr);   // fails for objects only
  return at;
}

// The array argument of NumPy's sort functions matters only to dtypes with a size of their own (strings), which do not come here.
int32_t coluber_sort(coluber_ctx* ctx, void* function, void* data, int64_t n) {
  using Sort = int (*)(void*, Py_ssize_t, void*);
  if (n < 2 || reinterpret_cast<Sort>(function)(data, n, nullptr) >= 0) return 0;
  coluber_raise_diag(ctx, -1, nullptr, 0);           // the only way they fail
  return 1;
}

int32_t coluber_argsort(coluber_ctx* ctx, void* function, void* data, int64_t* out, int64_t n) {
  using ArgSort = int (*)(void*, Py_ssize_t*, Py_ssize_t, void*);
  for (int64_t i = 0; i < n; i++) out[i] = i;
  static_assert(sizeof(Py_ssize_t) == sizeof(int64_t));
  if (n < 2 || reinterpret_cast<ArgSort>(function)(data, reinterpret_cast<Py_ssize_t*>(out), n, nullptr) >= 0) return 0;
  coluber_raise_diag(ctx, -1, nullptr, 0);
  return 1;
}

}  // extern "C"
