// Lifted loops and leaving native code: the host's side of ir/frontend/regions.h.
#pragma once
#include <Python.h>

#include <string>
#include <vector>

namespace coluber::jit {

struct Dispatcher;
struct Mixed;
struct Specialization;

// A point of a function where code of its own begins: a loop, by the types its variables have when it is entered, or the rest of the function.
struct Site {
  Dispatcher* dispatcher;                     // owns it
  std::string text;                           // of the entry point
  std::vector<int> exit_vars;                 // how many variables each exit of a loop sets
  std::vector<Specialization*> loops;
  std::vector<std::string> failed;            // types that do not compile
  std::string why;                            // the first reason
  // Where generators go on (typing/objects.cc, o_suspend): text is "entry|a letter per cell of the frame|type;type..."
  std::string entry, cells;
  std::vector<std::string> types;
  std::vector<int> objects;                   // which cells hold objects
  bool maybe = false;                         // some may be null: the types depend on which
  struct Rest {
    std::string bound;                        // 'o', or 'u' where it is null, of each cell that may be
    Mixed* part;
  };
  std::vector<Rest> rests;
  int64_t mixed_dropped = 0;                  // DispatcherState's when they were found
};

// The site of this text, made when it is new; for imports. It lives as long as the dispatcher: code that runs may have been dropped.
Site* site_of(Dispatcher* self, const std::string& text);
// What a part of a function that was left in object mode has returned (exit_with): which way out, and the variables of all; null: unbound.
// Takes the reference.
void unpack_exit(PyObject* tuple, int64_t* taken, std::vector<PyObject*>* values);
void drop_loops(Dispatcher* self);
void free_sites(Dispatcher* self);
// [(text, [argument types], why not), ...] of the loops met.
PyObject* loop_list(Dispatcher* self);

// compile.cc. The loop of a site for variables of these types, or null with an error.
Specialization* compile_loop(Dispatcher* self, const std::vector<std::string>& types, const std::string& text);

}  // namespace coluber::jit
