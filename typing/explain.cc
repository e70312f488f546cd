// Diagnostics: a failed rule and a place become a message for the user. The texts are the DIAG rows of ir/diag.def.
//
// The spans of a message: the place; what explains it; then one per call, from the inside out, up to the function the user called. Code of
// the library is not the user's: a failure in it is shown at the call that led into it, with the reason as text.
#include <cstring>
#include <string_view>

#include "typing/session.h"

namespace coluber::typing {

namespace {
struct Row { const char *id, *kind, *message, *hint; };
const Row kRows[] = {
#define DIAG(Id, kind, message, hint) {#Id, #kind, message, hint},
#include "ir/diag.def"
};

const Row* find_row(std::string_view id) {
  for (const Row& r : kRows)
    if (id == r.id) return &r;
  return nullptr;
}

std::string fill(const char* text, const std::vector<std::string>& args) {
  std::string r;
  for (const char* p = text; *p; p++) {
    if (p[0] == '{' && p[1] >= '0' && p[1] <= '9' && p[2] == '}') {
      size_t k = static_cast<size_t>(p[1] - '0');
      if (k < args.size()) r += args[k];
      p += 2;
    } else {
      r += *p;
    }
  }
  return r;
}

Diag::Span make_span(const FunctionInfo& fn, const ir::Loc& l, std::string note) {
  Diag::Span s;
  s.line = static_cast<int>(l.line);
  s.col = static_cast<int>(l.col);
  s.end_line = static_cast<int>(l.end_line);
  s.end_col = static_cast<int>(l.end_col);
  s.function = fn.name;
  if (fn.snapshot) {
    s.file = fn.snapshot->code->filename;
    if (!s.line) s.line = fn.snapshot->code->firstlineno;
  }
  s.note = std::move(note);
  return s;
}

Diag::Span span_of(Spec& spec, uint32_t loc, std::string note) {
  const ir::Function& f = *spec.fn->ir;
  return make_span(*spec.fn, f.locs[loc < f.locs.size() ? loc : 0], std::move(note));
}

bool same_place(const Diag::Span& a, const Diag::Span& b) {
  return a.line == b.line && a.col == b.col && a.end_line == b.end_line && a.end_col == b.end_col && a.file == b.file;
}

}  // namespace

std::string operator_text(const std::string& op) {
  static const std::pair<const char*, const char*> kOperators[] = {
      {"add", "+"}, {"sub", "-"}, {"mul", "*"}, {"truediv", "/"}, {"floordiv", "//"}, {"mod", "%"}, {"pow", "**"}, {"matmul", "@"}, {"lshift", "<<"},
      {"rshift", ">>"}, {"and", "&"}, {"or", "|"}, {"xor", "^"}, {"eq", "=="}, {"ne", "!="}, {"lt", "<"}, {"le", "<="}, {"gt", ">"}, {"ge", ">="},
      {"contains", "in"}, {"neg", "-"}, {"pos", "+"}, {"invert", "~"}, {"getitem", "[]"}, {"setitem", "[] ="}, {"delitem", "del []"}, {"truth", "bool()"}};
  for (auto& [name, text] : kOperators)
    if (op == name) return text;
  return op;
}

std::string library_text(const std::string& key) {
  size_t first = key.find(':'), second = key.find(':', first + 1);
  if (first == std::string::npos) return key;
  std::string kind = key.substr(0, first), name = key.substr(first + 1, second == std::string::npos ? second : second - first - 1);
  if (kind == "op") {
    std::string text = operator_text(name);
    return text == name ? name : "operator " + text;
  }
  return kind == "attr" ? "the attribute " + name : name + "()";
}

std::string python_class(TypeRef t) {
  switch (t->kind) {
    case ir::Kind::None: return "NoneType";
    case ir::Kind::Array: return "numpy.ndarray";
    case ir::Kind::List: return "list";
    case ir::Kind::Tuple: return "tuple";
    case ir::Kind::Ellipsis: return "ellipsis";
    case ir::Kind::Slice: return "slice";
    case ir::Kind::View: return t->name.rfind("range", 0) == 0 ? "range" : t->name;
    default: break;
  }
  if (ir::is_number(t) && !ir::is_weak(t)) return t->is(ir::Kind::Bool) ? "numpy.bool" : "numpy." + t->text;
  return describe(t);
}

Diag make_diag(const char* id, const std::vector<std::string>& args) {
  Diag d;
  d.id = id;
  if (const Row* r = find_row(id)) {
    d.kind = r->kind;
    d.message = fill(r->message, args);
    d.hint = fill(r->hint, args);
  } else {
    d.kind = "InternalError";
    d.message = std::string("there is no message ") + id;
    for (const std::string& a : args) d.message += " " + a;
  }
  return d;
}

Diag make_diag(Session& session, Spec& spec, const TypeFail& fail, uint32_t loc) {
  Diag d = make_diag(fail.id, fail.args);
  if (!fail.hint.empty()) d.hint = fail.hint;
  d.library = spec.fn->library;
  d.spans.push_back(span_of(spec, loc, ""));
  for (auto& [l, note] : fail.notes) {
    Diag::Span s = span_of(spec, l, note);
    if (same_place(s, d.spans[0])) d.spans[0].note = note;
    else d.spans.push_back(std::move(s));
  }
  return d;
}

Diag make_diag(const FunctionInfo& fn, const ir::BuildError& error) {
  Diag d;
  d.id = error.id;
  const Row* r = find_row(error.id);
  d.kind = r ? r->kind : "InternalError";
  d.message = error.message;
  d.hint = error.hint;
  d.library = fn.library;
  d.spans.push_back(make_span(fn, error.location, ""));
  return d;
}

void add_caller(Diag* diag, Spec& caller, uint32_t loc) {
  if (diag->library) {
    if (caller.fn->library) return;
    diag->library = false;
    diag->spans.clear();
    diag->spans.push_back(span_of(caller, loc, ""));
    return;
  }
  if (!caller.fn->library) diag->spans.push_back(span_of(caller, loc, "called from here"));
}

}  // namespace coluber::typing
