// Reads the text form that print.cc writes (grammar: ir/README.md). Comments run from // or ; to the end of the line. Block and value
// numbers are kept as written. The parser builds what the text says; whether that is sound IR is for verify() to tell.
#include <bit>
#include <charconv>
#include <limits>

#include "ir/function.h"
#include "ir/text.h"

namespace coluber::ir {
namespace {

// A number in the text larger than this is a mistake, and must not make us allocate that many values.
constexpr uint32_t kMaxId = 50'000'000;

class Parser {
 public:
  Parser(std::string_view text, std::string* error) : text_(text), error_(error) {}

  std::unique_ptr<Function> function() {
    auto f = std::make_unique<Function>();
    f_ = f.get();
    defined_.clear();
    if (!head() || !expect("{")) return nullptr;
    while (word_is("scope"))
      if (!scope()) return nullptr;
    while (word_is("loc"))
      if (!loc()) return nullptr;
    while (peek() == '^')
      if (!block()) return nullptr;
    if (!expect("}") || !finish()) return nullptr;
    return f;
  }

  bool at_end() { return peek() == '\0' && pos_ >= text_.size(); }

  bool fail(const std::string& why) {
    if (!error_->empty()) return false;     // the first one tells most
    size_t line = 1, column = 1;
    for (size_t i = 0; i < pos_ && i < text_.size(); ++i) {
      if (text_[i] == '\n') ++line, column = 1; else ++column;
    }
    *error_ = "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + why;
    return false;
  }

 private:
  // ---- function level --------------------------------------------------------------------------------------------------------------
  bool head() {
    if (!word_is("func")) return fail("expected `func`");
    word();
    if (!expect("@") || !symbol(&f_->name)) return false;
    if (peek() == '(' && !params(&head_params_, kNoId)) return false;
    if (eat("->") && !type(&f_->result)) return false;
    f_->typed = true;
    for (;;) {
      if (word_is("untyped")) f_->typed = false;
      else if (word_is("exported")) f_->exported = true;
      else if (word_is("recursive")) f_->recursive = true;
      else if (word_is("always_inline")) f_->always_inline = true;
      else if (word_is("by_cells")) f_->by_cells = true;
      else if (word_is("parallel")) f_->parallel = true;
      else return true;
      word();
    }
  }

  bool scope() {
    word();
    Scope s;
    uint32_t index = 0;
    if (!id(&index) || !quoted(&s.name) || !quoted(&s.file) || !integer(&s.code)) return false;
    if (word_is("at")) {
      word();
      if (!id_or_none(&s.parent) || !expect("!") || !id(&s.parent_loc)) return false;
    }
    if (index != f_->scopes.size()) return fail("scopes must be numbered in order");
    f_->scopes.push_back(std::move(s));
    return true;
  }

  bool loc() {
    word();
    Loc l;
    uint32_t index = 0;
    if (!id(&index) || !id(&l.line) || !expect(":") || !id(&l.col) || !expect("-") || !id(&l.end_line) || !expect(":") || !id(&l.end_col))
      return false;
    if (word_is("in")) {
      word();
      if (!id(&l.scope)) return false;
    }
    if (index == 0) {
      f_->locs[0] = l;
      return true;
    }
    if (index != f_->locs.size()) return fail("locs must be numbered in order");
    f_->locs.push_back(l);
    return true;
  }

  bool block() {
    BlockId b = 0;
    if (!expect("^") || !id(&b)) return false;
    if (b != f_->blocks.size()) return fail("blocks must be numbered in order");
    f_->add_block();
    std::vector<ValueId> list;
    if (peek() == '(') {
      if (!params(&list, b)) return false;
    } else if (b == 0) {
      list = head_params_;                  // written once, in the function's head
      for (ValueId v : list)
        if (!define(v, b)) return false;
    }
    if (b == 0 && !head_params_.empty() && list != head_params_) return fail("the parameters of ^0 are not those of the function");
    f_->blocks[b].params = std::move(list);
    if (peek() == '!') {
      if (!expect("!err") || !edge(&f_->blocks[b].on_error)) return false;
    }
    if (word_is("loop")) {
      word();
      f_->blocks[b].loop_header = true;
    }
    if (word_is("state") && !state(&f_->blocks[b])) return false;
    if (!expect(":")) return false;
    while (peek() == '%' || is_letter(peek()))
      if (!op(b)) return false;
    return true;
  }

  bool state(Block* b) {
    word();
    b->state = std::make_unique<FrameState>();
    return id(&b->state->bytecode_offset) && expect("[") && value_list(&b->state->locals) && expect("|") && value_list(&b->state->stack) &&
           expect("]");
  }

  // Parameters with names and types. With block kNoId they are only noted (the function's head), else defined.
  bool params(std::vector<ValueId>* out, BlockId b) {
    if (!expect("(")) return false;
    if (eat(")")) return true;
    do {
      ValueId v = 0;
      if (!value(&v)) return false;
      if (peek() == '"' && !quoted(&f_->values[v].name)) return false;
      if (eat(":") && !type(&f_->values[v].type)) return false;
      if (b != kNoId && !define(v, b)) return false;
      out->push_back(v);
    } while (eat(","));
    return expect(")");
  }

