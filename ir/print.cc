// Writes IR as text. The grammar is in ir/README.md; parse.cc reads it back, and printing what was read gives the same text.
// Only what differs from the default is written, so that common code reads lightly; nothing that an Op or a Block holds is lost.
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "ir/function.h"
#include "ir/text.h"

namespace coluber::ir {

void append_quoted(std::string* out, std::string_view s) {
  constexpr const char* kHex = "0123456789abcdef";
  out->push_back('"');
  for (char ch : s) {
    unsigned char c = static_cast<unsigned char>(ch);
    if (ch == '"' || ch == '\\') {
      out->push_back('\\');
      out->push_back(ch);
    } else if (ch == '\n') {
      out->append("\\n");
    } else if (c < 0x20 || c == 0x7f) {
      out->append("\\x");
      out->push_back(kHex[c >> 4]);
      out->push_back(kHex[c & 15]);
    } else {
      out->push_back(ch);
    }
  }
  out->push_back('"');
}

void append_double(std::string* out, double value) {
  if (std::isinf(value)) {
    out->append(value < 0 ? "-inf" : "inf");
    return;
  }
  char digits[40];
  if (std::isnan(value)) {
    uint64_t bits = std::bit_cast<uint64_t>(value);
    out->append("nan");
    if (bits == std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN())) return;
    out->append(":");                       // another sign or payload
    out->append(digits, std::to_chars(digits, digits + sizeof digits, bits, 16).ptr);
    return;
  }
  auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  std::string_view text(digits, static_cast<size_t>(end - digits));
  out->append(text);
  if (text.find_first_of(".e") == std::string_view::npos) out->append(".0");   // tells it from an integer
}

namespace {

class Printer {
 public:
  Printer(const Function& f, std::string* out) : f_(f), out_(*out) {}

  void function() {
    head();
    for (size_t i = 0; i < f_.scopes.size(); ++i) scope(i);
    for (size_t i = 0; i < f_.locs.size(); ++i) loc(i);
    for (BlockId b = 0; b < f_.blocks.size(); ++b) block(b);
    out_ += "}\n";
  }

  void op(const Op& op) {
    for (size_t i = 0; i < op.results.size(); ++i) {
      if (i) out_ += ", ";
      value(op.results[i]);
      name(op.results[i]);
    }
    if (!op.results.empty()) out_ += " = ";
    out_ += info(op.code).text;
    first_ = true;
    for (ValueId v : op.args) {
      separate();
      value(v);
    }
    immediates(op);
    for (const Edge& e : op.targets) {
      separate();
      edge(e);
    }
    result_types(op);
    if (op.loc) {
      out_ += " !";
      number(op.loc);
    }
    if (!op.on_error.empty()) {
      out_ += " on_error(";
      value_list(op.on_error);
      out_ += ')';
    }
  }

 private:
  void head() {
    out_ += "func @";
    symbol(f_.name);
    if (!f_.blocks.empty()) params(f_.blocks[0].params, false, true);
    if (f_.result) {
      out_ += " -> ";
      out_ += f_.result->text;
    }
    if (!f_.typed) out_ += " untyped";
    if (f_.exported) out_ += " exported";
    if (f_.recursive) out_ += " recursive";
    if (f_.always_inline) out_ += " always_inline";
    if (f_.by_cells) out_ += " by_cells";
    if (f_.parallel) out_ += " parallel";
    out_ += " {\n";
  }

  void scope(size_t i) {
    const Scope& s = f_.scopes[i];
    out_ += "  scope ";
    number(i);
    out_ += ' ';
    append_quoted(&out_, s.name);
    out_ += ' ';
    append_quoted(&out_, s.file);
    out_ += ' ';
    number(s.code);
    if (s.parent != kNoId || s.parent_loc != 0) {
      out_ += " at ";
      if (s.parent == kNoId) out_ += '_'; else number(s.parent);
      out_ += " !";
      number(s.parent_loc);
    }
    out_ += '\n';
  }

  void loc(size_t i) {
    const Loc& l = f_.locs[i];
    if (i == 0 && !l.line && !l.col && !l.end_line && !l.end_col && !l.scope) return;
    out_ += "  loc ";
    number(i);
    out_ += ' ';
    number(l.line);
    out_ += ':';
    number(l.col);
    out_ += '-';
    number(l.end_line);
    out_ += ':';
    number(l.end_col);
    if (l.scope) {
      out_ += " in ";
      number(l.scope);
    }
    out_ += '\n';
  }

  void block(BlockId id) {
    const Block& b = f_.blocks[id];
    out_ += '^';
    number(id);
    if (!b.params.empty()) params(b.params, true, false);
    if (b.on_error.valid()) {
      out_ += " !err ";
      edge(b.on_error);
    }
    if (b.loop_header) out_ += " loop";
    if (b.state) state(*b.state);
    out_ += ":\n";
    for (const Op& o : b.ops) {
      out_ += "  ";
      op(o);
      out_ += '\n';
    }
  }

