// Tells debuggers and profilers of code that was made at run time: gdb's JIT interface, and perf's map of addresses.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace coluber::backend {

struct LoadedRange {
  std::string name;                            // of a section or of a function
  uint64_t start, size;
};

// An object file that gdb knows of as long as this lives. `sections` says where its sections lie in memory.
class GdbEntry {
 public:
  GdbEntry(std::string object, const std::vector<LoadedRange>& sections);
  ~GdbEntry();
  GdbEntry(const GdbEntry&) = delete;

 private:
  struct Node;
  std::unique_ptr<Node> node_;
};

// COLUBER_PERF=1: a line per function in /tmp/perf-PID.map, where perf looks for the names of functions that no file holds.
bool wants_perf_map();
void add_to_perf_map(const std::vector<LoadedRange>& functions);

}  // namespace coluber::backend
