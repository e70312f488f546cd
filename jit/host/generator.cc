// The type coluber.generator: what CPython's generators do, around parts of compiled code. See generator.h.
#include "jit/host/generator.h"

#include <structmember.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

#include "jit/host/dispatcher.h"
#include "jit/host/lift.h"
#include "jit/host/mixed.h"
#include "jit/host/pycompat.h"
#include "jit/runtime/objects.h"

namespace coluber::jit {
namespace {

PyTypeObject* g_generator_type = nullptr;

Generator* cast(PyObject* o) { return reinterpret_cast<Generator*>(o); }
PyObject* object(Generator* g) { return reinterpret_cast<PyObject*>(g); }

// ---- the frame ------------------------------------------------------------------------------------------------------------------------------

void finish(Generator* g) {
  std::vector<PyObject*> objects;
  each_object(g, [&](PyObject* o) { return objects.push_back(o), 0; });
  g->state = Generator::Finished;
  for (size_t k = objects.size(); k-- > 0;) Py_XDECREF(objects[k]);
  Py_CLEAR(g->sent);
  Py_CLEAR(g->thrown);
  Py_CLEAR(g->returned);
}

// ---- running ------------------------------------------------------------------------------------------------------------------------------

// A StopIteration that leaves a generator would end the loop over it.
void refuse_stop_iteration() {
  if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return;
  PyObject* cause = take_exception();
  PyErr_SetString(PyExc_RuntimeError, "generator raised StopIteration");
  PyObject* error = take_exception();
  PyException_SetCause(error, Py_NewRef(cause));
  PyException_SetContext(error, cause);
  set_exception(error);
}

PyFrameObject* frame_of(Generator* g) {
  PyObject* function = g->dispatcher->py_func;
  return new_frame(reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function)), PyFunction_GET_GLOBALS(function));
}

// What is thrown in before it has begun is raised where its code begins.
void add_first_line(Generator* g, PyObject* thrown) {
  PyFrameObject* frame = frame_of(g);
  PyObject *next = PyException_GetTraceback(thrown), *entry = nullptr;
  if (frame) entry = PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyTraceBack_Type), "OOii", next ? next : Py_None, frame, 0, PyFrame_GetLineNumber(frame));
  if (entry) PyException_SetTraceback(thrown, entry);
  PyErr_Clear();
  Py_XDECREF(next);
  Py_XDECREF(entry);
  Py_XDECREF(reinterpret_cast<PyObject*>(frame));
}

PySendResult fail(PyObject* thrown, PyObject* kind, const char* text) {
  Py_XDECREF(thrown);
  PyErr_SetString(kind, text);
  return PYGEN_ERROR;
}

// The iterator that it delegates to, borrowed.
PyObject* delegate(Generator* g) { return object_in(g->cells[g->site->cells.size() - 1]); }

// Sends a value (borrowed; null: None), or raises `thrown` (owned) where it stands.
PySendResult resume(Generator* g, PyObject* sent, PyObject* thrown, PyObject** result) {
  *result = nullptr;
  if (g->state == Generator::Running) return fail(thrown, PyExc_ValueError, "generator already executing");
  if (g->state == Generator::Created && sent && sent != Py_None && !thrown) return fail(nullptr, PyExc_TypeError, "can't send non-None value to a just-started generator");
  if (thrown && g->state != Generator::Suspended) {
    if (g->state == Generator::Created) add_first_line(g, thrown);
    finish(g);
    set_exception(thrown);
    return PYGEN_ERROR;
  }
  if (g->state == Generator::Finished) {
    *result = Py_NewRef(Py_None);
    return PYGEN_RETURN;
  }
  bool direct = (g->how & (COLUBER_DELEGATES | COLUBER_HANDLING)) == COLUBER_DELEGATES && !thrown && !g->returned;   // nothing of the generator itself has to run
  Py_INCREF(object(g));
  if (direct) {
    g->state = Generator::Running;
    PySendResult how = PYGEN_ERROR;
    PyObject* iterator = Py_NewRef(delegate(g));
    PyThreadState* thread = current_thread_state();
    if (enter_call(thread)) {
      how = Py_TYPE(iterator) == g_generator_type ? resume(cast(iterator), sent, nullptr, result) : PyIter_Send(iterator, sent ? sent : Py_None, result);
      leave_call(thread);
    }
    g->state = Generator::Suspended;
    Py_DECREF(iterator);
    if (how == PYGEN_NEXT) {
      Py_DECREF(object(g));
      return how;
    }
    if (how == PYGEN_ERROR) thrown = take_exception();
    else std::swap(g->returned, *result);
    sent = nullptr;
  }
  Mixed* part = part_for(g);
  if (!part) {                                // it has not been entered, and stays where it is
    Py_XDECREF(thrown);
    Py_CLEAR(g->returned);
    Py_DECREF(object(g));
    return PYGEN_ERROR;
  }
  g->state = Generator::Running;
  g->sent = Py_XNewRef(sent);
  g->thrown = thrown;
  *result = run_part(g, part);
  Py_CLEAR(g->sent);
  PySendResult how = !*result ? PYGEN_ERROR : g->how ? PYGEN_NEXT : PYGEN_RETURN;
  if (how == PYGEN_NEXT) {
    g->state = Generator::Suspended;
  } else {
    PyObject* error = *result ? nullptr : take_exception();
    finish(g);
    if (error) set_exception(error);
  }
  if (how == PYGEN_ERROR) refuse_stop_iteration();
  Py_DECREF(object(g));
  return how;
}

