// The tables beside the code: PEP 626 line tables of 3.10, PEP 657 location tables and exception tables of 3.11 and later. All are
// read with bounds; a table that ends early leaves the rest unknown.
#include <algorithm>
#include <limits>

#include "ir/frontend/decode.h"

namespace coluber::ir::frontend {
namespace {

class Bytes {
 public:
  Bytes(const uint8_t* p, size_t n) : p_(p), end_(p + n) {}
  bool done() const { return p_ >= end_; }
  uint8_t next() { return done() ? 0 : *p_++; }
  uint8_t peek() const { return done() ? 0 : *p_; }

  uint32_t varint() {                      // six bits a byte, low ones first
    uint32_t value = 0, shift = 0;
    uint8_t b;
    do {
      b = next();
      if (shift < 30) value |= static_cast<uint32_t>(b & 63) << shift;
      shift += 6;
    } while ((b & 64) && !done());
    return value;
  }
  int32_t svarint() {
    uint32_t v = varint();
    return v & 1 ? -static_cast<int32_t>(v >> 1) : static_cast<int32_t>(v >> 1);
  }
  uint32_t big_varint() {                  // six bits a byte, high ones first
    uint8_t b = next();
    uint32_t value = b & 63;
    while ((b & 64) && !done()) {
      b = next();
      value = (value & 0x3ffffff) << 6 | (b & 63);
    }
    return value;
  }

 private:
  const uint8_t* p_;
  const uint8_t* end_;
};

uint32_t positive(int64_t n) { return n > 0 && n < std::numeric_limits<int32_t>::max() ? static_cast<uint32_t>(n) : 0; }

// 3.10: pairs of a step in bytes and a step in lines; -128 means that these bytes have no line.
void read_lines(const clb_code& code, std::vector<Loc>* out) {
  Bytes in(code.linetable, code.linetable_size);
  int64_t line = code.firstlineno;
  size_t at = 0;
  while (!in.done() && at < out->size()) {
    size_t units = in.next() / 2;
    auto step = static_cast<int8_t>(in.next());
    if (step != -128) line += step;
    size_t end = std::min(out->size(), at + units);
    for (; at < end; ++at)
      if (step != -128) (*out)[at].line = positive(line);
  }
}

// 3.11: one entry for a run of code units; see Objects/locations.md in CPython.
void read_locations(const clb_code& code, std::vector<Loc>* out) {
  Bytes in(code.linetable, code.linetable_size);
  int64_t line = code.firstlineno;
  size_t at = 0;
  while (!in.done() && at < out->size()) {
    uint8_t head = in.next();
    int kind = head >> 3 & 15;
    Loc loc;
    if (kind < 10) {                       // short: this line, both columns in one byte and a half
      uint8_t b = in.next();
      loc.col = static_cast<uint32_t>(kind << 3 | b >> 4);
      loc.end_col = loc.col + (b & 15);
      loc.end_line = loc.line = positive(line);
    } else if (kind <= 12) {               // this or one of the next two lines, a byte for each column
      line += kind - 10;
      loc.col = in.next();
      loc.end_col = in.next();
      loc.end_line = loc.line = positive(line);
    } else if (kind == 13) {               // no columns
      line += in.svarint();
      loc.line = positive(line);
    } else if (kind == 14) {               // all of it; columns are stored plus one
      line += in.svarint();
      loc.line = positive(line);
      loc.end_line = positive(line + in.varint());
      uint32_t col = in.varint(), end_col = in.varint();
      if (col && end_col) {
        loc.col = col - 1;
        loc.end_col = end_col - 1;
      } else {
        loc.end_line = 0;
      }
    }
    size_t end = std::min(out->size(), at + (head & 7) + 1);
    for (; at < end; ++at) (*out)[at] = loc;
  }
}

}  // namespace

std::vector<Loc> read_positions(const clb_code& code) {
  std::vector<Loc> out(code.code_size / 2);
  if (!code.linetable) return out;
  if (code.version < 311) read_lines(code, &out); else read_locations(code, &out);
  return out;
}

std::vector<Region> read_exception_table(const clb_code& code) {
  std::vector<Region> out;
  if (code.version < 311 || !code.exceptiontable) return out;
  constexpr uint32_t kLimit = 1u << 28;
  Bytes in(code.exceptiontable, code.exceptiontable_size);
  while (!in.done()) {
    uint32_t start = in.big_varint(), length = in.big_varint(), target = in.big_varint(), depth = in.big_varint();
    if (start > kLimit || length > kLimit || target > kLimit || depth > kLimit) continue;
    out.push_back({static_cast<int>(start), static_cast<int>(start + length), static_cast<int>(target), static_cast<int>(depth >> 1), (depth & 1) != 0});
  }
  return out;
}

}  // namespace coluber::ir::frontend
