// Guards: the globals, module attributes and closure cells that a specialisation was compiled with. Rebinding one is noticed at the next
// call. From CPython 3.12 the interpreter tells us of changed dictionaries, and a call reads one word; before, it compares the version tag
// of each dictionary. Closure cells are compared by identity on each call, bound arrays by memory and shape.
#pragma once
#include <Python.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "jit/host/bound_array.h"
#include "jit/host/pycompat.h"

namespace coluber::jit {

class Guards {
 public:
  Guards() = default;
  Guards(const Guards&) = delete;
  ~Guards() { clear(); }

  void add_dict(PyObject* dict, PyObject* key, PyObject* value);   // value null: there is no such key
  void add_cell(PyObject* cell, PyObject* value);
  void add_array(std::unique_ptr<BoundArray> array) { arrays_.push_back(std::move(array)); }   // not before what it guards is loaded
  bool arm();                                 // after compiling, under the GIL; false with a Python error
  // The fast question of each call.
  bool hold() const {
    if (valid_ == kValidAlone) return true;   // nothing that has to be looked at
    if (!valid_) return false;
    if constexpr (!kHasDictWatchers) {
      for (const Version& v : versions_) {
        if (dict_version(v.dict) != v.tag) return false;
      }
    }
    for (const Cell& c : cells_) {
      if (PyCell_GET(c.cell) != c.value) return false;
    }
    for (const auto& array : arrays_) {
      if (!array->current()) return false;
    }
    return true;
  }
  // The slow one: looks each value up again. When nothing that was read has changed, the guards hold again.
  bool recheck();
  void move_from(Guards& other);
  void clear();
  int traverse(visitproc visit, void* arg) const;
  bool watches(PyObject* key, PyObject* value) const;   // would this store change anything?
  void invalidate() { valid_ = kInvalid; }

 private:
  struct Entry { PyObject *dict, *key, *value; };
  struct Version { PyObject* dict; uint64_t tag; };
  struct Cell { PyObject *cell, *value; };

  enum : uint8_t { kInvalid = 0, kValid = 1, kValidAlone = 2 };
  uint8_t valid_ = kValid;
  bool armed_ = false;
  std::vector<Cell> cells_;
  std::vector<std::unique_ptr<BoundArray>> arrays_;   // what the code reads lies in them: they go with it
  std::vector<Version> versions_;
  std::vector<Entry> entries_;
};

}  // namespace coluber::jit
