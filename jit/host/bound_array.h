// A global array that compiled code refers to: its slots are read from a table that is filled in when the code is loaded. The contents may
// change at any time, that is what it is for; when its memory, shape or flags change the code does not fit any more (Guards ask `current`).
#pragma once
#include <Python.h>

#include <memory>
#include <string_view>
#include <vector>

#include "jit/host/unbox.h"
#include "jit/runtime/abi.h"

namespace coluber::jit {

class BoundArray {
 public:
  // Null when the object is no array of that type. The caller keeps the object alive.
  static std::unique_ptr<BoundArray> make(PyObject* object, std::string_view type);
  BoundArray(const BoundArray&) = delete;
  void* slots() { return slots_.data(); }
  bool current() const;                       // the object still is what was bound

 private:
  static constexpr size_t kMaxSlots = 2 + 2 * 64;   // of an array of the most dimensions
  explicit BoundArray(PyObject* object) : object_(object) {}
  bool read(uint64_t* slots, coluber_owner* owner) const;

  PyObject* object_;
  UnboxPlan plan_;
  std::vector<uint64_t> slots_;
  coluber_owner owner_{};
};

}  // namespace coluber::jit
