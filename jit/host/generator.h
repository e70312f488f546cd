// Generators of compiled code. All code of a generator function is parts (ir/frontend/regions.h): from its start, or from behind a yield, to the
// next yields. Between them a generator keeps the values of its frame, and goes on with the part for where it stands and what these are.
#pragma once
#include <Python.h>

#include <cstddef>
#include <vector>

#include "jit/host/lift.h"
#include "jit/runtime/abi.h"

namespace coluber::jit {

struct Dispatcher;
struct Mixed;

struct Generator {
  PyObject_HEAD
  enum State : uint8_t { Created, Suspended, Running, Finished };
  coluber_suspended next;                     // what the part that runs fills in
  Dispatcher* dispatcher;                     // owned
  PyObject *name, *qualname;
  PyObject* weakrefs;
  Site* site;                                 // where it goes on; null: at its start
  int64_t how;                                // it stands there
  std::vector<uint64_t> cells;                // of its frame, as the site says; before the start: the arguments. Objects are owned
  std::vector<uint64_t> room;                 // for those of the next site
  PyObject* sent;                             // goes in next
  PyObject* thrown;                           // is to be raised where it goes on
  PyObject* returned;                         // by the iterator that was delegated to, where throw() has ended that
  State state;
  bool lists_copied;                          // for a loop
};

inline Generator* generator_of(coluber_suspended* at) { return reinterpret_cast<Generator*>(reinterpret_cast<char*>(at) - offsetof(Generator, next)); }
inline PyObject* object_in(uint64_t cell) { return reinterpret_cast<PyObject*>(cell); }

// The objects that it keeps, borrowed; null: an unbound variable's. A part that runs has taken them over.
template <class Visit>
int each_object(Generator* g, Visit visit) {
  if (g->state == Generator::Created) {
    for (uint64_t cell : g->cells) {
      if (int stop = visit(object_in(cell))) return stop;
    }
  }
  if (g->state == Generator::Suspended) {
    for (int k : g->site->objects) {
      if (int stop = visit(object_in(g->cells[static_cast<size_t>(k)]))) return stop;
    }
  }
  return 0;
}

// generator_parts.cc. The part that is to run; null with an error, and the generator is where it was.
Mixed* part_for(Generator* g);
// Runs it to the next yield or its end. The value, or null with an error.
PyObject* run_part(Generator* g, Mixed* part);

// A generator for these arguments (bound, as many as the function has parameters).
PyObject* new_generator(Dispatcher* dispatcher, PyObject* const* args);
// Whether the start is compiled for them. With an error pending: it could not be.
bool start_of_generator(Dispatcher* dispatcher, PyObject* const* args);
// A part that was compiled while another runs may need more.
void make_room(coluber_suspended* at);
// Is a loop of its code entered natively with these variables? Lists are copied for that: long ones once only, since a loop that the generator
// comes to again and again may look at few of their items each time.
bool worth_lists(coluber_suspended* at, PyObject* const* args, int64_t n);
bool make_generator_type();

}  // namespace coluber::jit
