// The table of handles.
#include "jit/host/handles.h"

#include <unordered_map>

namespace coluber::jit {
namespace {

struct Entry {
  PyObject* object;                           // borrowed from the sets
  int64_t holders;
};

struct Table {
  std::unordered_map<int64_t, Entry> by_handle;
  std::unordered_map<PyObject*, int64_t> by_object;
  int64_t next = 1;
};

Table& table() {
  static auto* t = new Table;                 // guarded by the GIL; lives as long as the process
  return *t;
}

}  // namespace

int64_t HandleSet::add(PyObject* object) {
  Table& t = table();
  auto it = t.by_object.find(object);
  int64_t handle;
  if (it == t.by_object.end()) {
    handle = t.next++;
    t.by_object.emplace(object, handle);
    t.by_handle.emplace(handle, Entry{object, 0});
  } else {
    handle = it->second;
    for (const Item& item : items_) {
      if (item.handle == handle) return handle;
    }
  }
  t.by_handle[handle].holders++;
  items_.push_back({handle, Py_NewRef(object)});
  return handle;
}

void HandleSet::add_handle(int64_t handle) {
  if (PyObject* object = object_of(handle)) add(object);
}

void HandleSet::add_all(const HandleSet& other) {
  for (const Item& item : other.items_) add(item.object);
}

void HandleSet::clear() {
  std::vector<Item> items;
  items.swap(items_);                         // the references are given up last: that may run any code
  Table& t = table();
  for (const Item& item : items) {
    auto it = t.by_handle.find(item.handle);
    if (--it->second.holders == 0) {
      t.by_object.erase(item.object);
      t.by_handle.erase(it);
    }
  }
  for (const Item& item : items) Py_DECREF(item.object);
}

int HandleSet::traverse(visitproc visit, void* arg) const {
  for (const Item& item : items_) Py_VISIT(item.object);
  return 0;
}

PyObject* object_of(int64_t handle) {
  Table& t = table();
  auto it = t.by_handle.find(handle);
  return it == t.by_handle.end() ? nullptr : it->second.object;
}

}  // namespace coluber::jit
