// The few members of Function and Program that are more than data.
#include "ir/function.h"

namespace coluber::ir {

ValueId Function::add_value(TypeRef type, BlockId block, std::string name) {
  Value& v = values.emplace_back();
  v.type = type;
  v.block = block;
  v.name = std::move(name);
  return static_cast<ValueId>(values.size() - 1);
}

BlockId Function::add_block() {
  blocks.emplace_back();
  return static_cast<BlockId>(blocks.size() - 1);
}

Function* Program::find(std::string_view name) const {
  for (const auto& f : functions)
    if (f->name == name) return f.get();
  return nullptr;
}

}  // namespace coluber::ir
