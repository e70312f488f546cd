// An engine without a compiler, for the tests of the host: it answers clb_compile with functions written by hand, chosen by the name of
// the Python function. tests/host/conftest.py builds it and points COLUBER_ENGINE at it.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "jit/engine_api.h"
#include "jit/runtime/abi.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// Imports, one table for all functions here: filled in by the host at each compilation, always with the same addresses.
const char* const kKeys[] = {"rt:coluber_alloc", "rt:coluber_raise", "rt:coluber_raise_diag", "rt:coluber_traceback", "rt:coluber_poll",
                             "rt:coluber_list_new", "rt:coluber_list_grow", "rt:coluber_format", "rt:coluber_print", "sort:float64:quick", "rt:coluber_sort"};
constexpr int kKeyCount = sizeof(kKeys) / sizeof(kKeys[0]);
void* g_imports[kKeyCount + 1];              // the last one: obj:HANDLE of ValueError

auto alloc() { return reinterpret_cast<coluber_owner* (*)(coluber_ctx*, int64_t, int64_t)>(g_imports[0]); }
auto raise_new() { return reinterpret_cast<void (*)(coluber_ctx*, void*, const coluber_value*, int64_t)>(g_imports[1]); }
auto raise_diag() { return reinterpret_cast<void (*)(coluber_ctx*, int64_t, const int64_t*, int64_t)>(g_imports[2]); }
auto traceback() { return reinterpret_cast<void (*)(coluber_ctx*, const int32_t*, const char*, int64_t)>(g_imports[3]); }
auto poll() { return reinterpret_cast<int32_t (*)(coluber_ctx*)>(g_imports[4]); }
auto list_new() { return reinterpret_cast<coluber_list* (*)(coluber_ctx*, int64_t, int64_t)>(g_imports[5]); }
auto list_grow() { return reinterpret_cast<int32_t (*)(coluber_ctx*, coluber_list*, int64_t)>(g_imports[6]); }
auto format() { return reinterpret_cast<int32_t (*)(coluber_ctx*, const coluber_value*, const int64_t*, int64_t, int64_t*)>(g_imports[7]); }
auto print() { return reinterpret_cast<int32_t (*)(coluber_ctx*, const coluber_value*, const int64_t*, int64_t)>(g_imports[8]); }
auto sort() { return reinterpret_cast<int32_t (*)(coluber_ctx*, void*, void*, int64_t)>(g_imports[10]); }

enum RuntimeRow {
#define RUNTIME(Id, exception, message) k##Id,
#include "ir/diag.def"
};

double as_double(uint64_t bits) {
  double d;
  memcpy(&d, &bits, 8);
  return d;
}
uint64_t as_bits(double d) {
  uint64_t bits;
  memcpy(&bits, &d, 8);
  return bits;
}

// ---- the functions --------------------------------------------------------------------------------------------------------------------

int32_t add_float(coluber_ctx*, const uint64_t* a, uint64_t* r) { return *r = as_bits(as_double(a[0]) + as_double(a[1])), 0; }
int32_t add_int(coluber_ctx*, const uint64_t* a, uint64_t* r) { return *r = a[0] + a[1], 0; }
int32_t nothing(coluber_ctx*, const uint64_t*, uint64_t*) { return 0; }

template <int N>
int32_t echo(coluber_ctx*, const uint64_t* a, uint64_t* r) {
  for (int i = 0; i < N; i++) r[i] = a[i];
  return 0;
}
constexpr coluber_entry kEcho[] = {echo<0>, echo<1>, echo<2>, echo<3>, echo<4>, echo<5>, echo<6>, echo<7>, echo<8>, echo<9>, echo<10>};
int32_t echo_list(coluber_ctx*, const uint64_t* a, uint64_t* r) {
  reinterpret_cast<coluber_list*>(a[0])->head.count++;
  return *r = a[0], 0;
}

int32_t array_sum(coluber_ctx*, const uint64_t* a, uint64_t* r) {
  auto* data = reinterpret_cast<const double*>(a[1]);
  double sum = 0;
  for (uint64_t i = 0; i < a[2]; i++) sum += data[i];
  return *r = as_bits(sum), 0;
}

int32_t tail(coluber_ctx*, const uint64_t* a, uint64_t* r) {   // a[1:], of an argument
  return r[0] = a[0], r[1] = a[1] + 8, r[2] = a[2] - 1, 0;
}

