// What the files of object mode's operations share: cells as objects, results, errors.
#pragma once
#include <Python.h>

#include "jit/runtime/runtime.h"

extern "C" {
#define OBJECT(name, doc) int32_t coluber_object_##name(coluber_ctx*, void* const*, int64_t, int64_t, void*, int64_t*);
#include "jit/runtime/objects.def"
}

namespace coluber::jit {

// The operands of an operation.
struct Operands {
  void* const* cells;
  int64_t n;
  PyObject* operator[](int64_t i) const { return static_cast<PyObject*>(cells[i]); }
  int64_t integer(int64_t i) const { return reinterpret_cast<intptr_t>(cells[i]); }
  PyObject* const* objects(int64_t from = 0) const { return reinterpret_cast<PyObject* const*>(cells) + from; }
};

// A new reference as result `i`, or the pending error.
inline int32_t give(coluber_ctx* ctx, int64_t* out, PyObject* object, int i = 0) {
  if (!object) return raise_python_error(ctx);
  out[i] = reinterpret_cast<intptr_t>(object);
  return 0;
}
// A status of the C API (negative: an error is pending), as the result where there is one.
inline int32_t done(coluber_ctx* ctx, int status) { return status < 0 ? raise_python_error(ctx) : 0; }
inline int32_t answer(coluber_ctx* ctx, int64_t* out, int status) {
  out[0] = status;
  return done(ctx, status);
}

}  // namespace coluber::jit

#define OBJECT_OP(name) \
  extern "C" int32_t coluber_object_##name([[maybe_unused]] coluber_ctx* ctx, void* const* cells, int64_t n, [[maybe_unused]] int64_t imm, \
                                           [[maybe_unused]] void* import, [[maybe_unused]] int64_t* out)
