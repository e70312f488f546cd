// The disk cache, as the host uses it: asked before the engine is, told after it has compiled.
#pragma once
#include "jit/host/dispatcher.h"
#include "jit/host/snapshot.h"

namespace coluber::jit {

struct CacheTicket {
  bool usable = false;                        // the function may be cached
  Digest key;
  std::shared_ptr<void> expected;             // COLUBER_CACHE=check: the entry (jit/cache) that the new object must equal
};

// What is compiled of a function: all of it; in object mode (or a part of it, regions.h); a loop with the types of the moment.
enum class Form { Function, Objects, Loop };

// A specialisation out of the cache, or null: compile (no Python error), or an error: also that which a compilation gave before.
Specialization* cache_lookup(Dispatcher* self, Snapshot& snapshot, const clb_request& request, CacheTicket* ticket, Form form);
// A compilation has ended with the pending error.
void cache_store_refusal(Dispatcher* self, Snapshot& snapshot, const clb_request& request, CacheTicket* ticket);
void cache_store(Dispatcher* self, Snapshot& snapshot, const clb_request& request, const clb_result& result, CacheTicket* ticket);

void leave_table(void** table);             // a specialisation out of the cache goes

// What the process says of the cache: {reason text: count}, directory, ...
PyObject* cache_summary();

// Completes a specialisation (compile.cc).
bool finish_specialization(Dispatcher* self, Specialization* spec, const std::vector<std::string>& types, const std::string& return_type);
// Likewise, of object mode, where there is nothing to unbox, and of lifted loops, whose results lift.cc boxes.
bool finish_part(Specialization* spec, Form form, const std::vector<std::string>& types, const std::string& return_type);
// The cache's part of a function's exceptions: lines move when code above it is edited, the machine code stays.
struct LineShift {
  std::string file;                           // as in the machine code
  int32_t first = 0;                          // first line of the function there
  int32_t delta = 0;                          // how far it has moved since
  std::string now;                            // the file's name in this process
};

}  // namespace coluber::jit
