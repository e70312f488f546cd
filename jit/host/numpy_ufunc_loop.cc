// Inner loops of ufuncs: choosing the code for the operands of a call, passing them, the threads of target 'parallel', errors.
#include "jit/host/numpy_ufunc_loop.h"

#include <algorithm>
#include <cfenv>
#include <cstring>

#include "jit/host/raise.h"
#include "jit/host/thread_state.h"
#include "jit/runtime/runtime.h"
#include "jit/runtime/spare.h"

namespace coluber::jit {
namespace {

// The key of a version: the mode in two bits, then these.
constexpr uint64_t kStrided = 4;
constexpr int kOperandBits = 8;               // from there a bit per operand: passed by value (map), contiguous (kernel)
constexpr int64_t kFewItems = 4096;           // of a parallel loop: less is not worth the threads

struct Call {
  UfuncLoop& loop;
  char** args;
  const Py_ssize_t* dims;
  const Py_ssize_t* steps;
  uint64_t key = 0;
  Specialization* spec = nullptr;
  uint64_t copied = 0;                        // a bit per input that each round gets a copy of, since an output lies there

  UfuncLoop::Mode mode() const { return static_cast<UfuncLoop::Mode>(key & 3); }
  bool marked(size_t operand) const { return key >> (kOperandBits + operand) & 1; }
};

// ---- which code -----------------------------------------------------------------------------------------------------------------------

struct Extent {
  const char *low, *high;
};
Extent extent(const char* data, Py_ssize_t n, Py_ssize_t step, int32_t size) {
  Py_ssize_t reach = (n - 1) * step;
  return {data + std::min<Py_ssize_t>(reach, 0), data + std::max<Py_ssize_t>(reach, 0) + size};
}

// Whether the rounds do not meet but item by item.
bool independent(const Call& call) {
  const auto& operands = call.loop.operands;
  size_t out = operands.size() - 1;
  Extent to = extent(call.args[out], call.dims[0], call.steps[out], operands[out].size);
  if (call.steps[out] == 0 && call.dims[0] > 1) return false;
  for (size_t k = 0; k < out; k++) {
    Extent from = extent(call.args[k], call.dims[0], call.steps[k], operands[k].size);
    bool apart = from.high <= to.low || to.high <= from.low;
    bool same = call.args[k] == call.args[out] && call.steps[k] == call.steps[out] && operands[k].size == operands[out].size;
    if (!apart && !same) return false;
  }
  return true;
}

uint64_t key_of_items(const Call& call) {
  const auto& operands = call.loop.operands;
  size_t out = operands.size() - 1;
  bool one = call.dims[0] == 1;
  if (!one && call.loop.makers[UfuncLoop::kFold] && call.args[0] == call.args[out] && call.steps[0] == 0 && call.steps[out] == 0) {
    return UfuncLoop::kFold | (call.steps[1] == operands[1].size ? 0 : kStrided);
  }
  if (!one && !independent(call)) return UfuncLoop::kWalk | kStrided;
  uint64_t key = UfuncLoop::kMap;
  bool strided = false;
  for (size_t k = 0; k < operands.size() && !one; k++) {
    if (call.steps[k] == 0) key |= uint64_t{1} << (kOperandBits + k);
    else strided = strided || call.steps[k] != operands[k].size;
  }
  return key | (strided ? kStrided : 0);
}

// Where an operand's core strides stand, and whether its core is contiguous in C order.
bool contiguous_core(const Operand& operand, const Py_ssize_t* dims, const Py_ssize_t* strides) {
  Py_ssize_t want = operand.size;
  for (size_t d = operand.core.size(); d-- > 0;) {
    Py_ssize_t n = dims[1 + operand.core[d]];
    if (n != 1 && strides[d] != want) return false;
    want *= n;
  }
  return true;
}

// All the memory of an operand of a kernel.
Extent extent_of_core(const Call& call, size_t k, const Py_ssize_t* strides) {
  const Operand& operand = call.loop.operands[k];
  Extent all = extent(call.args[k], call.dims[0], call.steps[k], operand.size);
  for (size_t d = 0; d < operand.core.size(); d++) {
    Py_ssize_t n = call.dims[1 + operand.core[d]];
    if (n == 0) return {all.low, all.low};
    Py_ssize_t reach = (n - 1) * strides[d];
    all.low += std::min<Py_ssize_t>(reach, 0);
    all.high += std::max<Py_ssize_t>(reach, 0);
  }
  return all;
}

// Sets call.copied, too. NumPy makes copies of inputs that overlap an output, but for those that are the output itself: right where a function
// goes from item to item, but a kernel may read what it has stored.
uint64_t key_of_kernel(Call* call) {
  const auto& operands = call->loop.operands;
  size_t nin = static_cast<size_t>(call->loop.nin), nops = operands.size();
  const Py_ssize_t* strides = call->steps + nops;
  Extent extents[kMostOperands];
  uint64_t key = UfuncLoop::kKernel;
  for (size_t k = 0; k < nops; k++) {
    if (contiguous_core(operands[k], call->dims, strides)) key |= uint64_t{1} << (kOperandBits + k);
    extents[k] = extent_of_core(*call, k, strides);
    strides += operands[k].core.size();
  }
  for (size_t k = 0; k < nin; k++) {
    if (!operands[k].readonly || operands[k].ndim == 0) continue;
    for (size_t out = nin; out < nops; out++) {
      if (extents[k].low < extents[out].high && extents[out].low < extents[k].high) call->copied |= uint64_t{1} << k;
    }
  }
  return key | call->copied << kOperandBits;  // copies are contiguous
}

std::string array_text(const Operand& operand, int ndim, char layout) {
  return "array(" + operand.item->text + "," + std::to_string(ndim) + "," + layout + (operand.readonly ? ",ro)" : ")");
}

std::vector<std::string> types_of(const Call& call) {
  const auto& operands = call.loop.operands;
  size_t out = operands.size() - 1;
  char layout = call.key & kStrided ? 'A' : 'C';
  if (call.mode() == UfuncLoop::kFold) return {array_text(operands[out], 1, 'C'), array_text(operands[1], 1, layout)};
  std::vector<std::string> types;
  if (call.mode() == UfuncLoop::kKernel) {
    for (size_t k = 0; k < operands.size(); k++)
      types.push_back(operands[k].ndim ? array_text(operands[k], operands[k].ndim, call.marked(k) ? 'C' : 'A') : operands[k].item->text);
    return types;
  }
  std::string inputs;
  for (size_t k = 0; k < out; k++) inputs += (k ? "," : "") + (call.marked(k) ? operands[k].item->text : array_text(operands[k], 1, layout));
  return {array_text(operands[out], 1, layout), "tuple(" + inputs + ")"};
}

// The code for this call, if it is there and nothing that it was made of has changed. No GIL needed.
Specialization* ready(const Call& call) {
  for (UfuncVersion* v = call.loop.versions.load(std::memory_order_acquire); v; v = v->next) {
    if (v->key != call.key) continue;
    Specialization* spec = v->spec.load(std::memory_order_acquire);
    return spec->guards.hold() ? spec : nullptr;
  }
  return nullptr;
}

// Makes it. GIL; null with a Python error.
Specialization* prepare(const Call& call) {
  UfuncLoop& loop = call.loop;
  Specialization* spec = get_specialization(loop.makers[call.mode()], types_of(call), "", nullptr);
  if (!spec) return nullptr;
  if (spec->return_type != "none") {
    PyErr_Format(PyExc_TypeError, "%s(): a function under guvectorize returns nothing, this one returns %s: it stores its results in its output arguments",
                 loop.name.c_str(), spec->return_type.c_str());
    return nullptr;
  }
  if (std::find(loop.pinned.begin(), loop.pinned.end(), spec) == loop.pinned.end()) {
    spec->entered++;
    loop.pinned.push_back(spec);
  }
  for (UfuncVersion* v = loop.versions.load(); v; v = v->next) {
    if (v->key != call.key) continue;
    v->spec.store(spec, std::memory_order_release);
    return spec;
  }
  loop.versions.store(new UfuncVersion{call.key, spec, loop.versions.load()}, std::memory_order_release);
  return spec;
}

// ---- passing operands -----------------------------------------------------------------------------------------------------------------

template <class T>
uint64_t bits_of(const char* at) {
  T value;
  memcpy(&value, at, sizeof value);
  if constexpr (std::is_signed_v<T>) return static_cast<uint64_t>(static_cast<int64_t>(value));
  return value;
}

uint64_t* pass_scalar(uint64_t* cell, const HostType* type, const char* at) {
  switch (type->kind) {
    case Kind::Int8: *cell = bits_of<int8_t>(at); break;
    case Kind::Int16: *cell = bits_of<int16_t>(at); break;
    case Kind::Int32: *cell = bits_of<int32_t>(at); break;
    case Kind::Bool: case Kind::UInt8: *cell = bits_of<uint8_t>(at); break;
    case Kind::UInt16: *cell = bits_of<uint16_t>(at); break;
    case Kind::UInt32: case Kind::Float32: *cell = bits_of<uint32_t>(at); break;
    case Kind::Complex64: *cell++ = bits_of<uint32_t>(at); *cell = bits_of<uint32_t>(at + 4); break;
    case Kind::Complex128: *cell++ = bits_of<uint64_t>(at); *cell = bits_of<uint64_t>(at + 8); break;
    default: *cell = bits_of<uint64_t>(at);
  }
  return cell + 1;
}

uint64_t* pass_items(uint64_t* cell, coluber_owner* owner, char* data, int64_t n, Py_ssize_t step, bool strided) {
  *cell++ = reinterpret_cast<uint64_t>(owner);
  *cell++ = reinterpret_cast<uint64_t>(data);
  *cell++ = static_cast<uint64_t>(n);
  if (strided) *cell++ = static_cast<uint64_t>(step);
  return cell;
}

// Rounds [start, start + n) of a loop over items: one call.
int32_t run_items(const Call& call, coluber_ctx* ctx, coluber_owner* owner, uint64_t* cells, int64_t start, int64_t n) {
  const auto& operands = call.loop.operands;
  size_t out = operands.size() - 1;
  bool strided = call.key & kStrided;
  uint64_t result[2];
  auto data = [&](size_t k) { return call.args[k] + start * call.steps[k]; };
  if (call.mode() == UfuncLoop::kFold) {
    uint64_t* next = pass_items(cells, owner, call.args[out], 1, 0, false);
    pass_items(next, owner, data(1), n, call.steps[1], strided);
    return call.spec->entry(ctx, cells, result);
  }
  uint64_t* next = pass_items(cells, owner, data(out), n, call.steps[out], strided);
  for (size_t k = 0; k < out; k++) {
    if (call.marked(k) && call.mode() == UfuncLoop::kMap) next = pass_scalar(next, operands[k].item, call.args[k]);
    else next = pass_items(next, owner, data(k), n, call.steps[k], strided);
  }
  return call.spec->entry(ctx, cells, result);
}

// An operand of a kernel, all but its data.
uint64_t* pass_core(const Call& call, size_t k, const Py_ssize_t* strides, coluber_owner* owner, uint64_t* cell) {
  const Operand& operand = call.loop.operands[k];
  *cell++ = reinterpret_cast<uint64_t>(owner);
  cell++;
  for (int32_t d : operand.core) *cell++ = static_cast<uint64_t>(call.dims[1 + d]);
  if (operand.core.empty()) *cell++ = 1;      // one item, as an array of one dimension
  if (call.marked(k)) return cell;
  for (size_t d = 0; d < operand.core.size(); d++) *cell++ = static_cast<uint64_t>(strides[d]);
  return cell;
}

// The core of an operand to contiguous memory; returns its end.
char* copy_core(char* to, const char* from, const Call& call, const Operand& operand, const Py_ssize_t* strides, size_t d) {
  if (d == operand.core.size()) return static_cast<char*>(memcpy(to, from, static_cast<size_t>(operand.size))) + operand.size;
  for (Py_ssize_t i = 0; i < call.dims[1 + operand.core[d]]; i++) to = copy_core(to, from + i * strides[d], call, operand, strides, d + 1);
  return to;
}

int64_t core_items(const Call& call, const Operand& operand) {
  int64_t items = 1;
  for (int32_t d : operand.core) items *= call.dims[1 + d];
  return items;
}

// Where a kernel finds its operands, of which each round moves the data.
struct Places {
  uint64_t* cell[kMostOperands];
  const Py_ssize_t* strides[kMostOperands];
  std::vector<char> copies[kMostOperands];   // std::vector's memory is aligned for any item

