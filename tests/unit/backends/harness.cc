// The fake runtime: as little as the compiled code needs, written down in a log.
#include "tests/unit/backends/harness.h"

#include <dlfcn.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

namespace coluber::backend {

RuntimeLog& runtime_log() {
  static RuntimeLog log;
  return log;
}

namespace {

void note(std::string event) { runtime_log().events.push_back(std::move(event)); }

// Any non-null pointer will do as the pending exception.
coluber_exc* pending() {
  static coluber_exc exc{};
  return &exc;
}

void* rt_alloc(coluber_ctx* ctx, int64_t bytes, int64_t zeroed) {
  if (runtime_log().fail_allocations) {
    ctx->error = pending();
    return nullptr;
  }
  ++runtime_log().allocations;
  auto* owner = static_cast<coluber_owner*>(std::aligned_alloc(64, (sizeof(coluber_owner) + bytes + 63) / 64 * 64));
  *owner = coluber_owner{1, COLUBER_MEMORY, 0, nullptr, bytes, {}};
  std::memset(owner + 1, zeroed ? 0 : 0xab, bytes);
  return owner;
}

void rt_drop(void* owner) {
  auto* head = static_cast<coluber_owner*>(owner);
  EXPECT_EQ(head->count, 0);
  ++runtime_log().drops;
  if (head->kind == COLUBER_LIST) std::free(static_cast<coluber_list*>(owner)->data);
  if (head->kind == COLUBER_LIST || head->kind == COLUBER_MEMORY) std::free(owner);
}

void* rt_list_new(coluber_ctx*, int64_t capacity, int64_t item) {
  ++runtime_log().allocations;
  auto* list = static_cast<coluber_list*>(std::calloc(1, sizeof(coluber_list)));
  list->head = coluber_owner{1, COLUBER_LIST, 0, nullptr, 0, {}};
  list->capacity = capacity;
  list->item_size = item;
  list->data = std::malloc(capacity * item + 1);
  return list;
}

int32_t rt_list_grow(coluber_ctx*, coluber_list* list, int64_t wanted) {
  int64_t capacity = std::max<int64_t>(wanted, 2 * list->capacity);
  list->data = std::realloc(list->data, capacity * list->item_size);
  list->capacity = capacity;
  note("grow");
  return 0;
}

void rt_raise_diag(coluber_ctx* ctx, int64_t id, const int64_t* values, int64_t n) {
  std::string text = "raise_diag " + std::to_string(id) + " [";
  for (int64_t k = 0; k < n; ++k) text += (k ? ", " : "") + std::to_string(values[k]);
  note(text + "]");
  ctx->error = pending();
}

void rt_raise(coluber_ctx* ctx, void* cls, const coluber_value* values, int64_t n) {
  note("raise " + std::to_string(reinterpret_cast<uintptr_t>(cls)));
  runtime_log().raised.assign(values, values + n);
  ctx->error = pending();
}

void rt_raise_exc(coluber_ctx* ctx, void* exc) { ctx->error = static_cast<coluber_exc*>(exc); }

void* rt_exc_new(coluber_ctx*, void* cls, const coluber_value*, int64_t) {
  note("exc_new " + std::to_string(reinterpret_cast<uintptr_t>(cls)));
  return pending();
}

void* rt_exc_catch(coluber_ctx* ctx) {
  void* e = ctx->error;
  ctx->error = nullptr;
  note("catch");
  return e;
}

int64_t rt_exc_match(void*, void* cls) { return reinterpret_cast<uintptr_t>(cls) == 7; }  // class 7 is the one that matches

void rt_traceback(coluber_ctx*, const int32_t* rows, const char* text, int64_t row) {
  for (; row >= 0; row = rows[5 * row + 4]) {
    const int32_t* field = rows + 5 * row;
    runtime_log().frames.push_back(std::string(text + field[0]) + " " + (text + field[1]) + ":" + std::to_string(field[2]) + ":" + std::to_string(field[3]));
  }
}

int32_t rt_poll(coluber_ctx* ctx) {
  note("poll");
  if (runtime_log().fail_poll) ctx->error = pending();
  return runtime_log().fail_poll;
}

int32_t rt_format(coluber_ctx*, const coluber_value* values, const int64_t* conversions, int64_t n, void** out) {
  note("format " + std::to_string(n) + " " + std::to_string(values[0].v.i) + " " + std::to_string(conversions[0]));
  static char text[] = "formatted";
  out[0] = text;
  out[1] = reinterpret_cast<void*>(9);
  out[2] = nullptr;
  return 0;
}

void rt_stack_overflow(coluber_ctx* ctx) {
  note("stack_overflow");
  ctx->error = pending();
}

int64_t rt_fpe_test() { return 5; }

void foreign_loop(char** args, const int64_t* dims, const int64_t* steps, void*) {  // doubles: out = 2 * in
  for (int64_t k = 0; k < dims[0]; ++k)
    *reinterpret_cast<double*>(args[1] + k * steps[1]) = 2 * *reinterpret_cast<double*>(args[0] + k * steps[0]);
}
double foreign_scale(double x, int32_t n, bool negate) { return (negate ? -x : x) * n; }

}  // namespace

// A function of glibc's or SLEEF's vector library.
static void* vector_import(const std::string& name) {
  static void* glibc = dlopen("libmvec.so.1", RTLD_NOW | RTLD_LOCAL);
  static void* sleef = dlopen(COLUBER_BINARY_DIR "/engine/libcoluber_sleef.so", RTLD_NOW | RTLD_LOCAL);
  void* function = dlsym(name.rfind("_ZGV", 0) == 0 ? glibc : sleef, name.c_str());
  EXPECT_NE(function, nullptr) << name;
  return function;
}

void* test_import(const std::string& key) {
  if (key.rfind("vec:", 0) == 0) return vector_import(key.substr(4));
  static const std::map<std::string, void*> table = {
      {"rt:coluber_alloc", reinterpret_cast<void*>(rt_alloc)},
      {"rt:coluber_drop", reinterpret_cast<void*>(rt_drop)},
      {"rt:coluber_list_new", reinterpret_cast<void*>(rt_list_new)},
      {"rt:coluber_list_grow", reinterpret_cast<void*>(rt_list_grow)},
      {"rt:coluber_raise_diag", reinterpret_cast<void*>(rt_raise_diag)},
      {"rt:coluber_raise", reinterpret_cast<void*>(rt_raise)},
      {"rt:coluber_raise_exc", reinterpret_cast<void*>(rt_raise_exc)},
      {"rt:coluber_exc_new", reinterpret_cast<void*>(rt_exc_new)},
      {"rt:coluber_exc_catch", reinterpret_cast<void*>(rt_exc_catch)},
      {"rt:coluber_exc_match", reinterpret_cast<void*>(rt_exc_match)},
      {"rt:coluber_traceback", reinterpret_cast<void*>(rt_traceback)},
      {"rt:coluber_poll", reinterpret_cast<void*>(rt_poll)},
      {"rt:coluber_format", reinterpret_cast<void*>(rt_format)},
      {"rt:coluber_stack_overflow", reinterpret_cast<void*>(rt_stack_overflow)},
      {"rt:coluber_fpe_test", reinterpret_cast<void*>(rt_fpe_test)},
      {"loop:1:0:fn", reinterpret_cast<void*>(foreign_loop)},
      {"addr:1", reinterpret_cast<void*>(foreign_scale)},
  };
  if (key.rfind("obj:", 0) == 0) return reinterpret_cast<void*>(std::stoul(key.substr(4)));
  auto it = table.find(key);
  EXPECT_NE(it, table.end()) << "unknown import " << key;
  return it == table.end() ? nullptr : it->second;
}

void fill_imports(const CompiledObject& object) {
  for (size_t k = 0; k < object.import_keys.size(); ++k) object.imports[k] = test_import(object.import_keys[k]);
}

Compiled::Compiled(const std::string& text, Options options) {
  runtime_log() = RuntimeLog{};
  options.verify = true;
  std::string error;
  auto program = ir::parse_program(text, &error);
  EXPECT_TRUE(program) << error << "\n" << text;
  if (!program) return;
  std::string wrong;
  for (const auto& fn : program->functions) wrong += ir::verify(*fn, program.get());
  EXPECT_EQ(wrong, "") << text;
  object_ = compile_program(*program, options);
  EXPECT_EQ(object_.error, "") << text;
  if (!object_.error.empty()) return;
  fill_imports(object_);
  ctx.poll = &poll_word;
}

int Compiled::call(std::vector<uint64_t> cells) {
  if (!object_.entry) return -1;
  cells.push_back(0);  // so that data() is never null
  ctx.error = nullptr;
  std::memset(result, 0xcd, sizeof result);
  return object_.entry(&ctx, cells.data(), result);
}

std::string function_text(const std::string& params, const std::string& result, const std::string& ops) {
  return "func @f(" + params + ") -> " + result + " exported {\n^0(" + params + "):\n" + ops + "\n}\n";
}

bool same_bits(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

}  // namespace coluber::backend