int32_t new_array(coluber_ctx* ctx, const uint64_t* a, uint64_t* r) {   // arange(n) * 1.0
  coluber_owner* owner = alloc()(ctx, static_cast<int64_t>(a[0]) * 8, 0);
  if (!owner) return 1;
  auto* data = reinterpret_cast<double*>(owner + 1);
  for (uint64_t i = 0; i < a[0]; i++) data[i] = static_cast<double>(i);
  return r[0] = reinterpret_cast<uint64_t>(owner), r[1] = reinterpret_cast<uint64_t>(data), r[2] = a[0], 0;
}
int32_t new_tail(coluber_ctx* ctx, const uint64_t* a, uint64_t* r) {
  if (new_array(ctx, a, r)) return 1;
  return r[1] += 8, r[2] -= 1, 0;
}
int32_t new_twice(coluber_ctx* ctx, const uint64_t* a, uint64_t* r) {   // (x, x, x[1:])
  if (new_array(ctx, a, r)) return 1;
  reinterpret_cast<coluber_owner*>(r[0])->count += 2;
  for (int i = 0; i < 3; i++) r[3 + i] = r[6 + i] = r[i];
  return r[7] += 8, r[8] -= 1, 0;
}
int32_t new_empty(coluber_ctx* ctx, const uint64_t* a, uint64_t* r) {
  coluber_owner* owner = alloc()(ctx, static_cast<int64_t>(a[0]) * 8, 0);
  if (!owner) return 1;
  return r[0] = reinterpret_cast<uint64_t>(owner), r[1] = reinterpret_cast<uint64_t>(owner + 1), r[2] = a[0], 0;
}

int32_t raise_value(coluber_ctx* ctx, const uint64_t* a, uint64_t*) {
  coluber_value args[2] = {};
  args[0].tag = COLUBER_TAG_STR;
  args[0].v.s = {"bad value", 9};
  args[1].tag = COLUBER_TAG_INT;
  args[1].v.i = static_cast<int64_t>(a[0]);
  raise_new()(ctx, g_imports[kKeyCount], args, 2);
  static const char text[] = "inner\0inner_file.py\0raise_value\0outer_file.py";
  static const int32_t rows[] = {0, 6, 7, 4, 1, 20, 32, 11, -1, -1};
  traceback()(ctx, rows, text, 0);
  return 1;
}
int32_t raise_index(coluber_ctx* ctx, const uint64_t* a, uint64_t*) {
  int64_t values[] = {static_cast<int64_t>(a[0]), 5, 0};
  const int64_t text_order[] = {values[0], values[1], values[2]};
  raise_diag()(ctx, kIndexArray, text_order, 3);
  return 1;
}
int32_t leak_free_raise(coluber_ctx* ctx, const uint64_t* a, uint64_t* r) { return raise_value(ctx, a, r); }

int32_t forever(coluber_ctx* ctx, const uint64_t*, uint64_t* r) {
  for (uint64_t n = 0;; n++) {
    if (*ctx->poll && poll()(ctx)) return 1;
    if (n > 60ull * 1000 * 1000 * 1000) return *r = n, 0;
  }
}

// Appends the list's length to it, and doubles its first item.
int32_t push(coluber_ctx* ctx, const uint64_t* a, uint64_t*) {
  auto* list = reinterpret_cast<coluber_list*>(a[0]);
  if (list->length == list->capacity && list_grow()(ctx, list, list->length + 1)) return 1;
  auto* items = static_cast<int64_t*>(list->data);
  items[list->length] = list->length;
  list->length++;
  items[0] *= 2;
  list->changed = 1;
  return 0;
}
int32_t push_then_raise(coluber_ctx* ctx, const uint64_t* a, uint64_t* r) {
  push(ctx, a, r);
  uint64_t seven = 7;
  return raise_value(ctx, &seven, r);
}
int32_t new_list(coluber_ctx* ctx, const uint64_t* a, uint64_t* r) {
  coluber_list* list = list_new()(ctx, static_cast<int64_t>(a[0]), 8);
  if (!list) return 1;
  for (uint64_t i = 0; i < a[0]; i++) static_cast<int64_t*>(list->data)[i] = static_cast<int64_t>(i * i);
  list->length = static_cast<int64_t>(a[0]);
  return *r = reinterpret_cast<uint64_t>(list), 0;
}

