// Exceptions of compiled code: made without the GIL, from classes that the specialisation keeps alive and arguments by value.
#include <Python.h>

#include <cstdlib>
#include <cstring>

#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

struct RuntimeDiag {
  const char* message;
  PyObject** cls;
};

const RuntimeDiag kDiags[] = {
#define RUNTIME(Id, exception, message) {message, &PyExc_##exception},
#include "ir/diag.def"
};
constexpr int64_t kDiagCount = sizeof(kDiags) / sizeof(kDiags[0]);

enum class DiagId : int64_t {
#define RUNTIME(Id, exception, message) Id,
#include "ir/diag.def"
};

// The text of a row as this Python words it: rows come in the order of versions, the last one that is old enough holds.
const char* message_of(int64_t id) {
  struct Since {
    DiagId id;
    int version;
    const char* message;
  };
  static constexpr Since kSince[] = {
#define RUNTIME_SINCE(Id, version, message) {DiagId::Id, version, message},
#include "ir/diag.def"
  };
  const char* message = kDiags[id].message;
  for (const Since& row : kSince) {
    if (static_cast<int64_t>(row.id) == id && row.version <= PY_MAJOR_VERSION * 100 + PY_MINOR_VERSION) message = row.message;
  }
  return message;
}

// What is raised when there is no memory for an exception. Never dropped.
coluber_exc* no_memory() {
  static coluber_exc exc = [] {
    coluber_exc e{};
    e.head.kind = COLUBER_EXC;
    return e;
  }();
  exc.head.count = COLUBER_BORROWED_COUNT;
  exc.cls = PyExc_MemoryError;
  exc.nframes = 0;
  return &exc;
}

coluber_exc* make_exception(void* cls) {
  auto* exc = static_cast<coluber_exc*>(malloc(sizeof(coluber_exc)));
  if (!exc) return no_memory();
  memset(exc, 0, offsetof(coluber_exc, args));       // the frames need no clearing
  exc->interrupts = 0;
  exc->head.count = 1;
  exc->head.kind = COLUBER_EXC;
  exc->cls = cls;
  count_block(1, 0);
  return exc;
}

void set_error(coluber_ctx* ctx, coluber_exc* exc) {
  release(ctx->error);
  ctx->error = exc;
}

bool copy_text(coluber_value* v, const char* data, int64_t length) {
  auto* copy = static_cast<char*>(malloc(static_cast<size_t>(length) + 1));
  if (!copy) return false;
  memcpy(copy, data, static_cast<size_t>(length));
  copy[length] = 0;
  v->tag = COLUBER_TAG_STR;
  v->v.s.data = copy;
  v->v.s.length = length;
  return true;
}

std::string fill_in(const char* message, const int64_t* values, int64_t n) {
  std::string out;
  for (const char* p = message; *p; p++) {
    if (p[0] == '{' && p[1] >= '0' && p[1] <= '9' && (p[2] == '}' || (p[2] == 's' && p[3] == '}'))) {
      int64_t i = p[1] - '0';
      bool text = p[2] == 's';
      if (i >= n) out += "?";
      else if (text) out += reinterpret_cast<const char*>(values[i]);
      else out += std::to_string(values[i]);
      p += text ? 3 : 2;
    } else {
      out += *p;
    }
  }
  return out;
}

}  // namespace

void drop_exception(coluber_exc* exc) {
  for (int32_t i = 0; i < exc->nargs; i++) {
    if (exc->args[i].tag == COLUBER_TAG_STR) free(const_cast<char*>(exc->args[i].v.s.data));
  }
  if (exc->object) {
    GilScope gil;
    Py_DECREF(static_cast<PyObject*>(exc->object));
  }
  release(exc->cause);
  count_block(-1, 0);
  free(exc);
}

int32_t raise_python_error(coluber_ctx* ctx) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback) PyException_SetTraceback(value, traceback);
  coluber_exc* exc = make_exception(nullptr);
  if (exc->head.count == 1) {
    exc->object = Py_NewRef(value);
    exc->interrupts = PyErr_GivenExceptionMatches(value, PyExc_KeyboardInterrupt);
  }
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  set_error(ctx, exc);
  return 1;
}

void raise_message(coluber_ctx* ctx, void* cls, std::string_view message) {
  coluber_exc* exc = make_exception(cls);
  if (exc->head.count == 1 && !message.empty() && copy_text(&exc->args[0], message.data(), static_cast<int64_t>(message.size()))) exc->nargs = 1;
  set_error(ctx, exc);
}

