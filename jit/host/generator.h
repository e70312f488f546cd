// Generators of compiled code. All code of a generator function is parts (ir/frontend/regions.h): from its start, or from behind a yield, to the
// next yields. Between them a generator keeps the values of its frame, and goes on with the part for where it stands and what these are.
#pragma once
#include <Python.h>

#include <vector>

namespace coluber::jit {

struct Dispatcher;
struct Site;

struct Generator {
  PyObject_HEAD
  enum State : uint8_t { Created, Suspended, Running, Finished };
  Dispatcher* dispatcher;                     // owned
  PyObject *name, *qualname;
  PyObject* weakrefs;
  Site* site;                                 // where it goes on; null once finished
  std::vector<PyObject*> values;              // of its frame, owned; null: unbound. The parameters of the part at `site`
  std::vector<PyObject*> before;              // those that the part which runs has begun with
  PyObject* sent;                             // goes in next
  PyObject* thrown;                           // is to be raised where it goes on
  PyObject* returned;                         // by the iterator that was delegated to, where throw() has ended that
  State state;
  bool yielded;                               // the part that runs has ended at a yield
  bool delegates;                             // it stands in a `yield from`: the iterator is the last value
  bool handling;                              // in a handler
};

// A generator for these arguments (bound, as many as the function has parameters).
PyObject* new_generator(Dispatcher* dispatcher, PyObject* const* args);
// Whether the start is compiled for them. With an error pending: it could not be.
bool start_of_generator(Dispatcher* dispatcher, PyObject* const* args);
bool make_generator_type();

}  // namespace coluber::jit