  void state(const FrameState& s) {
    out_ += " state ";
    number(s.bytecode_offset);
    out_ += " [";
    value_list(s.locals);
    out_ += " | ";
    value_list(s.stack);
    out_ += ']';
  }

  void params(const std::vector<ValueId>& list, bool names, bool always) {
    if (list.empty() && !always) return;
    out_ += '(';
    for (size_t i = 0; i < list.size(); ++i) {
      if (i) out_ += ", ";
      value(list[i]);
      if (names) name(list[i]);
      TypeRef t = type_of(list[i]);
      if (shown(t)) {
        out_ += ": ";
        out_ += t->text;
      }
    }
    out_ += ')';
  }

  void immediates(const Op& op) {
    TypeRef t = op.code == OpCode::Const && !op.results.empty() ? type_of(op.results[0]) : nullptr;
    bool complex = t && is_complex(t), floating = t && (is_float(t) || complex);
    if (op.imm || (t && !floating) || imm_always(op.code)) {
      separate();
      number(op.imm);
    }
    bool second = complex || std::bit_cast<uint64_t>(op.fimm2) != 0;
    if (floating || second || std::bit_cast<uint64_t>(op.fimm) != 0) {
      separate();
      append_double(&out_, op.fimm);
    }
    if (second) {
      separate();
      append_double(&out_, op.fimm2);
    }
    if (!op.sym.empty()) {
      separate();
      append_quoted(&out_, op.sym);
    }
    if (op.type) {
      separate();
      out_ += '<';
      out_ += op.type->text;
      out_ += '>';
    }
    lists(op);
  }

  // An index reads better when it is there, 0 too.
  static bool imm_always(OpCode code) {
    return code == OpCode::TupleGet || code == OpCode::ArrayShape || code == OpCode::ArrayStride || code == OpCode::IndexCheck;
  }

  void lists(const Op& op) {
    if (!op.ints.empty()) {
      separate();
      out_ += '[';
      for (size_t i = 0; i < op.ints.size(); ++i) {
        if (i) out_ += ", ";
        number(op.ints[i]);
      }
      out_ += ']';
    }
    if (!op.names.empty()) {
      separate();
      out_ += '{';
      for (size_t i = 0; i < op.names.size(); ++i) {
        if (i) out_ += ", ";
        append_quoted(&out_, op.names[i]);
      }
      out_ += '}';
    }
  }

  void result_types(const Op& op) {
    bool any = false;
    for (ValueId v : op.results) any |= shown(type_of(v));
    if (!any) return;
    for (size_t i = 0; i < op.results.size(); ++i) {
      out_ += i ? ", " : " : ";
      TypeRef t = type_of(op.results[i]);
      out_ += t ? std::string_view(t->text) : std::string_view("_");
    }
  }

  void edge(const Edge& e) {
    out_ += '^';
    if (e.block == kNoId) out_ += '_'; else number(e.block);
    if (e.args.empty()) return;
    out_ += '(';
    value_list(e.args);
    out_ += ')';
  }

  void value_list(const std::vector<ValueId>& list) {
    for (size_t i = 0; i < list.size(); ++i) {
      if (i) out_ += ", ";
      if (list[i] == kNoId) out_ += '_'; else value(list[i]);
    }
  }

  void symbol(std::string_view s) {
    bool plain = !s.empty();
    for (char c : s)
      plain &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '$';
    if (plain) out_ += s; else append_quoted(&out_, s);
  }

  // In untyped IR all types are bottom and left out.
  bool shown(TypeRef t) const { return t && (f_.typed || !t->is(Kind::Bottom)); }
  TypeRef type_of(ValueId v) const { return v < f_.values.size() ? f_.values[v].type : nullptr; }
  void separate() {
    out_ += first_ ? " " : ", ";
    first_ = false;
  }
  void value(ValueId v) {
    out_ += '%';
    number(v);
  }
  void name(ValueId v) {
    if (v >= f_.values.size() || f_.values[v].name.empty()) return;
    out_ += ' ';
    append_quoted(&out_, f_.values[v].name);
  }
  template <class Int>
  void number(Int n) {
    char digits[24];
    out_.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
  }

  const Function& f_;
  std::string& out_;
  bool first_ = true;
};

}  // namespace

std::string print(const Function& f) {
  std::string out;
  Printer(f, &out).function();
  return out;
}

std::string print(const Function& f, const Op& op) {
  std::string out;
  Printer(f, &out).op(op);
  return out;
}

std::string print(const Program& p) {
  std::string out;
  for (size_t i = 0; i < p.functions.size(); ++i) {
    if (i) out += '\n';
    out += print(*p.functions[i]);
  }
  return out;
}

}  // namespace coluber::ir
