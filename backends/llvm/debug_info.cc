// Debug information out of the locations and scopes that the IR carries through all passes.
#include "backends/llvm/debug_info.h"

#include <llvm/BinaryFormat/Dwarf.h>

#include <algorithm>

#include "ir/places.h"

namespace coluber::backend {

using ir::Kind;

DebugInfo::DebugInfo(llvm::Module& module, DebugLevel level) : level_(level), builder_(module) {
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  module.addModuleFlag(llvm::Module::Warning, "Dwarf Version", 4);
  // Debuggers have no expression language of Python's; C's serves for names, members and indices.
  auto kind = level == DebugLevel::Lines ? llvm::DICompileUnit::LineTablesOnly : llvm::DICompileUnit::FullDebug;
  unit_ = builder_.createCompileUnit(llvm::dwarf::DW_LANG_C99, builder_.createFile("coluber", "."), "coluber", level == DebugLevel::Lines, "", 0, "", kind);
}

llvm::DIFile* DebugInfo::file(const std::string& path) {
  llvm::DIFile*& f = files_[path];
  if (!f) {
    size_t slash = path.rfind('/');
    f = slash == std::string::npos ? builder_.createFile(path, ".") : builder_.createFile(path.substr(slash + 1), path.substr(0, slash));
  }
  return f;
}

llvm::DISubprogram* DebugInfo::subprogram(const ir::Function& fn, uint32_t scope) {
  llvm::DISubprogram*& made = subprograms_[{&fn, scope}];
  if (made) return made;
  uint32_t first = 0;                          // the first line that anything in it comes from
  for (const ir::Loc& l : fn.locs)
    if (l.scope == scope && l.line && (!first || l.line < first)) first = l.line;
  const bool known = scope < fn.scopes.size();
  const std::string name = known ? fn.scopes[scope].name : fn.name;
  llvm::DIFile* where = file(known ? fn.scopes[scope].file : "");
  auto* signature = builder_.createSubroutineType(builder_.getOrCreateTypeArray({}));
  auto flags = llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagLocalToUnit;
  if (level_ == DebugLevel::Lines) flags |= llvm::DISubprogram::SPFlagOptimized;
  made = builder_.createFunction(unit_, name, "", where, first, signature, first, llvm::DINode::FlagZero, flags);
  return made;
}

void DebugInfo::attach(const ir::Function& fn, llvm::Function* f) { f->setSubprogram(subprogram(fn, 0)); }

bool is_library_place(const llvm::DILocation* place) {
  return ir::is_library_file((place->getDirectory() + "/" + place->getFilename()).str());
}

llvm::DILocation* DebugInfo::location(const ir::Function& fn, uint32_t index) {
  if (level_ == DebugLevel::Lines) index = ir::user_place(fn, index);   // listings are by the user's lines
  auto [it, is_new] = locations_.try_emplace({&fn, index}, nullptr);
  if (!is_new) return it->second;
  const ir::Loc loc = index < fn.locs.size() ? fn.locs[index] : ir::Loc{};
  const uint32_t scope = loc.scope < fn.scopes.size() ? loc.scope : 0;
  llvm::DILocation* outer = nullptr;
  if (scope != 0 && fn.scopes[scope].parent != ir::kNoId) outer = location(fn, fn.scopes[scope].parent_loc);
  llvm::DISubprogram* in = subprogram(fn, outer ? scope : 0);
  // A column of 0 is "unknown" to DWARF, ours count from 0. The map may have grown meanwhile.
  return locations_[{&fn, index}] = llvm::DILocation::get(unit_->getContext(), loc.line, loc.line ? loc.col + 1 : 0, in, outer);
}

void DebugInfo::declare(const ir::Function& fn, uint32_t loc, const std::string& name, ir::TypeRef type, llvm::AllocaInst* memory,
                        llvm::Instruction* before) {
  llvm::DILocation* place = location(fn, loc);
  llvm::DISubprogram* in = place->getScope()->getSubprogram();
  auto* variable = builder_.createAutoVariable(in, name, in->getFile(), in->getLine(), type_of(type), true);
  auto* start = llvm::DILocation::get(unit_->getContext(), in->getLine(), 0, in, place->getInlinedAt());
  builder_.insertDeclare(memory, variable, builder_.createExpression(), start, before);
}

// ---- types: laid out as store_value does it, numbers at their own size, of everything else 8 bytes for each slot

llvm::DIType* DebugInfo::number(ir::TypeRef t) {
  const unsigned bits = static_cast<unsigned>(ir::item_size(t)) * 8;
  unsigned encoding = ir::is_bool(t)      ? llvm::dwarf::DW_ATE_boolean
                      : ir::is_complex(t) ? llvm::dwarf::DW_ATE_complex_float
                      : ir::is_float(t)   ? llvm::dwarf::DW_ATE_float
                      : ir::is_signed(t)  ? llvm::dwarf::DW_ATE_signed
                                          : llvm::dwarf::DW_ATE_unsigned;
  return builder_.createBasicType(t->text, bits, encoding);
}

llvm::DIType* DebugInfo::structure(const std::string& name, const std::vector<std::pair<std::string, llvm::DIType*>>& members) {
  llvm::SmallVector<llvm::Metadata*, 8> fields;
  uint64_t offset = 0;
  for (const auto& [field, type] : members) {
    uint64_t bits = std::max<uint64_t>(64, type->getSizeInBits());
    fields.push_back(builder_.createMemberType(unit_, field, nullptr, 0, type->getSizeInBits(), 64, offset, llvm::DINode::FlagZero, type));
    offset += bits;
  }
  return builder_.createStructType(unit_, name, nullptr, 0, offset, 64, llvm::DINode::FlagZero, nullptr, builder_.getOrCreateArray(fields));
}

llvm::DIType* DebugInfo::array_struct(ir::TypeRef t) {
  llvm::DIType* word = number(ir::pyint());
  llvm::DIType* element = ir::is_number(t->elem) ? number(t->elem) : word;
  std::vector<std::pair<std::string, llvm::DIType*>> members{{"owner", builder_.createPointerType(nullptr, 64)}, {"data", builder_.createPointerType(element, 64)}};
  auto counts = [&](const char* name, int64_t n) {
    if (n > 0) members.push_back({name, builder_.createArrayType(static_cast<uint64_t>(n) * 64, 64, word, builder_.getOrCreateArray({builder_.getOrCreateSubrange(0, n)}))});
  };
  counts("shape", t->ndim);
  counts("strides", t->layout == ir::Layout::A ? t->ndim : t->layout == ir::Layout::S ? t->ndim - 1 : 0);
  return structure(t->text, members);
}

llvm::DIType* DebugInfo::type_of(ir::TypeRef t) {
  if (auto it = types_.find(t); it != types_.end()) return it->second;
  llvm::DIType* made = nullptr;
  if (ir::is_number(t)) {
    made = number(t);
  } else if (t->is(Kind::Array)) {
    made = array_struct(t);
  } else if (t->is(Kind::Str)) {
    llvm::DIType* character = builder_.createBasicType("char", 8, llvm::dwarf::DW_ATE_signed_char);
    made = structure("str", {{"data", builder_.createPointerType(character, 64)}, {"length", number(ir::pyint())}});
  } else if (t->is(Kind::Tuple)) {
    std::vector<std::pair<std::string, llvm::DIType*>> members;
    for (size_t k = 0; k < t->items.size(); ++k) members.push_back({k < t->names.size() ? t->names[k] : "item" + std::to_string(k), type_of(t->items[k])});
    made = structure(t->text, members);
  } else if (t->is(Kind::Range)) {
    made = structure("range", {{"start", number(ir::pyint())}, {"stop", number(ir::pyint())}, {"step", number(ir::pyint())}});
  } else {
    made = builder_.createPointerType(nullptr, 64, 0, std::nullopt, t->text);   // by address only
  }
  return types_[t] = made;
}

}  // namespace coluber::backend
