// Which places are the user's.
#include "ir/places.h"

namespace coluber::ir {

bool is_library_file(std::string_view file) { return file.find("/coluber/lib/") != std::string_view::npos; }

uint32_t user_place(const Function& f, uint32_t loc) {
  while (loc < f.locs.size() && f.locs[loc].scope < f.scopes.size()) {
    const Scope& scope = f.scopes[f.locs[loc].scope];
    if (scope.parent == kNoId || !is_library_file(scope.file)) break;
    loc = scope.parent_loc;
  }
  return loc;
}

}  // namespace coluber::ir
