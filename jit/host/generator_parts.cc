// The parts of generators: which one goes on with the frame as it is, and running it. See generator.h.
#include <algorithm>
#include <utility>

#include "jit/host/dispatcher.h"
#include "jit/host/generator.h"
#include "jit/host/mixed.h"
#include "jit/host/pycompat.h"

namespace coluber::jit {
namespace {

void make_room(Generator* g) {
  if (g->room.size() < g->dispatcher->state->most_cells) g->room.resize(g->dispatcher->state->most_cells);
  g->next.cells = g->room.data();
}

bool current(const Mixed* part) { return part->spec && part->spec->guards.hold(); }

void forget_dropped(Site* site) {
  if (site->mixed_dropped == site->dispatcher->state->mixed_dropped) return;
  site->rests.clear();
  site->mixed_dropped = site->dispatcher->state->mixed_dropped;
}

// The start for these arguments; null: it does not compile, or (with an error pending) could not be compiled now.
Mixed* start_for(Dispatcher* self, PyObject* const* args) {
  auto n = static_cast<size_t>(self->state->nparams);
  Site* site = self->state->start ? self->state->start : (self->state->start = site_of(self, ""));
  forget_dropped(site);
  for (const Site::Rest& known : site->rests) {
    if (current(known.part) && fits_mixed(known.part, args, n)) return known.part;
  }
  Mixed* made = mixed_for(self, args);
  auto same = [&](const Site::Rest& r) { return r.part == made; };
  if (made && std::none_of(site->rests.begin(), site->rests.end(), same)) site->rests.push_back({"", made});
  return made;
}

// The part that goes on at a site with this frame.
Mixed* rest_for(Site* site, const std::vector<uint64_t>& cells) {
  forget_dropped(site);
  if (!site->maybe && !site->rests.empty() && current(site->rests[0].part)) return site->rests[0].part;
  std::string bound;
  for (int k : site->objects) {
    if (site->cells[static_cast<size_t>(k)] == 'm') bound += cells[static_cast<size_t>(k)] ? 'o' : 'u';
  }
  for (const Site::Rest& known : site->rests) {
    if (known.bound == bound && current(known.part)) return known.part;
  }
  std::vector<std::string> types;
  size_t next = 0;
  for (const std::string& t : site->types) {
    bool maybe = t == "unbound(object)";
    types.push_back(!maybe ? t : bound[next] == 'o' ? "object" : "unbound(bottom)");
    next += maybe;
  }
  Mixed* made = mixed_rest(site->dispatcher, site->entry, types, nullptr);
  if (!made) return nullptr;
  forget_dropped(site);
  auto same = [&](const Site::Rest& r) { return r.part == made; };
  if (std::none_of(site->rests.begin(), site->rests.end(), same)) site->rests.push_back({bound, made});
  return made;
}

constexpr int kVariants = 8;                  // of the types at one yield, beyond which they are all objects

bool varies_much(Site* site) {
  int n = 0;
  for (Site* other : site->dispatcher->state->sites) n += other->entry == site->entry && !other->rests.empty();
  return n >= kVariants;
}

// The iterator over a range whose state lies in these cells (typing/iterate.cc).
PyObject* range_iterator(const std::string& type, const uint64_t* cells) {
  auto number = [&](int k) { return static_cast<long long>(cells[k]); };
  PyObject* range = nullptr;
  if (type == "iter(range)") {                // index, count, start, step
    range = PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyRange_Type), "LLL", number(2) + number(0) * number(3), number(2) + number(1) * number(3), number(3));
  } else {
    range = PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyRange_Type), "LLL", number(0), number(1), type.find("range_down") == std::string::npos ? 1LL : -1LL);
  }
  PyObject* iterator = range ? PyObject_GetIter(range) : nullptr;
  Py_XDECREF(range);
  return iterator;
}