  bool define(ValueId v, BlockId b) {
    if (defined_.size() <= v) defined_.resize(v + 1);
    if (defined_[v]) return fail("%" + std::to_string(v) + " is defined twice");
    defined_[v] = true;
    f_->values[v].block = b;
    if (!f_->values[v].type && !f_->typed) f_->values[v].type = bottom();
    return true;
  }

  bool finish() {
    defined_.resize(f_->values.size());
    head_params_.clear();
    return true;
  }

  // ---- ops -------------------------------------------------------------------------------------------------------------------------
  bool op(BlockId b) {
    Op op;
    if (peek() == '%') {
      do {
        ValueId v = 0;
        if (!value(&v)) return false;
        if (peek() == '"' && !quoted(&f_->values[v].name)) return false;
        op.results.push_back(v);
      } while (eat(","));
      if (!expect("=")) return false;
    }
    peek();
    size_t at = pos_;
    std::string_view text = word();
    if (!op_from_text(text, &op.code)) {
      pos_ = at;
      return fail("no such operation: " + std::string(text));
    }
    if (!operands(&op) || !tail(&op)) return false;
    for (ValueId v : op.results)
      if (!define(v, b)) return false;
    f_->blocks[b].ops.push_back(std::move(op));
    return true;
  }

  // What follows the name: operands, immediates and targets, told apart by their first character. It ends with the line.
  bool operands(Op* op) {
    int floats = 0;
    if (at_line_end()) return true;
    do {
      char c = peek();
      if (c == '%') {
        ValueId v = 0;
        if (!value(&v)) return false;
        op->args.push_back(v);
      } else if (c == '^') {
        op->targets.emplace_back();
        if (!edge(&op->targets.back())) return false;
      } else if (c == '"') {
        if (!quoted(&op->sym)) return false;
      } else if (c == '<') {
        if (!expect("<") || !type(&op->type) || !expect(">")) return false;
      } else if (c == '[') {
        if (!int_list(&op->ints)) return false;
      } else if (c == '{') {
        if (!name_list(&op->names)) return false;
      } else if (c == ':' || c == '!' || word_is("on_error")) {
        return true;
      } else if (!number(op, &floats)) {
        return false;
      }
    } while (eat(","));
    return true;
  }

  // Result types, location, what an error releases.
  bool tail(Op* op) {
    if (!at_line_end() && eat(":")) {
      size_t i = 0;
      do {
        if (i >= op->results.size()) return fail("more types than results");
        TypeRef t = nullptr;
        if (peek() == '_') ++pos_; else if (!type(&t)) return false;
        f_->values[op->results[i++]].type = t;
      } while (eat(","));
      if (i != op->results.size()) return fail("fewer types than results");
    }
    if (!at_line_end() && eat("!") && !id(&op->loc)) return false;
    if (!at_line_end() && word_is("on_error")) {
      word();
      if (!expect("(") || !value_list(&op->on_error) || !expect(")")) return false;
    }
    if (!at_line_end()) return fail("unexpected text after the operation");
    return true;
  }

  bool edge(Edge* out) {
    if (!expect("^") || !id_or_none(&out->block)) return false;
    if (at_line_end() || peek() != '(') return true;
    return expect("(") && value_list(&out->args) && expect(")");
  }

  bool value_list(std::vector<ValueId>* out) {
    char c = peek();
    if (c != '%' && c != '_') return true;
    do {
      ValueId v = kNoId;
      if (peek() == '_') ++pos_; else if (!value(&v)) return false;
      out->push_back(v);
    } while (eat(","));
    return true;
  }

  bool int_list(std::vector<int64_t>* out) {
    if (!expect("[")) return false;
    do {
      int64_t n = 0;
      if (!integer(&n)) return false;
      out->push_back(n);
    } while (eat(","));
    return expect("]");
  }

  bool name_list(std::vector<std::string>* out) {
    if (!expect("{")) return false;
    do {
      out->emplace_back();
      if (!quoted(&out->back())) return false;
    } while (eat(","));
    return expect("}");
  }

  bool number(Op* op, int* floats) {
    size_t end = pos_;
    while (end < text_.size() && (is_letter(text_[end]) || text_[end] == '+' || text_[end] == '-' || text_[end] == ':')) ++end;
    std::string_view token = text_.substr(pos_, end - pos_);
    // A colon belongs to the token in nan:BITS only.
    if (token.substr(0, 4) != "nan:" && token.find(':') != std::string_view::npos) token = token.substr(0, token.find(':'));
    if (token.empty()) return fail("unexpected character");
    bool floating = token.find_first_of(".ein") != std::string_view::npos;
    if (!floating) return integer(&op->imm);
    double value = 0;
    if (!parse_double(token, &value)) return fail("not a number: " + std::string(token));
    if (*floats >= 2) return fail("more than two floats");
    (*floats == 0 ? op->fimm : op->fimm2) = value;
    ++*floats;
    pos_ += token.size();
    return true;
  }

