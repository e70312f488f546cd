// The extension module _coluber.
#include <climits>

#include "jit/host/cached.h"
#include "jit/host/dispatcher.h"
#include "jit/host/generator.h"
#include "jit/host/engine.h"
#include "jit/host/numpy_ufunc.h"
#include "jit/host/thread_state.h"
#include "jit/host/typeof.h"
#include "jit/runtime/critical.h"
#include "jit/runtime/openmp.h"
#include "jit/runtime/parallel.h"
#include "jit/runtime/runtime.h"
#include "jit/runtime/spare.h"

namespace coluber::jit {
namespace {

PyObject* module_options(PyObject*, PyObject*) { return options_table(); }

PyObject* module_stats(PyObject*, PyObject*) {
  RuntimeStats s = runtime_stats();
  return Py_BuildValue("{sLsLsLsn}", "live_blocks", static_cast<long long>(s.live_blocks), "live_bytes", static_cast<long long>(s.live_bytes),
                       "total_blocks", static_cast<long long>(s.total_blocks), "spare_bytes", static_cast<Py_ssize_t>(spare_bytes()));
}

// The type text of a value, or (None, what, remedy). Objects that the type names are kept alive for ever: handles in it stay good.
PyObject* module_typeof(PyObject*, PyObject* value) {
  static auto* held = new HandleSet;
  std::string text;
  TypeofFailure why;
  if (type_of(value, held, &text, &why)) return PyUnicode_FromString(text.c_str());
  return Py_BuildValue("(Oss)", Py_None, why.what.c_str(), why.remedy.c_str());
}

PyObject* module_object(PyObject*, PyObject* handle) {
  PyObject* object = object_of(PyLong_AsLongLong(handle));
  if (PyErr_Occurred()) return nullptr;
  return Py_NewRef(object ? object : Py_None);
}

PyObject* module_engine(PyObject*, PyObject*) {
  const Engine* engine = load_engine();
  return engine ? Py_BuildValue("(iss)", engine->api_version(), engine->build_id(), engine->cpu()) : nullptr;
}

PyObject* module_float_text(PyObject*, PyObject* value) {
  double number = PyFloat_AsDouble(value);
  return PyErr_Occurred() ? nullptr : PyUnicode_FromString(float_text(number).c_str());
}

PyObject* module_cache(PyObject*, PyObject*) { return cache_summary(); }

PyObject* module_num_threads(PyObject*, PyObject*) { return PyLong_FromLong(num_threads()); }

PyObject* module_set_num_threads(PyObject*, PyObject* count) {
  long n = PyLong_AsLong(count);
  if (n == -1 && PyErr_Occurred()) return nullptr;
  if (n < 1 || n > kMostThreads) return PyErr_Format(PyExc_ValueError, "the number of threads must be between 1 and %d", kMostThreads);
  set_num_threads(static_cast<int>(n));
  Py_RETURN_NONE;
}

PyObject* module_chunk_size(PyObject*, PyObject*) { return PyLong_FromLong(chunk_size()); }

PyObject* module_set_chunk_size(PyObject*, PyObject* count) {
  long n = PyLong_AsLong(count);
  if (n == -1 && PyErr_Occurred()) return nullptr;
  if (n < 0) return PyErr_SetString(PyExc_ValueError, "the chunk size must not be negative"), nullptr;
  set_chunk_size(static_cast<int>(n < INT_MAX ? n : INT_MAX));
  Py_RETURN_NONE;
}

PyObject* module_critical_enter(PyObject*, PyObject* name) {
  Py_ssize_t length = 0;
  const char* text = PyUnicode_AsUTF8AndSize(name, &length);
  if (!text || !enter_critical(text, static_cast<size_t>(length))) return nullptr;
  Py_RETURN_NONE;
}

PyObject* module_critical_exit(PyObject*, PyObject* name) {
  Py_ssize_t length = 0;
  const char* text = PyUnicode_AsUTF8AndSize(name, &length);
  if (!text) return nullptr;
  if (!exit_critical(text, static_cast<size_t>(length))) return PyErr_SetString(PyExc_RuntimeError, "this thread is not in that critical section"), nullptr;
  Py_RETURN_NONE;
}

PyObject* module_thread_number(PyObject*, PyObject*) { return PyLong_FromLong(thread_number()); }

// (path of the library, was it there before) or None and why.
PyObject* module_openmp(PyObject*, PyObject*) {
  std::string why;
  const OpenMp* omp = openmp(&why);
  return omp ? Py_BuildValue("(sO)", omp->path.c_str(), omp->found ? Py_True : Py_False) : Py_BuildValue("(Os)", Py_None, why.c_str());
}

PyMethodDef g_functions[] = {{"options", module_options, METH_NOARGS, "Rows of the table of options."},
                             {"_runtime_stats", module_stats, METH_NOARGS, "Blocks of memory, lists and exceptions that are alive."},
                             {"_typeof", module_typeof, METH_O, nullptr},
                             {"_object", module_object, METH_O, nullptr},
                             {"_engine", module_engine, METH_NOARGS, "Loads the engine: (API version, build id, CPU)."},
                             {"_cache", module_cache, METH_NOARGS, "What the disk cache has done in this process."},
                             {"_float_text", module_float_text, METH_O, nullptr},
                             {"_num_threads", module_num_threads, METH_NOARGS, "How many threads a parallel loop of this thread gets."},
                             {"_set_num_threads", module_set_num_threads, METH_O, nullptr},
                             {"_thread_number", module_thread_number, METH_NOARGS, nullptr},
                             {"_chunk_size", module_chunk_size, METH_NOARGS, nullptr},
                             {"_set_chunk_size", module_set_chunk_size, METH_O, nullptr},
                             {"_critical_enter", module_critical_enter, METH_O, "Waits for the lock of that name."},
                             {"_critical_exit", module_critical_exit, METH_O, nullptr},
                             {"_openmp", module_openmp, METH_NOARGS, "Loads OpenMP's runtime: (its path, was it in the process already) or (None, why not)."},
                             {"_ufunc", make_ufunc, METH_VARARGS, nullptr},
                             {"_ufunc_loop", add_ufunc_loop, METH_VARARGS, nullptr},
                             {"_ufunc_info", ufunc_info, METH_O, nullptr},
                             {nullptr, nullptr, 0, nullptr}};

PyModuleDef g_module = {PyModuleDef_HEAD_INIT, "_coluber", "Dispatcher and runtime of Coluber.", -1, g_functions, nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace coluber::jit

PyMODINIT_FUNC PyInit__coluber() {
  using namespace coluber::jit;
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(PyExc_ImportError, "Coluber works in the main interpreter only");
    return nullptr;
  }
  if (!make_dispatcher_type() || !make_generator_type()) return nullptr;
  install_fork_handlers();
  g_signal_word = [](void* thread_state) { return nogil_poll_word(static_cast<PyThreadState*>(thread_state)); };
  PyObject* module = PyModule_Create(&g_module);
  if (module && PyModule_AddObjectRef(module, "Dispatcher", reinterpret_cast<PyObject*>(g_dispatcher_type)) < 0) Py_CLEAR(module);
  return module;
}
