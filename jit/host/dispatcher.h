// coluber.Dispatcher: the object a decorator returns. It looks the argument types of a call up in its table of specialisations and calls
// the compiled code; unknown combinations are compiled.
#pragma once
#include <Python.h>

#include <string>
#include <vector>

#include "jit/host/guards.h"
#include "jit/host/handles.h"
#include "jit/host/options.h"
#include "jit/host/type_text.h"
#include "jit/host/unbox.h"
#include "jit/runtime/abi.h"

namespace coluber::jit {

// How the commonest results are boxed, decided once.
enum class BoxWay : uint8_t { General, Constant, None, Float, Int };

struct Site;                                  // lift.h
struct Mixed;                                 // mixed.h
struct ObjmodeSite;                           // objmode.h
struct Dispatcher;
struct LineShift;                             // cached.h

struct Specialization {
  // What a call reads, together.
  coluber_entry entry = nullptr;
  bool nogil = false;
  bool doomed = false;                        // out of the table: freed by the last call that leaves
  bool restarts = false;                      // an int beyond 64 bits: the call is done again in object mode
  bool small = false;                         // the frame fits the buffer of the fast path
  BoxWay way = BoxWay::General;
  int64_t entered = 0, left = 0;              // calls, under the GIL: as many are inside as have not left
  UnboxPlan plan;
  Guards guards;
  const HostType* result = nullptr;
  PyObject* constant = nullptr;               // the result, when it is known at compile time
  int32_t result_slots = 0;
  uint32_t mutated = 0;

  // What it is.
  Dispatcher* dispatcher = nullptr;           // whose
  std::string key;                            // argument types, joined by ';'
  std::vector<std::string> arg_types;
  std::string return_type;
  bool objects = false;                       // object mode
  std::string part;                           // of the function: text of an entry point (ir/frontend/regions.h); empty: all of it
  HandleSet held;                             // all objects that the code or its types refer to
  std::vector<PyObject*> codes;               // code objects, for positions in tracebacks
  void** table = nullptr;                     // of imports, when it lies in a library of the cache: cached.cc
  void* code = nullptr;                       // the engine's machine code, or null (then `library` came from the cache)
  void* library = nullptr;
  std::vector<std::pair<std::string, double>> times;
  int64_t code_size = 0;                      // bytes of machine code
  bool from_cache = false;
  std::vector<LineShift>* shifts = nullptr;   // of code from the cache

  ~Specialization();
};

constexpr int32_t kSmallFrame = 96;           // cells of 8 bytes: slots, result, owners

struct Declared {                             // an explicit signature
  std::vector<std::string> args;
  std::string return_type;                    // empty: inferred
};

struct InPython {                              // argument types that do not compile: object_mode.cc
  std::vector<std::string> types;
  std::string reason;
};

struct DispatcherState {
  std::vector<Specialization*> table;         // read on each call; changed under the GIL
  std::vector<Declared> declared;
  HostOptions options;
  std::string name;                           // __qualname__
  int32_t nparams = 0;                        // slots in a bound argument list: parameters, keyword-only ones, then *args
  int32_t npositional = 0, nposonly = 0, nkwonly = 0;
  bool varargs = false, varkeywords = false;
  bool simple = true;                         // a call with nparams positional arguments needs no binding
  bool can_compile = true;
  int64_t hits = 0, misses = 0;               // of the disk cache
  std::vector<std::string> cache_notes;       // why not
  std::vector<InPython> in_python;
  std::vector<Mixed*> mixed;                  // object mode: mixed.cc
  int64_t mixed_dropped = 0;                  // how often all of them were
  bool generator = false;                     // calls make generators
  size_t most_cells = 0;                      // of the frames that those may have
  Site* start = nullptr;                      // of generators
  bool silent = false;                        // some are made in the interpreter, since that costs no more
  bool generates = false;                     // and have been compiled before
  std::vector<Site*> sites;                   // loops and places where native code was left: lift.cc
  std::vector<ObjmodeSite*> objmode;          // bodies of with statements: objmode.cc
  std::vector<uint32_t> overflows;            // instructions (byte offsets) whose ints have left 64 bits
  std::vector<PyTypeObject*> object_classes;  // nparams each: classes of arguments of calls that run in object mode
  std::vector<std::string> reasons;           // that were warned of
  std::vector<std::string> untyped;           // arguments that have no type, and were warned of
};

struct Dispatcher {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  PyObject* py_func;
  PyObject* dict;
  PyObject* weakrefs;
  DispatcherState* state;
};

extern PyTypeObject* g_dispatcher_type;
bool make_dispatcher_type();                  // dispatcher_type.cc

inline bool is_dispatcher(PyObject* o) { return Py_TYPE(o) == g_dispatcher_type; }
// What stands for the object in types and snapshots: a dispatcher's function, else the object itself. Borrowed.
inline PyObject* constant_identity(PyObject* o) { return is_dispatcher(o) ? reinterpret_cast<Dispatcher*>(o)->py_func : o; }

// dispatcher.cc
PyObject* dispatcher_call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keywords);
PyObject* generator_call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keywords);   // of generator functions
void drop_specialization(Dispatcher* self, Specialization* spec);
// The argument list of a call in the order of the parameters: keywords placed, defaults filled in, *args gathered (into *gathered, owned).
// False with the TypeError CPython would raise.
bool bind_arguments(Dispatcher* self, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords, std::vector<PyObject*>* bound, PyObject** gathered);
const char* parameter_name(Dispatcher* self, int32_t index);

// compile.cc. Finds or makes the specialisation for these types: one compilation at a time per signature, others wait. Null with an error.
Specialization* get_specialization(Dispatcher* self, const std::vector<std::string>& types, const std::string& return_type, HandleSet* held);
// Compiles anew for `stage` of the engine's dumps and returns its text.
PyObject* dump_specialization(Dispatcher* self, Specialization* spec, const char* stage);
void install_fork_handlers();

// raise.cc. Turns ctx->error into the pending Python exception, with traceback entries; consumes it.
void raise_from_context(Specialization* spec, coluber_ctx* ctx);

}  // namespace coluber::jit
