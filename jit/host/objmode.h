// Bodies of `with objmode():` in native code: the host's side of typing/with.cc. The body is a part of the function (ir/frontend/regions.h) that is
// compiled in object mode when it is first entered; variables go in as objects and come back with the types that were declared.
#pragma once
#include <Python.h>

#include <string>
#include <string_view>
#include <vector>

#include "jit/host/unbox.h"

namespace coluber::jit {

struct Dispatcher;
struct Specialization;

struct ObjmodeInput {
  std::string name;
  bool captured;                              // by inner functions: Python code finds it in a cell
  const HostType* type;
};
struct ObjmodeOutput {
  std::string name;
  bool certain;                               // it is bound whenever its way out is taken
  bool seen;                                  // its type is not declared, but what it was when the body first ran
  const HostType* type;
  UnboxPlan plan;
  int captured = -1;                          // which input its cell is
};

struct ObjmodeSite {
  std::string key;
  PyObject* function;                         // borrowed: the specialisation holds it
  Dispatcher* dispatcher = nullptr;           // of the function: the one whose code has the statement, or one made for it
  bool own = false;
  std::string body;                           // text of the entry point
  std::vector<ObjmodeInput> inputs;
  std::vector<std::vector<ObjmodeOutput>> exits;
};

// For imports "objmode:HANDLE:body|inputs|outputs", see key_of in typing/with.cc: the site, made when it is new; null with an error.
ObjmodeSite* objmode_site(Specialization* spec, PyObject* function, std::string_view text);
void drop_objmode_sites(Dispatcher* self);
int visit_objmode_sites(Dispatcher* self, visitproc visit, void* arg);

}  // namespace coluber::jit
