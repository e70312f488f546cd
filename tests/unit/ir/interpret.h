// Runs typed IR, for tests: what a pass makes must do what it was given did. Memory is real but watched: a load or store outside of what was
// allocated is a fault, as are a division by zero, an add that was said not to wrap and does, and a loop that does not end.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/function.h"
#include "ir/passes/fold.h"

namespace coluber::ir::test {

using Slots = std::vector<uint64_t>;       // integers and pointers as they are; floats as the bits of a double

struct Outcome {
  std::string error;                       // the row of a guard or what was raised, with its numbers; empty: returned
  std::string fault;                       // what no program may do
  Slots result;
  uint64_t steps = 0, checks = 0;          // ops run; guards and index checks among them
  uint64_t allocations = 0;
  bool operator==(const Outcome& o) const { return error == o.error && fault == o.fault && result == o.result; }
};

class Interpreter {
 public:
  explicit Interpreter(const Program& p) : program_(p) {}

  // Memory that the program may touch, filled with zeros.
  uint8_t* allocate(size_t bytes);
  Outcome run(const std::string& function, std::vector<Slots> args, uint64_t limit = 5'000'000);

  template <class T>
  std::vector<T> read(uint64_t address, size_t n) {
    const T* p = reinterpret_cast<const T*>(address);
    return std::vector<T>(p, p + n);
  }

 private:
  struct Frame {
    const Function* f = nullptr;
    std::vector<Slots> values;
  };

  bool call(const Function& f, const std::vector<Slots>& args, Slots* result);    // false: raised, see out_.error
  bool op(Frame& fr, const Op& op);                         // false: raised
  bool scalar(Frame& fr, const Op& op);
  bool aggregate(Frame& fr, const Op& op);
  bool memory(Frame& fr, const Op& op);
  bool array(Frame& fr, const Op& op);
  bool list(Frame& fr, const Op& op);
  bool checked(Frame& fr, const Op& op);
  bool math(Frame& fr, const Op& op);
  // `ew`, `array.roll` and `array.assign` as they are defined: evaluated as a whole, then stored.
  bool elementwise(Frame& fr, const Op& op);
  bool roll(Frame& fr, const Op& op);
  bool assign(Frame& fr, const Op& op);
  bool elements(const Frame& fr, ValueId v, const std::vector<int64_t>& shape, std::vector<Slots>* out);

  bool raise(const std::string& what);
  bool fault(const std::string& what);
  static Number number_of(TypeRef t, const Slots& s);
  static Slots slots_of(TypeRef t, const Number& n);
  static Slots convert(TypeRef from, TypeRef to, const Slots& v);
  Number number(const Frame& fr, ValueId v) const { return number_of(fr.f->type_of(v), fr.values[v]); }
  void set_number(Frame& fr, ValueId v, const Number& n) { fr.values[v] = slots_of(fr.f->type_of(v), n); }
  int64_t integer(const Frame& fr, ValueId v) const { return static_cast<int64_t>(fr.values[v][0]); }
  bool touch(uint64_t address, size_t bytes);
  bool load(TypeRef t, uint64_t address, Slots* out);
  bool store(TypeRef t, uint64_t address, const Slots& value);
  uint64_t element(const Frame& fr, const Op& op, size_t first);
  std::vector<int64_t> strides(TypeRef t, const Slots& array) const;

  struct List {
    std::vector<Slots> items;
  };

  const Program& program_;
  std::vector<std::unique_ptr<uint8_t[]>> blocks_;
  std::map<uint64_t, size_t> extents_;     // start -> bytes
  std::vector<std::unique_ptr<List>> lists_;
  Outcome out_;
  uint64_t limit_ = 0;
  int depth_ = 0;
};

Slots int_slots(int64_t v);
Slots float_slots(double v);
double to_double(uint64_t slot);
int slot_count(TypeRef t);

// An array argument over `memory`: shape, and strides in bytes where the layout carries them.
Slots array_slots(uint64_t data, std::vector<int64_t> shape, std::vector<int64_t> strides = {});

}  // namespace coluber::ir::test
