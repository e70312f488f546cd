// Replaying the reads of a cached compilation: the same questions to this process's objects, the answers compared by content.
#include "jit/host/cached.h"

namespace coluber::jit {
namespace {

const char* kind_name(ReadKind kind) {
  static const char* const names[] = {"function", "global", "closure cell", "attribute", "default", "implementation", "overload", "subclass", "loop"};
  return names[static_cast<int>(kind)];
}

}  // namespace

// Reading logs the read anew, with this process's digest: that is what is compared.
bool Snapshot::replay(const Read& read, std::string* why) {
  auto subject = read.subject >= 0 && static_cast<size_t>(read.subject) < log.objects.size() ? log.objects[static_cast<size_t>(read.subject)] : -1;
  size_t before = log.reads.size();
  clb_const value{};
  const char* name = read.name.c_str();
  switch (read.kind) {
    case ReadKind::Function: {
      PyObject* f = function_object(subject);
      if (f) record({ReadKind::Function, read.subject, "", 0, {}, -1}, objects ? PyFunction_GET_CODE(f) : f, nullptr);
      if (f) codes.push_back(Py_NewRef(PyFunction_GET_CODE(f)));
      break;
    }
    case ReadKind::Global: global(subject, name, &value); break;
    case ReadKind::Cell: cell(subject, static_cast<int32_t>(read.index), &value); break;
    case ReadKind::Attr: attr(subject, name, &value); break;
    case ReadKind::Implementation: implementation(subject, read.name.empty() ? nullptr : name, &value); break;
    case ReadKind::Subclass:
      if (static_cast<size_t>(read.index) < log.objects.size()) subclass(subject, log.objects[static_cast<size_t>(read.index)]);
      break;
    case ReadKind::UfuncLoop: ufunc_loop(subject, name, &value); break;
    case ReadKind::Default: case ReadKind::Overload: break;   // choosers run user code on types: always compiled anew
  }
  bool same = log.reads.size() == before + 1 && log.reads.back() == read;
  if (!same) *why = std::string(kind_name(read.kind)) + " " + read.name;
  return same;
}

}  // namespace coluber::jit