  Places(const Call& call, coluber_owner* owner, uint64_t* next) {
    const auto& operands = call.loop.operands;
    const Py_ssize_t* all = call.steps + operands.size();
    for (size_t k = 0; k < operands.size(); k++) {
      strides[k] = all;
      all += operands[k].core.size();
      cell[k] = operands[k].ndim ? next + 1 : next;
      next = operands[k].ndim ? pass_core(call, k, strides[k], owner, next) : next + operands[k].item->slots;
      if (call.copied >> k & 1) copies[k].resize(static_cast<size_t>(core_items(call, operands[k]) * operands[k].size) + 1);
    }
  }

  void fill(const Call& call, size_t k, int64_t round) {
    const Operand& operand = call.loop.operands[k];
    char* data = call.args[k] + round * call.steps[k];
    if (!operand.ndim) return void(pass_scalar(cell[k], operand.item, data));
    if (call.copied >> k & 1) {
      copy_core(copies[k].data(), data, call, operand, strides[k], 0);
      data = copies[k].data();
    }
    *cell[k] = reinterpret_cast<uint64_t>(data);
  }
};

// Rounds [start, start + n) of a generalised ufunc: a call each.
int32_t run_kernel(const Call& call, coluber_ctx* ctx, coluber_owner* owner, uint64_t* cells, int64_t start, int64_t n) {
  Places places(call, owner, cells);
  size_t nops = call.loop.operands.size();
  uint64_t result[2];
  for (int64_t i = start; i < start + n; i++) {
    for (size_t k = 0; k < nops; k++) places.fill(call, k, i);
    if (call.spec->entry(ctx, cells, result) || (*ctx->poll && coluber_poll(ctx))) return 1;
  }
  return 0;
}

int32_t run_rounds(const Call& call, coluber_ctx* ctx, int64_t start, int64_t n) {
  uint64_t few[128];
  std::vector<uint64_t> many;
  auto need = static_cast<size_t>(call.loop.cells());
  if (need > std::size(few)) many.resize(need);
  coluber_owner owner{};
  owner.count = COLUBER_BORROWED_COUNT;
  owner.kind = COLUBER_PYOBJECT;
  owner.object = Py_None;
  auto run = call.mode() == UfuncLoop::kKernel ? run_kernel : run_items;
  return run(call, ctx, &owner, many.empty() ? few : many.data(), start, n);
}

// ---- threads --------------------------------------------------------------------------------------------------------------------------

int32_t run_part(coluber_ctx* ctx, const uint64_t* cells, uint64_t*) {
  auto* call = reinterpret_cast<const Call*>(cells[2]);
  return run_rounds(*call, ctx, static_cast<int64_t>(cells[0]), static_cast<int64_t>(cells[1] - cells[0]));
}

// Items that a round is about.
int64_t round_size(const Call& call) {
  int64_t size = 1;
  if (call.mode() != UfuncLoop::kKernel) return size;
  for (const Operand& operand : call.loop.operands) size = std::max(size, core_items(call, operand));
  return size;
}

int32_t run(const Call& call, coluber_ctx* ctx) {
  bool apart = call.loop.parallel && (call.mode() == UfuncLoop::kMap || call.mode() == UfuncLoop::kKernel);
  if (!apart || call.dims[0] * round_size(call) < kFewItems) return run_rounds(call, ctx, 0, call.dims[0]);
  uint64_t cells[3] = {0, static_cast<uint64_t>(call.dims[0]), reinterpret_cast<uint64_t>(&call)};
  coluber_loop rounds{};
  rounds.body = run_part;
  rounds.ncells = 3;
  rounds.schedule = 1;                        // by measured time: a kernel's rounds may differ
  return coluber_parallel_for(ctx, &rounds, cells, 0, 0, 0);
}

// ---- NumPy's side ---------------------------------------------------------------------------------------------------------------------

void make_context(coluber_ctx* ctx, PyThreadState* thread, bool held) {
  if (held) return init_context(ctx, false);
  if (!t_info.stack_limit || t_info.tstate != thread) fill_thread_info(thread);
  *ctx = {};
  ctx->stack_limit = t_info.stack_limit;
  ctx->thread_state = thread;
  ctx->poll = nogil_poll_word(thread);
}

// NumPy goes on with other rounds behind one that has raised, and looks for the error in the end: the first one is it.
void raise(const Call& call, coluber_ctx* ctx) {
  GilScope gil;
  if (PyErr_Occurred()) release(ctx->error);
  else raise_from_context(call.spec, ctx);
}

// Code that computes more than is asked for, as vector loops do, must not set off NumPy's warnings.
class KeepFloatFlags {
 public:
  KeepFloatFlags() : before_(std::fetestexcept(kLookedAt)) {}
  ~KeepFloatFlags() {
    if (int more = std::fetestexcept(kLookedAt) & ~before_) std::feclearexcept(more);
  }
  KeepFloatFlags(const KeepFloatFlags&) = delete;