int32_t format_float(coluber_ctx* ctx, const uint64_t* a, uint64_t* r) {   // f"<{x}>"
  coluber_value parts[3] = {};
  parts[0].tag = parts[2].tag = COLUBER_TAG_STR;
  parts[0].v.s = {"<", 1};
  parts[2].v.s = {">", 1};
  parts[1].tag = COLUBER_TAG_FLOAT;
  parts[1].v.f = as_double(a[0]);
  int64_t conversions[3] = {};
  return format()(ctx, parts, conversions, 3, reinterpret_cast<int64_t*>(r));
}
int32_t print_float(coluber_ctx* ctx, const uint64_t* a, uint64_t*) {      // print("x =", x, sep="|", end=".\n")
  coluber_value parts[4] = {};
  parts[0].tag = parts[2].tag = parts[3].tag = COLUBER_TAG_STR;
  parts[0].v.s = {"x =", 3};
  parts[2].v.s = {"|", 1};
  parts[3].v.s = {".\n", 2};
  parts[1].tag = COLUBER_TAG_FLOAT;
  parts[1].v.f = as_double(a[0]);
  int64_t options[2] = {2, 3};
  return print()(ctx, parts, options, 4);
}
int32_t sort_array(coluber_ctx* ctx, const uint64_t* a, uint64_t*) {
  return sort()(ctx, g_imports[9], reinterpret_cast<void*>(a[1]), static_cast<int64_t>(a[2]));
}
int32_t stack_left(coluber_ctx* ctx, const uint64_t*, uint64_t* r) {
  return *r = static_cast<uint64_t>(static_cast<char*>(__builtin_frame_address(0)) - ctx->stack_limit), 0;
}

// Constants read from Python at compile time: a pool, since these functions carry no data of their own.
int64_t g_constants[64];
std::atomic<int> g_used{0};
template <int I>
int32_t constant(coluber_ctx*, const uint64_t*, uint64_t* r) { return *r = static_cast<uint64_t>(g_constants[I]), 0; }
template <int... I>
coluber_entry pick(int i, std::integer_sequence<int, I...>) {
  static const coluber_entry all[] = {constant<I>...};
  return all[i];
}

struct Row {
  const char* name;
  coluber_entry entry;
  const char* result;
};
const Row kRows[] = {{"nothing", nothing, "none"}, {"array_sum", array_sum, "pyfloat"}, {"tail", tail, "array(float64,1,C)"},
                     {"new_array", new_array, "array(float64,1,C)"}, {"new_tail", new_tail, "array(float64,1,C)"}, {"new_empty", new_empty, "array(float64,1,C)"},
                     {"new_twice", new_twice, "tuple(array(float64,1,C),array(float64,1,C),array(float64,1,C))"},
                     {"raise_value", raise_value, "none"}, {"raise_index", raise_index, "none"}, {"forever", forever, "pyint"},
                     {"forever_nogil", forever, "pyint"}, {"push", push, "none"}, {"push_then_raise", push_then_raise, "none"},
                     {"new_list", new_list, "list(pyint)"}, {"format_float", format_float, "str"}, {"print_float", print_float, "none"},
                     {"sort_array", sort_array, "none"}, {"stack_left", stack_left, "pyint"}, {"echo_list", echo_list, nullptr}};

std::atomic<int> g_compiled{0};

}  // namespace

struct clb_session {
  const clb_host* host;
  std::deque<clb_result> results;
  std::deque<std::string> texts;
  std::vector<const char*> keys;
  clb_const constant{};
  clb_span span{};
};

