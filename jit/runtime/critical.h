// Locks of critical sections, as Python and parallel loops see them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace coluber::jit {

uint64_t critical_key(const char* name, size_t length);
bool enter_critical(const char* name, size_t length);     // with the GIL, which it gives back while it waits; false: with a Python error
bool exit_critical(const char* name, size_t length);      // false: this thread has not entered it

const void* critical_held();               // what this thread took last; null: nothing
uint64_t critical_held_key();              // its key, 0: nothing
void critical_end(const void* call);       // what compiled code took in this call (its ctx), which has failed: Ctrl-C leaves loops on no way of theirs
void critical_leave(const void* outer);    // gives back what it took since it had `outer`

}  // namespace coluber::jit