 private:
  static constexpr int kLookedAt = FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID;
  int before_;
};

}  // namespace

UfuncLoop::~UfuncLoop() {
  for (Specialization* spec : pinned) {
    spec->left++;
    if (spec->doomed && spec->left == spec->entered) delete spec;
  }
  for (UfuncVersion* v = versions.load(); v;) {
    UfuncVersion* next = v->next;
    delete v;
    v = next;
  }
  for (Dispatcher* maker : makers) Py_XDECREF(reinterpret_cast<PyObject*>(maker));
}

int32_t UfuncLoop::cells() const {
  size_t cells = 0;
  for (const Operand& operand : operands) cells += 4 + 2 * operand.core.size();
  return static_cast<int32_t>(cells);
}

void run_ufunc_loop(char** args, const Py_ssize_t* dims, const Py_ssize_t* steps, void* data) {
  Call call{*static_cast<UfuncLoop*>(data), args, dims, steps};
  if (dims[0] <= 0) return;
  bool held = PyGILState_Check();
  PyThreadState* thread = PyGILState_GetThisThreadState();
  if (error_pending(thread)) return;
  call.key = call.loop.makers[UfuncLoop::kKernel] ? key_of_kernel(&call) : key_of_items(call);
  call.spec = ready(call);
  if (!call.spec) [[unlikely]] {
    GilScope gil;
    call.spec = prepare(call);
    if (!call.spec) return;
  }
  KeepFloatFlags keep;
  coluber_ctx ctx;
  make_context(&ctx, thread, held);
  if (run(call, &ctx)) raise(call, &ctx);
  if (has_spares()) [[unlikely]] trim_spares();
}

}  // namespace coluber::jit