// The value that a method or the iteration gives; a returned one (taken) as a StopIteration.
PyObject* stop_iteration(PyObject* value, bool plain) {
  if (value == Py_None) {
    if (!plain) PyErr_SetNone(PyExc_StopIteration);
  } else if (PyObject* stop = PyObject_CallOneArg(PyExc_StopIteration, value)) {
    PyErr_SetObject(PyExc_StopIteration, stop);
    Py_DECREF(stop);
  }
  Py_DECREF(value);
  return nullptr;
}

PyObject* answer_of(Generator* g, PyObject* sent, PyObject* thrown) {
  PyObject* value;
  PySendResult how = resume(g, sent, thrown, &value);
  return how == PYGEN_RETURN ? stop_iteration(value, false) : value;
}

PyObject* generator_next(PyObject* o) {
  PyObject* value;
  PySendResult how = resume(cast(o), nullptr, nullptr, &value);
  return how == PYGEN_RETURN ? stop_iteration(value, true) : value;
}

PyObject* generator_send(PyObject* o, PyObject* value) { return answer_of(cast(o), value, nullptr); }
PySendResult generator_am_send(PyObject* o, PyObject* value, PyObject** result) { return resume(cast(o), value, nullptr, result); }

// ---- throw and close ------------------------------------------------------------------------------------------------------------------------

// The iterator that it delegates to: new reference, or null.
PyObject* delegate_of(Generator* g) { return g->state == Generator::Suspended && (g->how & COLUBER_DELEGATES) ? Py_NewRef(delegate(g)) : nullptr; }

