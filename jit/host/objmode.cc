// From native code into Python and back, in the middle of a function. See objmode.h.
#include "jit/host/objmode.h"

#include <algorithm>
#include <cstring>

#include "jit/host/box.h"
#include "jit/host/dispatcher.h"
#include "jit/host/lift.h"
#include "jit/host/mixed.h"
#include "jit/runtime/runtime.h"

namespace coluber::jit {
namespace {

// ---- sites ------------------------------------------------------------------------------------------------------------------------------

std::string_view cut(std::string_view* rest, char end) {
  size_t at = rest->find(end);
  std::string_view part = rest->substr(0, at);
  rest->remove_prefix(at == std::string_view::npos ? rest->size() : at + 1);
  return part;
}

struct Variable {
  std::string name;
  bool flag, seen;
  const HostType* type;
};
bool read_variable(std::string_view text, Variable* out) {
  out->name = cut(&text, ':');
  std::string_view flags = cut(&text, ':');
  out->flag = flags[0] == '1';
  out->seen = flags.size() > 1;
  out->type = parse_type(text);
  if (!out->type) PyErr_Format(PyExc_SystemError, "%s is not a type", std::string(text).c_str());
  return out->type != nullptr;
}

bool read_inputs(ObjmodeSite* site, std::string_view text) {
  while (!text.empty()) {
    Variable v;
    if (!read_variable(cut(&text, ';'), &v)) return false;
    site->inputs.push_back({v.name, v.flag, v.type});
  }
  return true;
}
bool read_outputs(ObjmodeSite* site, std::string_view text) {
  std::string error;
  for (size_t ways = 1 + static_cast<size_t>(std::count(text.begin(), text.end(), '/')); ways > 0; ways--) {
    std::string_view way = cut(&text, '/');
    std::vector<ObjmodeOutput>& exit = site->exits.emplace_back();
    while (!way.empty()) {
      Variable v;
      if (!read_variable(cut(&way, ';'), &v)) return false;
      ObjmodeOutput& out = exit.emplace_back();
      out.name = v.name;
      out.certain = v.flag;
      out.seen = v.seen;
      out.type = v.type;
      if (!make_plan({v.type}, &out.plan, &error)) return PyErr_SetString(PyExc_SystemError, error.c_str()), false;
      for (size_t k = 0; k < site->inputs.size(); k++)
        if (site->inputs[k].captured && site->inputs[k].name == v.name) out.captured = static_cast<int>(k);
    }
  }
  return true;
}

// The body is compiled as a part of the function's own dispatcher. A function that was called by a compiled one has one made for it.
bool find_dispatcher(ObjmodeSite* site, Dispatcher* outer) {
  site->own = outer->py_func != site->function;
  if (!site->own) return site->dispatcher = outer, true;
  PyObject* options = PyDict_New();
  PyObject* made = options ? PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(g_dispatcher_type), site->function, options, nullptr) : nullptr;
  Py_XDECREF(options);
  site->dispatcher = reinterpret_cast<Dispatcher*>(made);
  if (made) site->dispatcher->state->options.cache = outer->state->options.cache;
  return made != nullptr;
}

void drop_site(ObjmodeSite* site) {
  if (site->own) Py_XDECREF(reinterpret_cast<PyObject*>(site->dispatcher));
  delete site;
}

// ---- one entry ----------------------------------------------------------------------------------------------------------------------------

struct Entry {
  coluber_ctx* ctx;
  ObjmodeSite* site;
  const uint64_t* cells;                      // of the inputs
  uint64_t* out;                              // of the results
  std::vector<PyObject*> args;                // owned, null: unbound
  struct Shown {                              // a list among the inputs, and as what Python sees it
    coluber_list* list;
    const HostType* item;
    PyObject* object;
    const std::string* name;
  };
  std::vector<Shown> lists;
  std::vector<PyObject*> values;              // that the body has left, of all ways out