// Makes objects of all that the frame keeps. False with an error, and it is as it was.
bool make_objects(Generator* g) {
  Site* site = g->site;
  std::string cells, types;
  std::vector<uint64_t> made;
  std::vector<PyObject*> fresh;
  size_t at = 0;
  bool ok = true;
  for (const std::string& t : site->types) {
    const uint64_t* from = g->cells.data() + at;
    bool unbound = t == "unbound(bottom)", kept = t == "object" || t == "unbound(object)";
    PyObject* o = nullptr;
    if (kept) o = object_in(*from);
    else if (t == "none") o = Py_NewRef(Py_None);
    else if (t == "pyint") o = PyLong_FromLongLong(static_cast<long long>(*from));
    else if (t == "pybool") o = PyBool_FromLong(static_cast<long>(*from & 1));
    else if (t == "pyfloat") o = PyFloat_FromDouble(*reinterpret_cast<const double*>(from));
    else if (!unbound) o = range_iterator(t, from);
    ok = ok && (o || kept || unbound);
    if (o && !kept) fresh.push_back(o);
    at += unbound || t == "none" ? 0 : t == "iter(range)" ? 4 : t.starts_with("iter(") ? 2 : 1;
    types += (types.empty() ? "" : ";") + (unbound || t == "unbound(object)" ? t : "object");
    if (unbound) continue;
    cells += t == "unbound(object)" ? 'm' : 'o';
    made.push_back(reinterpret_cast<uint64_t>(o));
  }
  if (!ok) {
    for (PyObject* o : fresh) Py_DECREF(o);
    return false;
  }
  g->site = site_of(g->dispatcher, site->entry + "|" + cells + "|" + types);
  g->cells.swap(made);
  return true;
}

}  // namespace

// One that is compiled for the types in the frame, or else for objects.
Mixed* part_for(Generator* g) {
  Mixed* part = nullptr;
  if (!g->site) part = start_for(g->dispatcher, reinterpret_cast<PyObject* const*>(g->cells.data()));
  else if (!g->site->rests.empty() || !varies_much(g->site)) part = rest_for(g->site, g->cells);
  if (part || PyErr_Occurred()) return part;
  if (g->site && make_objects(g)) part = rest_for(g->site, g->cells);
  if (!part && !PyErr_Occurred()) PyErr_Format(PyExc_RuntimeError, "the rest of the generator %U() does not compile", g->qualname);
  return part;
}

PyObject* run_part(Generator* g, Mixed* part) {
  if (g->room.size() < g->dispatcher->state->most_cells || !g->next.cells) make_room(g);
  if (g->site && g->site->maybe) {            // what is unbound has no cell
    size_t n = 0;
    for (size_t k = 0; k < g->site->cells.size(); k++) {
      if (g->site->cells[k] != 'm' || g->cells[k]) g->cells[n++] = g->cells[k];
    }
  }
  g->next.how = 0;
  bool start = !g->site;
  PyObject* result = call_mixed(g->dispatcher, part, reinterpret_cast<PyObject* const*>(g->cells.data()), &g->next);
  if (start) {                                // arguments are borrowed
    PyObject* error = result ? nullptr : take_exception();
    std::vector<uint64_t> args(g->cells.begin(), g->cells.begin() + g->dispatcher->state->nparams);
    for (uint64_t cell : args) Py_DECREF(object_in(cell));
    if (error) set_exception(error);
  }
  g->how = g->next.how;
  if (!g->how) return result;
  g->site = static_cast<Site*>(g->next.site);
  g->cells.swap(g->room);
  g->next.cells = g->room.data();
  return result;
}

bool start_of_generator(Dispatcher* dispatcher, PyObject* const* args) {
  return start_for(dispatcher, args) != nullptr;
}

void make_room(coluber_suspended* at) { make_room(generator_of(at)); }

bool worth_lists(coluber_suspended* at, PyObject* const* args, int64_t n) {
  constexpr Py_ssize_t kLong = 32;
  Generator* g = generator_of(at);
  auto is_long = [](PyObject* o) { return o && PyList_CheckExact(o) && PyList_GET_SIZE(o) > kLong; };
  if (std::none_of(args, args + n, is_long)) return true;
  return !std::exchange(g->lists_copied, true);
}

}  // namespace coluber::jit
