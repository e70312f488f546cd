// Locks of critical sections, as Python and parallel loops see them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace coluber::jit {

uint64_t critical_key(const char* name, size_t length);
bool enter_critical(const char* name, size_t length);     // with the GIL, which it gives back while it waits; false: with a Python error
bool exit_critical(const char* name, size_t length);      // false: this thread has not entered it

size_t critical_entries();                 // how often this thread has entered one that it has not left, the same one again included
void critical_leave(size_t entries);       // leaves what it entered since there were so many

using LockSet = std::vector<uint64_t>;     // keys, ascending
const LockSet* critical_locks(size_t since);      // of what it entered since there were so many; null: none. Lives for ever, and equal sets are one

}  // namespace coluber::jit
