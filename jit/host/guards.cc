// Guards and the index from watched dictionaries to the guards on them.
#include "jit/host/guards.h"

#include <unordered_map>

namespace coluber::jit {
namespace {

// dict -> hash of key -> guards. Under the GIL.
using ByKey = std::unordered_multimap<Py_hash_t, Guards*>;
std::unordered_map<PyObject*, ByKey>& watched() {
  static auto* t = new std::unordered_map<PyObject*, ByKey>;
  return *t;
}

void on_change(PyObject* dict, PyObject* key, PyObject* value) {
  auto it = watched().find(dict);
  if (it == watched().end()) return;
  if (!key) {
    for (auto& [hash, guards] : it->second) guards->invalidate();
    return;
  }
  if (!PyUnicode_CheckExact(key)) return;
  auto [first, last] = it->second.equal_range(PyObject_Hash(key));
  for (; first != last; ++first) {
    if (first->second->watches(key, value)) first->second->invalidate();
  }
}

}  // namespace

void Guards::add_dict(PyObject* dict, PyObject* key, PyObject* value) {
  for (const Entry& e : entries_) {
    if (e.dict == dict && PyUnicode_Compare(e.key, key) == 0) return;
  }
  entries_.push_back({Py_NewRef(dict), Py_NewRef(key), Py_XNewRef(value)});
}

void Guards::add_cell(PyObject* cell, PyObject* value) {
  for (const Cell& c : cells_) {
    if (c.cell == cell) return;
  }
  cells_.push_back({Py_NewRef(cell), Py_XNewRef(value)});
}

bool Guards::watches(PyObject* key, PyObject* value) const {
  for (const Entry& e : entries_) {
    if ((e.key == key || PyUnicode_Compare(e.key, key) == 0) && e.value != value) return true;
  }
  return false;
}

bool Guards::arm() {
  armed_ = true;
  for (const Entry& e : entries_) {
    if constexpr (kHasDictWatchers) {
      ByKey& keys = watched()[e.dict];
      if (keys.empty() && watch_dict(e.dict, on_change) < 0) return false;
      keys.emplace(PyObject_Hash(e.key), this);
    } else {
      bool known = false;
      for (const Version& v : versions_) known = known || v.dict == e.dict;
      if (!known) versions_.push_back({e.dict, dict_version(e.dict)});
    }
  }
  return recheck();                           // what changed while the compiler ran without the GIL
}

bool Guards::recheck() {
  for (Version& v : versions_) v.tag = dict_version(v.dict);
  for (const Entry& e : entries_) {
    if (PyDict_GetItemWithError(e.dict, e.key) != e.value) {
      PyErr_Clear();
      return false;
    }
  }
  for (const Cell& c : cells_) {
    if (PyCell_GET(c.cell) != c.value) return false;
  }
  for (const auto& array : arrays_) {
    if (!array->current()) return false;
  }
  valid_ = cells_.empty() && versions_.empty() && arrays_.empty() ? kValidAlone : kValid;
  return true;
}

void Guards::move_from(Guards& other) {
  cells_.swap(other.cells_);
  versions_.swap(other.versions_);
  entries_.swap(other.entries_);
}

void Guards::clear() {
  if (armed_ && kHasDictWatchers) {
    for (const Entry& e : entries_) {
      auto it = watched().find(e.dict);
      if (it == watched().end()) continue;
      for (auto k = it->second.begin(); k != it->second.end();) k = k->second == this ? it->second.erase(k) : std::next(k);
      if (it->second.empty()) watched().erase(it);   // the interpreter may still tell of it; nobody is asked then
    }
  }
  armed_ = false;
  std::vector<Entry> entries;
  std::vector<Cell> cells;
  entries.swap(entries_);
  cells.swap(cells_);
  versions_.clear();
  for (const Entry& e : entries) {
    Py_DECREF(e.dict);
    Py_DECREF(e.key);
    Py_XDECREF(e.value);
  }
  for (const Cell& c : cells) {
    Py_DECREF(c.cell);
    Py_XDECREF(c.value);
  }
}

int Guards::traverse(visitproc visit, void* arg) const {
  for (const Entry& e : entries_) {
    Py_VISIT(e.dict);
    Py_VISIT(e.key);
    Py_VISIT(e.value);
  }
  for (const Cell& c : cells_) {
    Py_VISIT(c.cell);
    Py_VISIT(c.value);
  }
  return 0;
}

}  // namespace coluber::jit
