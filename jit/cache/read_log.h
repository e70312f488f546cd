// The log of everything a compilation read from Python: the cache's dependency manifest. It can be replayed in another process: objects
// are numbered in the order they were met (0: the compiled function; then the functions among its arguments; then the results of reads),
// and each read names its subject by such a number. Replaying performs the same reads and compares the digests. Depends on nothing.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "jit/cache/digest.h"

namespace coluber::jit {

enum class ReadKind : uint8_t {
  Function,        // the content of a function: code, defaults, options. subject: the function
  Global,          // name: looked up in the subject's globals, then builtins
  Cell,            // index: contents of a closure cell of the subject
  Attr,            // name: attribute of the subject (a module or class)
  Default,         // index: a default of the subject (positional, then keyword-only in the order of their names)
  Implementation,  // name: the key, or empty for the subject itself (subject -1: by key only): which library function implements it
  Overload,        // name: key and argument types joined by ';': what a chooser returned
  Subclass,        // index: object number of the base; digest says yes or no
  UfuncLoop,       // name: "dd->d"
};

struct Read {
  ReadKind kind;
  int32_t subject = -1;   // object number
  std::string name;
  int64_t index = 0;
  Digest digest;          // of the content of what was read; all zero: there was nothing
  int32_t object = -1;    // the number given to the result, when it is an object that travels by handle
  bool operator==(const Read&) const = default;
};

struct ReadLog {
  std::vector<Read> reads;
  std::vector<int64_t> objects;                   // number -> host handle of this process
  std::unordered_map<int64_t, int32_t> numbers;   // handle -> number
  bool cacheable = true;
  std::string why_not;                            // the first reason

  // Handles differ from process to process: "obj#17" becomes "obj#@2" in whatever goes to disk (type texts, import keys).
  int32_t number_of(int64_t handle) const {
    auto it = numbers.find(handle);
    return it == numbers.end() ? -1 : it->second;
  }
  int32_t add_object(int64_t handle) {
    auto [it, fresh] = numbers.emplace(handle, static_cast<int32_t>(objects.size()));
    if (fresh) objects.push_back(handle);
    return it->second;
  }
  void refuse(const std::string& why) {
    if (cacheable) why_not = why;
    cacheable = false;
  }
};

}  // namespace coluber::jit
