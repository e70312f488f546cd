// The runtime's own interface to the rest of the extension. The functions compiled code may call are the rows of symbols.def; each is
// declared here from its row, and symbols.cc makes the table of their addresses.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "jit/runtime/abi.h"

struct _object;

extern "C" {
coluber_owner* coluber_alloc(coluber_ctx* ctx, int64_t bytes, int64_t zeroed);
void coluber_drop(coluber_owner* owner);
coluber_list* coluber_list_new(coluber_ctx* ctx, int64_t capacity, int64_t item_size);
int32_t coluber_list_grow(coluber_ctx* ctx, coluber_list* list, int64_t capacity);
void coluber_raise(coluber_ctx* ctx, void* cls, const coluber_value* args, int64_t n);
void coluber_raise_diag(coluber_ctx* ctx, int64_t id, const int64_t* values, int64_t n);
void coluber_raise_exc(coluber_ctx* ctx, coluber_exc* exc);
coluber_exc* coluber_exc_new(coluber_ctx* ctx, void* cls, const coluber_value* args, int64_t n);
coluber_exc* coluber_exc_catch(coluber_ctx* ctx);
int64_t coluber_exc_match(coluber_exc* exc, void* cls);
void coluber_exc_cause(coluber_exc* exc, coluber_exc* cause);
void coluber_traceback(coluber_ctx* ctx, const int32_t* rows, const char* text, int64_t row);
int32_t coluber_poll(coluber_ctx* ctx);
int32_t coluber_format(coluber_ctx* ctx, const coluber_value* values, const int64_t* conversions, int64_t n, int64_t* out);
int32_t coluber_print(coluber_ctx* ctx, const coluber_value* values, const int64_t* options, int64_t n);
void coluber_stack_overflow(coluber_ctx* ctx);
void coluber_fpe_clear();
int64_t coluber_fpe_test();
int32_t coluber_check_python_error(coluber_ctx* ctx);
void coluber_fold(void* function, void* loop_data, void* acc, void* items, int64_t n, int64_t step);
void coluber_fold_begin(void* state, void* function, void* loop_data, void* acc, int64_t n, int64_t item, int64_t how);
int64_t coluber_fold_next(void* state, void* items);
int32_t coluber_fold_shared(coluber_ctx* ctx, void* function, void* loop_data, void* acc, void* items, int64_t n, int64_t step, int64_t item, int64_t how);
double coluber_int_quotient(int64_t a, int64_t b);
int64_t coluber_reciprocal(int64_t d);
int32_t coluber_box(coluber_ctx* ctx, void* type, void* slots, void* out);   // by the host
int32_t coluber_objmode(coluber_ctx* ctx, void* site, void* cells, void* results);   // by the host
void coluber_object_retain(void* object);
void coluber_object_release(void* object);
int64_t coluber_place(void* function, void* items, int64_t n);
int32_t coluber_sort(coluber_ctx* ctx, void* function, void* data, int64_t n);
int32_t coluber_parallel_for(coluber_ctx* ctx, const coluber_loop* loop, uint64_t* cells, int64_t items, int64_t chunk, int64_t threads);
int64_t coluber_num_threads();
void coluber_set_num_threads(int64_t count);
int64_t coluber_thread_number();
int64_t coluber_chunk_size();
void coluber_set_chunk_size(int64_t count);
int32_t coluber_critical_enter(coluber_ctx* ctx, int64_t key);
void coluber_critical_exit(int64_t key);
void coluber_race_round(int64_t round);
int32_t coluber_race_access(coluber_ctx* ctx, const void* memory, int64_t bytes, int64_t store, const char* place);
int32_t coluber_argsort(coluber_ctx* ctx, void* function, void* data, int64_t* out, int64_t n);
}

namespace coluber::jit {

struct RuntimeStats {
  int64_t live_blocks, live_bytes, total_blocks;   // memory, lists and exceptions not yet dropped
};
RuntimeStats runtime_stats();
void count_block(int64_t blocks, int64_t bytes);   // for kinds of blocks that are allocated elsewhere in the runtime

void drop_outside(coluber_owner* owner);       // as coluber_drop, by the host
inline void release(void* owner) {
  auto* o = static_cast<coluber_owner*>(owner);
  if (o && __atomic_sub_fetch(&o->count, 1, __ATOMIC_ACQ_REL) == 0) drop_outside(o);
}

// Memory with a header, not tied to a call; null when there is none left.
coluber_owner* new_owner(int64_t bytes, bool zeroed, int32_t kind);
// An owner of a reference to a Python object (GIL held), for memory that the object keeps; null when there is no memory.
coluber_owner* own_object(_object* object);
coluber_owner* resize_owner(coluber_owner* owner, int64_t bytes);   // for ndarray.resize; keeps the old block on failure

// An entry of symbols.def by name; null: unknown.
void* find_symbol(std::string_view name);

// The pending Python error becomes ctx->error (GIL held). Returns 1.
int32_t raise_python_error(coluber_ctx* ctx);
// An exception of a builtin class with a message. `cls` is borrowed (a builtin class lives for ever).
void raise_message(coluber_ctx* ctx, void* cls, std::string_view message);

// Text as Python's repr gives it.
std::string float_text(double v);
std::string complex_text(double re, double im);
// The exception object for a native one, without traceback. New reference, or null with a Python error; GIL held.
_object* box_exception(coluber_exc* exc);
// The exception of ctx, taken out of it, with its traceback so far; by the host. New reference, or null with a Python error; GIL held.
_object* take_with_traceback(coluber_ctx* ctx);
_object* box_value(const coluber_value& v);        // new reference, or null with a Python error; GIL held

// Makes what coluber_poll needs; false with a Python error. Before the first call of compiled code: a poll comes when a signal is pending, and
// no Python code can run then without meeting it.
bool prepare_poll();

// How far down the running thread's stack may go; by the host. Not cheap: the result is kept by who asks.
char* thread_stack_limit();

// Takes the GIL for a scope, whether or not this thread has it.
class GilScope {
 public:
  GilScope();
  ~GilScope();
  GilScope(const GilScope&) = delete;

 private:
  int state_;
};

}  // namespace coluber::jit
