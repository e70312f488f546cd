// The snapshot of what a compilation may see of Python: copied into plain structs under the GIL, logged as it is read.
#pragma once
#include <Python.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "jit/cache/read_log.h"
#include "jit/engine_api.h"
#include "jit/host/guards.h"
#include "jit/host/handles.h"
#include "jit/host/options.h"

namespace coluber::jit {

// Memory that lives as long as the session.
class Arena {
 public:
  void* allocate(size_t bytes);
  template <class T>
  T* array(size_t n) {
    return static_cast<T*>(memset(allocate(n * sizeof(T)), 0, n * sizeof(T)));
  }
  const char* text(std::string_view s);       // NUL-terminated copy

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  size_t left_ = 0;
};

// One compilation's view of Python. The callbacks of `host` run on the compiling thread; each takes the GIL.
class Snapshot {
 public:
  Snapshot();
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;

  // Under the GIL, before and after compiling.
  int64_t add_function(PyObject* function_or_dispatcher);
  void to_const(PyObject* object, clb_const* out, int depth = 0);   // classify.cc
  void release_gil() { thread_ = PyEval_SaveThread(); }
  void take_gil() { PyEval_RestoreThread(thread_); thread_ = nullptr; }
  PyObject* take_error();                     // a Python error met in a callback; new reference or null
  PyObject* object(int64_t handle) const { return object_of(handle); }

  clb_host host{};
  HandleSet held;
  ReadLog log;
  Guards guards;
  Arena arena;
  std::vector<PyObject*> codes;               // code objects seen, owned
  bool objects = false;                       // object mode: constants travel with their objects

  // The callbacks, GIL held (snapshot.cc).
  int function(int64_t handle, const clb_function** out);
  int global(int64_t function, const char* name, clb_const* out);
  int cell(int64_t function, int32_t index, clb_const* out);
  int attr(int64_t object, const char* name, clb_const* out);
  int implementation(int64_t object, const char* key, clb_const* out);
  int overload(int64_t object, const char* key, const char* const* types, int32_t n, clb_const* out);
  int subclass(int64_t cls, int64_t base);
  int64_t nested(int64_t outer, const clb_code* code);
  int ufunc_loop(int64_t ufunc, const char* signature, clb_const* out);
  int hint(int64_t object, const char* about, const char* name, clb_const* out);
  int fail();                                 // keeps the pending Python error; -1
  bool replay(const Read& read, std::string* why);           // replay.cc: the same read again, compared

 private:
  const clb_code* snapshot_code(PyObject* code);             // code_snapshot.cc
  const char* const* snapshot_names(PyObject* owner, const char* attribute, int32_t* n);
  const clb_const* snapshot_tuple(PyObject* tuple, int32_t* n, int depth);
  void snapshot_locals(const HostOptions& options, clb_function* out);
  void classify(PyObject* object, clb_const* out, int depth);
  void classify_callable(PyObject* object, clb_const* out);
  void classify_class(PyObject* object, clb_const* out);
  bool classify_numpy(PyObject* object, clb_const* out);
  bool classify_ours(PyObject* object, clb_const* out);
  void classify_list(PyObject* object, clb_const* out, int depth);
  int library_function(PyObject* found, bool elementwise, clb_const* out, Read read);
  void number_arrays(const clb_const& tuple);
  void record(Read read, PyObject* value, const clb_const* out);
  PyObject* function_object(int64_t handle);
  bool is_own_library(int64_t handle);        // a function of coluber.lib

  std::unordered_map<int64_t, const clb_function*> functions_;
  std::unordered_map<PyObject*, const clb_code*> code_of_;
  std::unordered_map<const clb_code*, PyObject*> object_of_code_;
  std::unordered_map<int64_t, HostOptions> options_;         // of functions that came as dispatchers
  std::unordered_map<std::string, int64_t> nested_;
  std::unordered_set<std::string> recorded_;
  PyThreadState* thread_ = nullptr;
  PyObject* error_ = nullptr;
};

// "numpy.sum", "math.sin", "builtins.len", "mymodule.f"
std::string qualified_name(PyObject* object);
std::string module_of(PyObject* object);      // "" when there is none

// The content of a value, for the cache. False with the reason when it has none that another process could compare.
bool digest_of(PyObject* value, Digest* out, std::string* why);   // digest_object.cc

}  // namespace coluber::jit
