// See read_code.h.
#include "ir/frontend/tools/read_code.h"

#include <cstring>
#include <fstream>
#include <iterator>

namespace coluber::ir {
namespace {

constexpr char kMagic[] = "CLBCODE1";

}  // namespace

bool CodeFile::read(const std::string& path, std::string* error) {
  std::ifstream in(path, std::ios::binary);
  bytes_.assign(std::istreambuf_iterator<char>(in), {});
  at_ = sizeof kMagic - 1;
  if (bytes_.compare(0, at_, kMagic) != 0) {
    *error = path + " is not a file of code objects";
    return false;
  }
  int64_t n = number();
  for (int64_t i = 0; i < n && !broken_; ++i) {
    std::string label = string(nullptr);
    entries_.push_back({label, code()});
  }
  if (broken_) *error = path + " ends too early";
  return !broken_;
}

int64_t CodeFile::number() {
  int64_t v = 0;
  if (bytes_.size() - at_ < sizeof v) {
    broken_ = true;
    return 0;
  }
  std::memcpy(&v, bytes_.data() + at_, sizeof v);
  at_ += sizeof v;
  return v;
}

const char* CodeFile::string(size_t* length) {
  auto n = static_cast<uint64_t>(number());
  if (n > bytes_.size() - at_) {
    broken_ = true;
    n = 0;
  }
  const std::string& s = texts_.emplace_back(bytes_, at_, n);
  at_ += n;
  if (length) *length = n;
  return s.c_str();
}

const char* const* CodeFile::strings(int32_t* n) {
  std::vector<const char*>& list = lists_.emplace_back();
  int64_t count = number();
  for (int64_t i = 0; i < count && !broken_; ++i) list.push_back(string(nullptr));
  *n = static_cast<int32_t>(list.size());
  return list.data();
}

void CodeFile::constant(clb_const* out) {
  *out = {};
  out->kind = static_cast<int32_t>(number());
  out->i = number();
  for (double& f : out->f) {
    int64_t bits = number();
    std::memcpy(&f, &bits, sizeof f);
  }
  size_t length = 0;
  out->s = string(&length);
  out->n = static_cast<int64_t>(length);
  int64_t items = number();
  if (out->kind == CLB_TUPLE) {
    std::vector<clb_const>& list = consts_.emplace_back();
    for (int64_t i = 0; i < items && !broken_; ++i) {
      clb_const item;
      constant(&item);
      list.push_back(item);
    }
    out->items = list.data();
    out->n = static_cast<int64_t>(list.size());
  }
  if (out->kind == CLB_CODE) out->code = code();
}

const clb_code* CodeFile::code() {
  clb_code& c = codes_.emplace_back();
  c = {};
  for (int32_t* field : {&c.version, &c.argcount, &c.posonlyargcount, &c.kwonlyargcount, &c.nlocals, &c.stacksize, &c.flags, &c.firstlineno})
    *field = static_cast<int32_t>(number());
  c.code = reinterpret_cast<const uint8_t*>(string(&c.code_size));
  c.linetable = reinterpret_cast<const uint8_t*>(string(&c.linetable_size));
  c.exceptiontable = reinterpret_cast<const uint8_t*>(string(&c.exceptiontable_size));
  std::vector<clb_const>& consts = consts_.emplace_back();
  int64_t n = number();
  for (int64_t i = 0; i < n && !broken_; ++i) {
    clb_const item;
    constant(&item);
    consts.push_back(item);
  }
  c.consts = consts.data();
  c.nconsts = static_cast<int32_t>(consts.size());
  c.names = strings(&c.nnames);
  c.varnames = strings(&c.nvarnames);
  c.cellvars = strings(&c.ncellvars);
  c.freevars = strings(&c.nfreevars);
  c.filename = string(nullptr);
  c.name = string(nullptr);
  c.qualname = string(nullptr);
  return &c;
}

}  // namespace coluber::ir