// An attribute that need not be there; null without an error: it is not.
PyObject* optional(PyObject* o, const char* name) {
  PyObject* found = PyObject_GetAttrString(o, name);
  if (!found && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
  return found;
}

bool close_iterator(Generator* g, PyObject* iterator) {
  g->state = Generator::Running;
  PyObject* close = optional(iterator, "close");
  PyObject* done = close ? PyObject_CallNoArgs(close) : nullptr;
  Py_XDECREF(close);
  Py_XDECREF(done);
  g->state = Generator::Suspended;
  return !PyErr_Occurred();
}

// The exception of throw()'s arguments: new reference, or null with an error.
PyObject* exception_of(PyObject* type, PyObject* value, PyObject* traceback) {
  if (traceback == Py_None) traceback = nullptr;
  if (traceback && !PyTraceBack_Check(traceback)) return PyErr_SetString(PyExc_TypeError, "throw() third argument must be a traceback object"), nullptr;
  if (PyExceptionInstance_Check(type)) {
    if (value && value != Py_None) return PyErr_SetString(PyExc_TypeError, "instance exception may not have a separate value"), nullptr;
    if (traceback) PyException_SetTraceback(type, traceback);
    return Py_NewRef(type);
  }
  if (!PyExceptionClass_Check(type)) {
    PyErr_Format(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException, not %s", Py_TYPE(type)->tp_name);
    return nullptr;
  }
  if (value && PyExceptionInstance_Check(value) && PyType_IsSubtype(Py_TYPE(value), reinterpret_cast<PyTypeObject*>(type))) Py_INCREF(value);
  else if (!value || value == Py_None) value = PyObject_CallNoArgs(type);
  else value = PyTuple_Check(value) ? PyObject_CallObject(type, value) : PyObject_CallOneArg(type, value);
  if (!value) return take_exception();        // what making it has raised is raised in its place
  if (!PyExceptionInstance_Check(value)) {
    PyErr_Format(PyExc_TypeError, "calling %R should have returned an instance of BaseException, not %s", type, Py_TYPE(value)->tp_name);
    Py_DECREF(value);
    return take_exception();
  }
  if (traceback) PyException_SetTraceback(value, traceback);
  return value;
}

// The value of the pending StopIteration, whose error it takes; null: another exception is pending.
PyObject* stop_value() {
  if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return nullptr;
  PyObject* stop = take_exception();
  PyObject* value = Py_NewRef(reinterpret_cast<PyStopIterationObject*>(stop)->value);
  Py_DECREF(stop);
  return value;
}

// To the iterator that `g` delegates to. False: it has no throw(), or is closed instead, and `*thrown` is to be raised in the generator itself.
bool throw_into_delegate(Generator* g, PyObject* iterator, PyObject* const* args, Py_ssize_t nargs, PyObject** thrown, PyObject** result) {
  if (PyErr_GivenExceptionMatches(args[0], PyExc_GeneratorExit)) {
    if (!close_iterator(g, iterator)) *thrown = take_exception();
    return false;
  }
  PyObject* method = optional(iterator, "throw");
  if (!method) {
    if (PyErr_Occurred()) *thrown = take_exception();
    return false;
  }
  g->state = Generator::Running;
  *result = PyObject_Vectorcall(method, args, static_cast<size_t>(nargs), nullptr);
  g->state = Generator::Suspended;
  Py_DECREF(method);
  if (*result) return true;
  g->returned = stop_value();
  *result = answer_of(g, nullptr, g->returned ? nullptr : take_exception());
  return true;
}

PyObject* generator_throw(PyObject* o, PyObject* const* args, Py_ssize_t nargs) {
  Generator* g = cast(o);
  if (nargs < 1 || nargs > 3) return PyErr_Format(PyExc_TypeError, nargs < 1 ? "throw expected at least 1 argument, got %zd" : "throw expected at most 3 arguments, got %zd", nargs);
  if (PY_VERSION_HEX >= 0x030C0000 && nargs > 1 &&
      PyErr_WarnEx(PyExc_DeprecationWarning, "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.", 1) < 0) return nullptr;
  PyObject *thrown = nullptr, *result = nullptr;
  if (PyObject* iterator = delegate_of(g)) {
    bool done = throw_into_delegate(g, iterator, args, nargs, &thrown, &result);
    Py_DECREF(iterator);
    if (done) return result;
  }
  if (!thrown) thrown = exception_of(args[0], nargs > 1 ? args[1] : nullptr, nargs > 2 ? args[2] : nullptr);
  return thrown ? answer_of(g, nullptr, thrown) : nullptr;
}

PyObject* generator_close(PyObject* o, PyObject*) {
  Generator* g = cast(o);
  if (g->state == Generator::Created) finish(g);
  if (g->state == Generator::Finished) Py_RETURN_NONE;
  PyObject* thrown = nullptr;
  if (PyObject* iterator = delegate_of(g)) {
    if (!close_iterator(g, iterator)) thrown = take_exception();
    Py_DECREF(iterator);
  }
  if (!thrown) thrown = PyObject_CallNoArgs(PyExc_GeneratorExit);
  PyObject* value = nullptr;
  PySendResult how = thrown ? resume(g, nullptr, thrown, &value) : PYGEN_ERROR;
  if (how == PYGEN_NEXT) {
    Py_DECREF(value);
    return PyErr_SetString(PyExc_RuntimeError, "generator ignored GeneratorExit"), nullptr;
  }
  if (how == PYGEN_RETURN) {
    if (PY_VERSION_HEX >= 0x030D0000) return value;
    Py_DECREF(value);
    Py_RETURN_NONE;
  }
  if (!PyErr_ExceptionMatches(PyExc_GeneratorExit)) return nullptr;
  PyErr_Clear();
  Py_RETURN_NONE;
}

// ---- the object -----------------------------------------------------------------------------------------------------------------------------

// One that is dropped where it stands closes itself, so that `finally` and `with` do what they promise.
void generator_finalize(PyObject* o) {
  if (cast(o)->state != Generator::Suspended) return;
  PyObject* error = take_exception();
  PyObject* closed = generator_close(o, nullptr);
  if (!closed) PyErr_WriteUnraisable(o);
  Py_XDECREF(closed);
  if (error) set_exception(error);
}

int generator_traverse(PyObject* o, visitproc visit, void* arg) {
  Generator* g = cast(o);
  Py_VISIT(Py_TYPE(o));
  Py_VISIT(g->dispatcher);
  auto visit_object = [&](PyObject* o) {
    Py_VISIT(o);
    return 0;
  };
  if (int stop = each_object(g, visit_object)) return stop;
  Py_VISIT(g->sent);
  Py_VISIT(g->thrown);
  Py_VISIT(g->returned);
  return 0;
}

int generator_clear(PyObject* o) {
  finish(cast(o));
  return 0;
}

void generator_dealloc(PyObject* o) {
  Generator* g = cast(o);
  PyTypeObject* type = Py_TYPE(o);
  PyObject_GC_UnTrack(o);
  if (g->weakrefs) PyObject_ClearWeakRefs(o);
  PyObject_GC_Track(o);
  if (PyObject_CallFinalizerFromDealloc(o)) return;
  PyObject_GC_UnTrack(o);
  finish(g);
  g->cells.~vector();
  g->room.~vector();
  Py_CLEAR(g->dispatcher);
  Py_CLEAR(g->name);
  Py_CLEAR(g->qualname);
  PyObject_GC_Del(o);
  Py_DECREF(type);
}

PyObject* generator_repr(PyObject* o) { return PyUnicode_FromFormat("<generator object %S at %p>", cast(o)->qualname, o); }

PyObject* get_name(PyObject* o, void*) { return Py_NewRef(cast(o)->name); }
PyObject* get_qualname(PyObject* o, void*) { return Py_NewRef(cast(o)->qualname); }
int set_text(PyObject** to, PyObject* value, const char* complaint) {
  if (!value || !PyUnicode_Check(value)) return PyErr_SetString(PyExc_TypeError, complaint), -1;
  Py_SETREF(*to, Py_NewRef(value));
  return 0;
}
int set_name(PyObject* o, PyObject* value, void*) { return set_text(&cast(o)->name, value, "__name__ must be set to a string object"); }
int set_qualname(PyObject* o, PyObject* value, void*) { return set_text(&cast(o)->qualname, value, "__qualname__ must be set to a string object"); }
PyObject* get_running(PyObject* o, void*) { return PyBool_FromLong(cast(o)->state == Generator::Running); }
PyObject* get_suspended(PyObject* o, void*) { return PyBool_FromLong(cast(o)->state == Generator::Suspended); }
PyObject* get_code(PyObject* o, void*) { return Py_NewRef(PyFunction_GET_CODE(cast(o)->dispatcher->py_func)); }
PyObject* get_yieldfrom(PyObject* o, void*) {
  PyObject* iterator = delegate_of(cast(o));
  return iterator ? iterator : Py_NewRef(Py_None);
}
// A frame of its code, without its variables: whether there is one tells whether it has finished.
PyObject* get_frame(PyObject* o, void*) {
  Generator* g = cast(o);
  if (g->state == Generator::Finished) Py_RETURN_NONE;
  return reinterpret_cast<PyObject*>(frame_of(g));
}

PyMethodDef g_methods[] = {
    {"send", generator_send, METH_O, "send(value): goes on with it as the value of the yield; the next value that is yielded, or StopIteration."},
    {"throw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(generator_throw)), METH_FASTCALL,
     "throw(exception): raises it where the generator stands; the next value that is yielded, or StopIteration."},
    {"close", generator_close, METH_NOARGS, "close(): raises GeneratorExit where the generator stands."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef g_getset[] = {{"__name__", get_name, set_name, nullptr, nullptr},
                          {"__qualname__", get_qualname, set_qualname, nullptr, nullptr},
                          {"gi_running", get_running, nullptr, nullptr, nullptr},
                          {"gi_suspended", get_suspended, nullptr, nullptr, nullptr},
                          {"gi_frame", get_frame, nullptr, nullptr, nullptr},
                          {"gi_code", get_code, nullptr, nullptr, nullptr},
                          {"gi_yieldfrom", get_yieldfrom, nullptr, "the iterator that it delegates to, or None", nullptr},
                          {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMemberDef g_members[] = {{"__weaklistoffset__", T_PYSSIZET, offsetof(Generator, weakrefs), READONLY, nullptr}, {nullptr, 0, 0, 0, nullptr}};

PyType_Slot g_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(generator_dealloc)},
                         {Py_tp_traverse, reinterpret_cast<void*>(generator_traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(generator_clear)},
                         {Py_tp_finalize, reinterpret_cast<void*>(generator_finalize)},
                         {Py_tp_repr, reinterpret_cast<void*>(generator_repr)},
                         {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                         {Py_tp_iternext, reinterpret_cast<void*>(generator_next)},
                         {Py_am_send, reinterpret_cast<void*>(generator_am_send)},
                         {Py_tp_methods, g_methods},
                         {Py_tp_getset, g_getset},
                         {Py_tp_members, g_members},
                         {0, nullptr}};

PyType_Spec g_spec = {"coluber.generator", sizeof(Generator), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, g_slots};

}  // namespace

PyObject* new_generator(Dispatcher* dispatcher, PyObject* const* args) {
  Generator* g = PyObject_GC_New(Generator, g_generator_type);
  if (!g) return nullptr;
  new (&g->cells) std::vector<uint64_t>();
  new (&g->room) std::vector<uint64_t>();
  auto* function = reinterpret_cast<PyFunctionObject*>(dispatcher->py_func);
  Py_INCREF(dispatcher);
  g->dispatcher = dispatcher;
  g->name = Py_NewRef(function->func_name);
  g->qualname = Py_NewRef(function->func_qualname);
  g->weakrefs = g->sent = g->thrown = g->returned = nullptr;
  g->site = nullptr;
  g->state = Generator::Created;
  g->lists_copied = false;
  g->how = 0;
  g->next = {nullptr, nullptr, 0};
  g->cells.reserve(dispatcher->state->most_cells);
  for (int32_t i = 0; i < dispatcher->state->nparams; i++) g->cells.push_back(reinterpret_cast<uint64_t>(Py_NewRef(args[i])));
  PyObject_GC_Track(object(g));
  return object(g);
}

bool make_generator_type() {
  g_generator_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
  return g_generator_type != nullptr;
}

}  // namespace coluber::jit

using namespace coluber::jit;

OBJECT_OP(sent) {
  Generator* g = generator_of(ctx->generator);
  PyObject* thrown = g->thrown;
  if (!thrown && *ctx->poll && coluber_poll(ctx)) return 1;
  if (!thrown) return give(ctx, out, g->sent ? std::exchange(g->sent, nullptr) : Py_NewRef(Py_None));
  g->thrown = nullptr;
  if (imm) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(thrown)), thrown), Py_DECREF(thrown);   // chained to what is being handled
  else set_exception(thrown);
  return raise_python_error(ctx);
}

OBJECT_OP(yield_iter) {
  PyObject* over = static_cast<PyObject*>(cells[0]);
  if (PyGen_CheckExact(over)) return give(ctx, out, Py_NewRef(over));
  if (!PyCoro_CheckExact(over)) return give(ctx, out, PyObject_GetIter(over));
  PyErr_SetString(PyExc_TypeError, "cannot 'yield from' a coroutine object in a non-coroutine generator");
  return raise_python_error(ctx);
}

OBJECT_OP(send) {
  Operands a{cells, n};
  Generator* g = generator_of(ctx->generator);
  PyObject* value = std::exchange(g->returned, nullptr);
  PySendResult how = value ? PYGEN_RETURN : PyIter_Send(a[0], a[1], &value);
  out[1] = how == PYGEN_NEXT;
  return give(ctx, out, value);
}

OBJECT_OP(stop_value) {
  return give(ctx, out, Py_NewRef(reinterpret_cast<PyStopIterationObject*>(cells[0])->value));
}
