// Diagnostics: a failed rule and a place become a message for the user. The texts are the DIAG rows of ir/diag.def.
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

Diag::Span span_of(Spec& spec, uint32_t loc, std::string note) {
  Diag::Span s;
  const ir::Function& f = *spec.fn->ir;
  const ir::Loc& l = f.locs[loc < f.locs.size() ? loc : 0];
  s.line = static_cast<int>(l.line);
  s.col = static_cast<int>(l.col);
  s.end_line = static_cast<int>(l.end_line);
  s.end_col = static_cast<int>(l.end_col);
  s.function = spec.fn->name;
  if (spec.fn->snapshot) {
    s.file = spec.fn->snapshot->code->filename;
    if (!s.line) s.line = spec.fn->snapshot->code->firstlineno;
  }
  s.note = std::move(note);
  return s;
}
}  // namespace

Diag make_diag(Session& session, Spec& spec, const TypeFail& fail, uint32_t loc) {
  Diag d;
  d.id = fail.id;
  d.kind = "InternalError";
  d.message = fail.id;
  for (const std::string& a : fail.args) d.message += " " + a;
  for (const Row& r : kRows) {
    if (std::strcmp(r.id, fail.id)) continue;
    d.kind = r.kind;
    d.message = fill(r.message, fail.args);
    d.hint = fill(r.hint, fail.args);
  }
  d.spans.push_back(span_of(spec, loc, ""));
  for (auto& [l, note] : fail.notes) d.spans.push_back(span_of(spec, l, note));
  return d;
}

}  // namespace coluber::typing