  static bool parse_double(std::string_view token, double* out) {
    if (token == "nan") {
      *out = std::numeric_limits<double>::quiet_NaN();
      return true;
    }
    const char* end = token.data() + token.size();
    if (token.substr(0, 4) == "nan:") {
      uint64_t bits = 0;
      auto [stop, error] = std::from_chars(token.data() + 4, end, bits, 16);
      *out = std::bit_cast<double>(bits);
      return error == std::errc() && stop == end;
    }
    auto [stop, error] = std::from_chars(token.data(), end, *out);
    return error == std::errc() && stop == end;
  }

  // ---- tokens ----------------------------------------------------------------------------------------------------------------------
  static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '$';
  }
  bool comment() const { return text_[pos_] == ';' || (text_[pos_] == '/' && pos_ + 1 < text_.size() && text_[pos_ + 1] == '/'); }
  void skip_comment() {
    while (pos_ < text_.size() && text_[pos_] != '\n') ++pos_;
  }
  // The next character that is not blank or comment; '\0' at the end.
  char peek() {
    while (pos_ < text_.size()) {
      char c = text_[pos_];
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') ++pos_;
      else if (comment()) skip_comment();
      else return c;
    }
    return '\0';
  }
  bool at_line_end() {
    while (pos_ < text_.size() && (text_[pos_] == ' ' || text_[pos_] == '\t' || text_[pos_] == '\r')) ++pos_;
    return pos_ >= text_.size() || text_[pos_] == '\n' || text_[pos_] == '}' || comment();
  }
  bool eat(std::string_view s) {
    size_t before = pos_;
    peek();
    if (text_.substr(pos_, s.size()) != s) {
      pos_ = before;                       // the end of the line still counts for whoever looks next
      return false;
    }
    pos_ += s.size();
    return true;
  }
  bool expect(std::string_view s) {
    return eat(s) || fail("expected `" + std::string(s) + "`");
  }
  bool word_is(std::string_view s) {
    peek();
    size_t end = pos_ + s.size();
    return text_.substr(pos_, s.size()) == s && (end >= text_.size() || !is_letter(text_[end]));
  }
  std::string_view word() {
    peek();
    size_t begin = pos_;
    while (pos_ < text_.size() && is_letter(text_[pos_])) ++pos_;
    return text_.substr(begin, pos_ - begin);
  }
  bool type(TypeRef* out) {
    peek();
    *out = parse_type_at(text_, &pos_);
    return *out || fail("expected a type");
  }
  bool symbol(std::string* out) {
    if (peek() == '"') return quoted(out);
    *out = word();
    return !out->empty() || fail("expected a name");
  }
  template <class Int>
  bool integer(Int* out) {
    peek();
    const char* begin = text_.data() + pos_;
    auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), *out);
    if (error != std::errc()) return fail("expected an integer");
    pos_ += static_cast<size_t>(end - begin);
    return true;
  }
  bool id(uint32_t* out) { return integer(out); }
  bool id_or_none(uint32_t* out) {
    if (peek() != '_') return id(out);
    ++pos_;
    *out = kNoId;
    return true;
  }
  bool value(ValueId* out) {
    if (!expect("%") || !id(out)) return false;
    if (*out >= kMaxId) return fail("value number too large");
    if (f_->values.size() <= *out) f_->values.resize(*out + 1);
    return true;
  }

  bool quoted(std::string* out) {
    if (!expect("\"")) return false;
    out->clear();
    while (pos_ < text_.size() && text_[pos_] != '"') {
      char c = text_[pos_++];
      if (c == '\\' && !escape(&c)) return false;
      out->push_back(c);
    }
    return expect("\"");
  }
  bool escape(char* c) {
    if (pos_ >= text_.size()) return fail("unfinished string");
    *c = text_[pos_++];
    if (*c == 'n') *c = '\n';
    if (*c != 'x') return true;
    unsigned byte = 0;
    auto [end, error] = std::from_chars(text_.data() + pos_, text_.data() + std::min(pos_ + 2, text_.size()), byte, 16);
    if (error != std::errc()) return fail("bad \\x escape");
    pos_ = static_cast<size_t>(end - text_.data());
    *c = static_cast<char>(byte);
    return true;
  }

  std::string_view text_;
  size_t pos_ = 0;
  std::string* error_;
  Function* f_ = nullptr;
  std::vector<ValueId> head_params_;
  std::vector<bool> defined_;
};

}  // namespace

std::unique_ptr<Function> parse_function(std::string_view text, std::string* error) {
  error->clear();
  Parser parser(text, error);
  auto f = parser.function();
  if (f && !parser.at_end()) {
    parser.fail("unexpected text after the function");
    return nullptr;
  }
  return f;
}

std::unique_ptr<Program> parse_program(std::string_view text, std::string* error) {
  error->clear();
  Parser parser(text, error);
  auto p = std::make_unique<Program>();
  while (!parser.at_end()) {
    auto f = parser.function();
    if (!f) return nullptr;
    p->functions.push_back(std::move(f));
  }
  return p;
}

}  // namespace coluber::ir