PyObject* box_exception(coluber_exc* exc) {
  if (exc->object) return Py_NewRef(static_cast<PyObject*>(exc->object));
  PyObject* args = PyTuple_New(exc->nargs);
  for (int32_t i = 0; args && i < exc->nargs; i++) {
    PyObject* arg = box_value(exc->args[i]);
    if (arg) PyTuple_SET_ITEM(args, i, arg);
    else Py_CLEAR(args);
  }
  PyObject* made = args ? PyObject_Call(static_cast<PyObject*>(exc->cls), args, nullptr) : nullptr;
  Py_XDECREF(args);
  if (made && !PyExceptionInstance_Check(made)) {
    PyErr_Format(PyExc_TypeError, "calling %R should have returned an instance of BaseException, not %R", exc->cls, Py_TYPE(made));
    Py_CLEAR(made);
  }
  if (made && exc->cause) {
    if (PyObject* cause = box_exception(exc->cause)) PyException_SetCause(made, cause);
    else Py_CLEAR(made);
  }
  return made;
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" {

coluber_exc* coluber_exc_new(coluber_ctx*, void* cls, const coluber_value* args, int64_t n) {
  coluber_exc* exc = make_exception(cls);
  if (exc->head.count != 1) return exc;
  for (int64_t i = 0; i < n && i < COLUBER_MAX_EXC_ARGS; i++) {
    exc->args[i] = args[i];
    if (args[i].tag == COLUBER_TAG_STR && !copy_text(&exc->args[i], args[i].v.s.data, args[i].v.s.length)) break;
    exc->nargs++;
  }
  return exc;
}

void coluber_raise(coluber_ctx* ctx, void* cls, const coluber_value* args, int64_t n) { set_error(ctx, coluber_exc_new(ctx, cls, args, n)); }

// id: the number of a RUNTIME row of ir/diag.def, counted among those rows from 0; -1: no memory. A text among the values is its address.
void coluber_raise_diag(coluber_ctx* ctx, int64_t id, const int64_t* values, int64_t n) {
  if (id < 0 || id >= kDiagCount || id == static_cast<int64_t>(DiagId::NoMemory)) {
    set_error(ctx, no_memory());
    return;
  }
  if (id == static_cast<int64_t>(DiagId::IntOverflow)) ctx->overflowed = 1;
  raise_message(ctx, *kDiags[id].cls, fill_in(message_of(id), values, n));
}

void coluber_raise_exc(coluber_ctx* ctx, coluber_exc* exc) { set_error(ctx, exc); }

coluber_exc* coluber_exc_catch(coluber_ctx* ctx) {
  coluber_exc* exc = ctx->error;
  ctx->error = nullptr;
  return exc;
}

// Reads the class's method resolution order only, which no other thread changes for the classes met here: no GIL.
int64_t coluber_exc_match(coluber_exc* exc, void* cls) {
  auto* type = exc->object ? Py_TYPE(static_cast<PyObject*>(exc->object)) : static_cast<PyTypeObject*>(exc->cls);
  return PyType_IsSubtype(type, static_cast<PyTypeObject*>(cls));
}

void coluber_traceback(coluber_ctx* ctx, const int32_t* rows, const char* text, int64_t row) {
  coluber_exc* exc = ctx->error;
  for (; row >= 0; row = rows[5 * row + 4]) {
    const int32_t* field = rows + 5 * row;
    int32_t n = exc ? exc->nframes : COLUBER_MAX_FRAMES;   // read once: threads may share the one for want of memory
    if (n >= COLUBER_MAX_FRAMES) return;             // a deep recursion: the innermost frames are the interesting ones
    exc->frames[n] = {text + field[0], text + field[1], field[2], field[3]};
    exc->nframes = n + 1;
  }
}

void coluber_exc_cause(coluber_exc* exc, coluber_exc* cause) {
  if (exc->head.count == COLUBER_BORROWED_COUNT) return;   // the one for want of memory
  release(exc->cause);
  exc->cause = cause;
  cause->head.count++;
}

void coluber_stack_overflow(coluber_ctx* ctx) { coluber_raise_diag(ctx, static_cast<int64_t>(DiagId::Recursion), nullptr, 0); }

}  // extern "C"