namespace {

const clb_result* fail(clb_session* s, const clb_code* code, const char* id, const std::string& message) {
  clb_result r{};
  r.status = 1;
  s->texts.push_back(message);
  s->span = {code ? code->filename : "?", code ? code->name : "?", code ? code->firstlineno + 1 : 0, 4, code ? code->firstlineno + 1 : 0, 12, "here"};
  r.diag = {id, "TypingError", s->texts.back().c_str(), "do something else", &s->span, 1};
  s->results.push_back(r);
  return &s->results.back();
}

int slots_of(const std::string& t) {          // enough for what the tests echo
  if (t.starts_with("array(")) return 2 + 2 * (t[t.find(',') + 1] - '0') - (t.find(",A") == std::string::npos ? t[t.find(',') + 1] - '0' : 0) + (t.find(",S") != std::string::npos ? t[t.find(',') + 1] - '0' - 1 : 0);
  if (t == "none" || t.starts_with("obj#") || t.starts_with("dtype(") || t == "ellipsis") return 0;
  if (t.starts_with("complex") || t == "pycomplex") return 2;
  if (t == "str" || t == "range") return 3;
  if (t.starts_with("optional(")) return 1 + slots_of(t.substr(9, t.size() - 10));
  if (t.starts_with("tuple(") || t.starts_with("namedtuple#") || t.starts_with("slice(")) {   // of scalars only
    int n = 0;
    std::string item;
    for (size_t i = t.find('(') + 1; i < t.size(); i++) {
      if (t[i] == ':') item.clear();
      else if (t[i] == ',' || t[i] == ')') n += slots_of(item), item.clear();
      else item += t[i];
    }
    return n;
  }
  return t.empty() ? 0 : 1;
}

// Which entry for this function and these types; the result's type in *type.
coluber_entry choose(clb_session* s, const clb_request* q, const std::string& name, std::string* type) {
  for (const Row& row : kRows) {
    if (name != row.name) continue;
    *type = row.result ? row.result : q->arg_types[0];
    return row.entry;
  }
  if (name.starts_with("add")) {   // of two values of one family
    std::string a = q->arg_types[0], b = q->arg_types[1];
    bool ints = a.find("int") != std::string::npos && b.find("int") != std::string::npos;
    *type = ints ? "pyint" : "pyfloat";
    return ints ? add_int : add_float;
  }
  if (name.starts_with("echo")) {
    *type = q->arg_types[0];
    if (q->arg_consts[0].kind >= 0) s->constant = q->arg_consts[0];
    return kEcho[slots_of(*type)];
  }
  if (name.starts_with("first")) {            // the first of many arguments
    *type = q->arg_types[0];
    return type->starts_with("list(") ? echo_list : kEcho[slots_of(*type)];
  }
  if (name.starts_with("constant")) {         // the global K (or the first cell) as read now
    if (name.ends_with("slow")) usleep(200000);
    clb_const value{};
    int found = name.find("cell") != std::string::npos ? s->host->cell(s->host->self, q->function, 0, &value) : s->host->global(s->host->self, q->function, "K", &value);
    int i = g_used++ % 64;
    g_constants[i] = found == 0 ? value.i : -1;
    *type = "pyint";
    return pick(i, std::make_integer_sequence<int, 64>());
  }
  return nullptr;
}

}  // namespace

EXPORT int clb_api_version(void) { return CLB_API_VERSION; }
EXPORT const char* clb_build_id(void) { return "fake"; }
EXPORT const char* clb_cpu(void) { return "none"; }
EXPORT int fake_compiled(void) { return g_compiled; }
EXPORT clb_session* clb_session_new(const clb_host* host) { return new clb_session{host}; }
EXPORT void clb_session_free(clb_session* s) { delete s; }
EXPORT void clb_release(void*) {}
EXPORT const char* clb_dump(clb_session*, const char* stage) { return strcmp(stage, "llvm") == 0 ? "; fake llvm" : "fake text"; }

EXPORT const clb_result* clb_compile(clb_session* s, const clb_request* q) {
  g_compiled++;
  const clb_function* f = nullptr;
  if (s->host->function(s->host->self, q->function, &f) != 0) return fail(s, nullptr, "InternalError", "no function");
  clb_result r{};
  std::string type;
  r.entry = reinterpret_cast<void*>(choose(s, q, f->code->name, &type));
  if (!r.entry) return fail(s, f->code, "NoSuchThing", std::string("there is no fake of ") + f->code->name);
  s->keys.assign(kKeys, kKeys + kKeyCount);
  if (strcmp(f->code->name, "sort_array") != 0) s->keys[9] = kKeys[10];   // only then is NumPy loaded for it
  clb_const cls{};
  if (s->host->global(s->host->self, q->function, "ValueError", &cls) == 0) {
    s->texts.push_back("obj:" + std::to_string(cls.handle));
    s->keys.push_back(s->texts.back().c_str());
  }
  s->texts.push_back(q->return_type ? q->return_type : type);
  r.return_type = s->texts.back().c_str();
  r.return_const = s->constant.kind ? &s->constant : nullptr;
  r.imports = g_imports;
  r.import_keys = s->keys.data();
  r.nimports = static_cast<int32_t>(s->keys.size());
  s->results.push_back(r);
  return &s->results.back();
}