  ~Entry() {
    for (PyObject* a : args) Py_XDECREF(a);
    for (const Shown& l : lists) Py_DECREF(l.object);
    for (PyObject* v : values) Py_XDECREF(v);
  }
  bool box_inputs();
  PyObject* box_input(const ObjmodeInput& in, const HostType* type, const uint64_t* slots, BoxContext& context);
  bool run(int64_t* taken);
  bool reload_lists();
  bool give(int64_t taken);
  bool unbox(const ObjmodeOutput& variable, PyObject* value, uint64_t* slots);
};

PyObject* Entry::box_input(const ObjmodeInput& in, const HostType* type, const uint64_t* slots, BoxContext& context) {
  coluber_list* list = type->is(Kind::List) ? reinterpret_cast<coluber_list*>(slots[0]) : nullptr;
  for (const Shown& known : lists) {
    if (known.list == list) return Py_NewRef(known.object);
  }
  if (list && list->origin && !show_list(list, type->elem, static_cast<PyObject*>(list->origin))) return nullptr;
  retain_slots(type, slots);
  PyObject* value = box_as_python(type, slots, context);
  if (value && list) lists.push_back({list, type->elem, Py_NewRef(value), &in.name});
  return value;
}

bool Entry::box_inputs() {
  BoxContext context;
  context.shared = true;                      // an array in two variables is one object
  const uint64_t* at = cells;
  for (const ObjmodeInput& in : site->inputs) {
    bool unbound = in.type->is(Kind::Unbound);
    const HostType* type = unbound ? in.type->elem : in.type;
    const uint64_t* slots = at + (unbound ? 1 : 0);
    bool there = !unbound || (*at & 1);
    at += in.type->slots;
    PyObject* value = nullptr;
    if (there && !(value = box_input(in, type, slots, context))) return false;
    if (in.captured) {
      PyObject* cell = PyCell_New(value);
      Py_XDECREF(value);
      if (!cell) return false;
      value = cell;
    }
    args.push_back(value);
  }
  return true;
}

// The exception when the body does not compile even in object mode.
bool refuse(ObjmodeSite* site, const std::string& why) {
  PyObject* support = PyImport_ImportModule("coluber._support");
  PyObject* done = support ? PyObject_CallMethod(support, "refuse_objmode", "Os", site->function, why.c_str()) : nullptr;
  Py_XDECREF(support);
  Py_XDECREF(done);
  return false;
}

bool Entry::run(int64_t* taken) {
  auto n = static_cast<int64_t>(args.size());
  std::string why;
  Mixed* body = mixed_part(site->dispatcher, site->body, args.data(), n, &why);
  if (!body) return PyErr_Occurred() ? false : refuse(site, why);
  PyObject* result = call_mixed(site->dispatcher, body, args.data());
  if (!result) return false;
  unpack_exit(result, taken, &values);
  size_t at = 0;
  for (const auto& exit : site->exits)
    for (const ObjmodeOutput& out : exit) {
      if (out.captured >= 0) Py_XSETREF(values[at], Py_XNewRef(PyCell_GET(args[static_cast<size_t>(out.captured)])));
      at++;
    }
  return true;
}

// What the body did to lists shows in native code.
bool Entry::reload_lists() {
  for (const Shown& l : lists) {
    int done = reload_list(ctx, l.list, l.item, l.object);
    if (done > 0) PyErr_Format(PyExc_TypeError, "the body of objmode has put items of another type than %s into the list '%s'", l.item->text.c_str(), l.name->c_str());
    if (done) return false;
  }
  return true;
}

// Native code holds the objects that the values' memory belongs to.
bool own_slots(const HostType* type, uint64_t* slots) {
  auto own = [](uint64_t* slot) {
    coluber_owner* made = own_object(static_cast<PyObject*>(reinterpret_cast<coluber_owner*>(*slot)->object));
    *slot = reinterpret_cast<uint64_t>(made);
    return made != nullptr;
  };
  switch (type->kind) {
    case Kind::Array: return own(slots);
    case Kind::Str: return own(slots + 2);
    case Kind::List: {
      auto* list = reinterpret_cast<coluber_list*>(slots[0]);
      list->head.count++;                     // the frame gives up its own
      return true;
    }
    case Kind::Optional: return !(slots[0] & 1) || own_slots(type->elem, slots + 1);
    case Kind::Tuple:
      for (const HostType* item : type->items) {
        if (!own_slots(item, slots)) return false;
        slots += item->slots;
      }
      return true;
    default: return true;
  }
}

bool Entry::unbox(const ObjmodeOutput& variable, PyObject* value, uint64_t* slots) {
  std::vector<coluber_owner> owners(static_cast<size_t>(variable.plan.owners) + 1);
  Frame frame(slots, owners.data());
  int done = unbox_convert(variable.plan, variable.plan.ops[0], value, frame);
  if (done == 1) {
    if (own_slots(variable.type, slots)) return true;
    PyErr_NoMemory();
    return false;
  }
  if (done < 0) return false;
  PyObject* support = PyImport_ImportModule("coluber._support");
  PyObject* raised = support ? PyObject_CallMethod(support, "refuse_objmode_value", "ssOO", variable.name.c_str(), variable.type->text.c_str(), value, variable.seen ? Py_True : Py_False) : nullptr;
  Py_XDECREF(support);
  Py_XDECREF(raised);
  return false;
}

bool Entry::give(int64_t taken) {
  uint64_t* to = out;
  std::vector<std::pair<const HostType*, uint64_t*>> made;
  size_t at = 0;
  bool ok = true;
  for (size_t e = 0; e < site->exits.size(); e++) {
    bool here = static_cast<int64_t>(e) == taken;
    if (site->exits.size() > 1) *to++ = here;
    for (const ObjmodeOutput& variable : site->exits[e]) {
      PyObject* value = here ? values[at] : nullptr;
      at++;
      if (!variable.certain) *to++ = value != nullptr;
      memset(to, 0, 8 * static_cast<size_t>(variable.type->slots));
      if (value && ok) {
        ok = unbox(variable, value, to);
        if (ok) made.emplace_back(variable.type, to);
      }
      to += variable.type->slots;
    }
  }
  if (!ok)
    for (auto& [type, slots] : made) release_slots(type, slots);
  return ok;
}

}  // namespace

