// Generators of compiled code. All code of a generator function is parts (ir/frontend/regions.h): from its start, or from behind a yield, to the
// next yields. Between them a generator keeps the values of its frame, and goes on with the part for where it stands and what these are.
#pragma once
#include <Python.h>

#include <vector>

#include "jit/runtime/abi.h"

namespace coluber::jit {

struct Dispatcher;
struct Site;

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
