// Reads code objects as tests/versions/serialise_code.py writes them: numbers as 8 bytes, little end first; strings and lists with their
// length in front. The fields come in the order of clb_code.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "jit/engine_api.h"

namespace coluber::ir {

class CodeFile {
 public:
  bool read(const std::string& path, std::string* error);
  struct Entry {
    std::string label;
    const clb_code* code;
  };
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  int64_t number();
  const char* string(size_t* length);
  const char* const* strings(int32_t* n);
  void constant(clb_const* out);
  const clb_code* code();

  std::string bytes_;
  size_t at_ = 0;
  bool broken_ = false;
  std::vector<Entry> entries_;
  std::deque<std::string> texts_;
  std::deque<std::vector<const char*>> lists_;
  std::deque<std::vector<clb_const>> consts_;
  std::deque<clb_code> codes_;
};

}  // namespace coluber::ir