ObjmodeSite* objmode_site(Specialization* spec, PyObject* function, std::string_view text) {
  Dispatcher* outer = spec->dispatcher;
  for (ObjmodeSite* known : outer->state->objmode) {
    if (known->function == function && known->key == text) return known;
  }
  auto* site = new ObjmodeSite;
  site->key = text;
  site->function = function;
  site->body = cut(&text, '|');
  std::string_view inputs = cut(&text, '|');
  if (!read_inputs(site, inputs) || !read_outputs(site, text) || !find_dispatcher(site, outer)) {
    drop_site(site);
    return nullptr;
  }
  outer->state->objmode.push_back(site);
  return site;
}

void drop_objmode_sites(Dispatcher* self) {
  std::vector<ObjmodeSite*> all;
  all.swap(self->state->objmode);
  for (ObjmodeSite* site : all) drop_site(site);
}

int visit_objmode_sites(Dispatcher* self, visitproc visit, void* arg) {
  for (ObjmodeSite* site : self->state->objmode) {
    if (site->own) Py_VISIT(site->dispatcher);
  }
  return 0;
}

}  // namespace coluber::jit

using namespace coluber::jit;

extern "C" int32_t coluber_objmode(coluber_ctx* ctx, void* site, void* cells, void* results) {
  GilScope gil;
  Entry entry{ctx, static_cast<ObjmodeSite*>(site), static_cast<const uint64_t*>(cells), static_cast<uint64_t*>(results), {}, {}, {}};
  int64_t taken = -1;
  bool ok = entry.box_inputs() && entry.run(&taken);
  if (ok) ok = entry.reload_lists() && entry.give(taken);
  return ok ? 0 : raise_python_error(ctx);
}
