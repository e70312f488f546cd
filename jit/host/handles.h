// Handles: numbers that stand for Python objects in type texts, snapshots and import keys. A number is never used again. Whoever needs an
// object to stay alive (a compilation, a specialisation) holds a HandleSet, which owns one reference per object; the table itself owns none.
#pragma once
#include <Python.h>

#include <cstdint>
#include <vector>

namespace coluber::jit {

class HandleSet {
 public:
  HandleSet() = default;
  HandleSet(const HandleSet&) = delete;
  HandleSet& operator=(const HandleSet&) = delete;
  HandleSet(HandleSet&& other) noexcept : items_(std::move(other.items_)) { other.items_.clear(); }
  HandleSet& operator=(HandleSet&& other) noexcept {
    items_.swap(other.items_);
    return *this;
  }
  ~HandleSet() { clear(); }

  int64_t add(PyObject* object);              // the object's handle; the set keeps it alive from now on
  void add_handle(int64_t handle);            // of a living object
  void add_all(const HandleSet& other);
  void clear();
  int traverse(visitproc visit, void* arg) const;
  size_t size() const { return items_.size(); }

 private:
  struct Item {
    int64_t handle;
    PyObject* object;
  };
  std::vector<Item> items_;
};

// Borrowed; null when nobody keeps the object alive any more. GIL.
PyObject* object_of(int64_t handle);

}  // namespace coluber::jit
