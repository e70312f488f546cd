// A program becomes a module: declarations of all functions first (so that calls need no order), then bodies, then the tables whose sizes
// are known only at the end (imports, traceback frames).
//
// The exported function is lowered straight into `coluber_entry` when nobody else calls it; otherwise it is an internal function like the
// others and a wrapper reads its arguments from the cells. Functions that the runtime calls (by_cells) have the entry's form as well.
#include "backends/llvm/module_lowering.h"

#include "backends/llvm/function_lowering.h"
#include "backends/llvm/vector_calls.h"

namespace coluber::backend {
namespace {

constexpr char kImportTable[] = "coluber_import_table";

llvm::FastMathFlags fast_math_flags(uint32_t bits) {
  llvm::FastMathFlags flags;
  flags.setNoNaNs(bits & kNnan);
  flags.setNoInfs(bits & kNinf);
  flags.setNoSignedZeros(bits & kNsz);
  flags.setAllowReciprocal(bits & kArcp);
  flags.setAllowContract(bits & kContract);
  flags.setApproxFunc(bits & kAfn);
  flags.setAllowReassoc(bits & kReassoc);
  return flags;
}

// The arguments of the exported entry point to memory of the caller that nothing else reaches while the entry runs.
void mark_entry(llvm::Function* f) {
  for (unsigned k = 0; k < f->arg_size(); ++k) {
    f->addParamAttr(k, llvm::Attribute::NoAlias);
    f->addParamAttr(k, llvm::Attribute::NonNull);
    f->addParamAttr(k, llvm::Attribute::NoUndef);
  }
  f->addParamAttr(1, llvm::Attribute::ReadOnly);
}

// The context is there as long as the call: what it says of the running thread may be read in front of a loop.
void mark_context(llvm::Function* f) {
  f->addDereferenceableParamAttr(0, sizeof(coluber_ctx));
  f->addParamAttr(0, llvm::Attribute::getWithAlignment(f->getContext(), llvm::Align(alignof(coluber_ctx))));
}

}  // namespace

// The code refers to a hidden symbol (no GOT); the alias with default visibility is what dlsym finds in a shared object of the cache.
llvm::GlobalVariable* make_import_table(llvm::Module& module, const std::vector<std::string>& keys) {
  llvm::GlobalVariable* before = module.getNamedGlobal(kImportTable);
  if (llvm::GlobalVariable* text = module.getNamedGlobal(kImportKeysSymbol)) text->eraseFromParent();
  llvm::GlobalVariable* table = nullptr;
  if (!keys.empty()) {
    auto* type = llvm::ArrayType::get(llvm::PointerType::getUnqual(module.getContext()), keys.size());
    table = new llvm::GlobalVariable(module, type, false, llvm::GlobalValue::ExternalLinkage, llvm::ConstantAggregateZero::get(type), "");
    table->setVisibility(llvm::GlobalValue::HiddenVisibility);
    table->setAlignment(llvm::Align(64));
    if (before) {
      before->replaceAllUsesWith(table);  // the alias among them
      table->takeName(before);
      before->eraseFromParent();
    } else {
      table->setName(kImportTable);
      llvm::GlobalAlias::create(type, 0, llvm::GlobalValue::ExternalLinkage, kImportsSymbol, table, &module);
    }
  }
  std::string text;
  for (const std::string& key : keys) text.append(key).push_back('\0');
  llvm::Constant* bytes = llvm::ConstantDataArray::getString(module.getContext(), text);  // with the final NUL: the empty key
  new llvm::GlobalVariable(module, bytes->getType(), true, llvm::GlobalValue::ExternalLinkage, bytes, kImportKeysSymbol);
  return table;
}

ModuleLowering::ModuleLowering(llvm::Module& module, const ir::Program& program, Target& target, const Options& options)
    : context_(module.getContext()),
      module_(module),
      program_(program),
      target_(target),
      options_(options),
      fast_math_(fast_math_flags(options.fastmath)) {
  if (options.debug) debug_ = std::make_unique<DebugInfo>(module, static_cast<DebugLevel>(options.debug));
  llvm::MDBuilder md(context_);
  llvm::MDNode* root = md.createTBAARoot("coluber");
  auto tag_of = [&](const char* name) {
    llvm::MDNode* type = md.createTBAAScalarTypeNode(name, root);
    return md.createTBAAStructTagNode(type, type, 0);
  };
  element_tag_ = tag_of("element");
  independent_ = llvm::MDNode::getDistinct(context_, {});
  header_tag_ = tag_of("header");
  context_tag_ = tag_of("context");
  lists_ = llvm::MDNode::get(context_, md.createAnonymousAliasScope(md.createAnonymousAliasScopeDomain("lists"), "lists"));
  unlikely_false_ = md.createBranchWeights(1 << 20, 1);
  unlikely_true_ = md.createBranchWeights(1, 1 << 20);
  llvm::AttrBuilder call(context_);
  call.addAttribute(llvm::Attribute::NoUnwind);
  plain_call_ = llvm::AttributeList::get(context_, llvm::AttributeList::FunctionIndex, call);
  call.addAttribute(llvm::Attribute::Cold);
  cold_call_ = llvm::AttributeList::get(context_, llvm::AttributeList::FunctionIndex, call);
  llvm::Type* pointer = llvm::PointerType::getUnqual(context_);
  auto placeholder = [&](llvm::Type* type) {
    return new llvm::GlobalVariable(module_, type, false, llvm::GlobalValue::ExternalLinkage, nullptr);
  };
  imports_ = placeholder(pointer);
  frame_table_ = placeholder(pointer);
  frame_text_ = placeholder(pointer);
}

LoweredProgram ModuleLowering::run() {
  LoweredProgram result;
  const ir::Function* exported = find_exported();
  if (!exported) fail("the program has no exported function");
  bool direct = exported && !is_called(exported->name);
  for (const auto& fn : program_.functions) declare(*fn, fn->by_cells || (direct && fn.get() == exported));
  for (const auto& fn : program_.functions) {
    if (!error_.empty()) break;
    FunctionLowering(*this, *fn, functions_[fn->name].first, fn->by_cells || (direct && fn.get() == exported)).run();
  }
  if (exported && !direct) emit_entry_wrapper(*exported);
  emit_frame_table();
  emit_import_table(&result);
  if (debug_) debug_->finish();
  result.error = error_;
  return result;
}

const ir::Function* ModuleLowering::find_exported() {
  const ir::Function* found = nullptr;
  for (const auto& fn : program_.functions) {
    if (!fn->typed) fail("function " + fn->name + " is not typed");
    if (!fn->exported) continue;
    if (found) fail("two exported functions: " + found->name + " and " + fn->name);
    found = fn.get();
  }
  return found;
}

bool ModuleLowering::is_called(const std::string& name) const {
  for (const auto& fn : program_.functions)
    for (const ir::Block& block : fn->blocks)
      for (const ir::Op& op : block.ops)
        if ((op.code == ir::OpCode::Call || op.code == ir::OpCode::FuncAddr) && op.sym == name) return true;
  return false;
}

void ModuleLowering::declare(const ir::Function& fn, bool by_cells) {
  llvm::Type* pointer = llvm::PointerType::getUnqual(context_);
  llvm::SmallVector<llvm::Type*, 16> types{pointer};
  std::vector<Slot> params;
  if (by_cells) {
    types.append(2, pointer);
  } else {
    if (!fn.blocks.empty())
      for (ir::ValueId p : fn.blocks[0].params)
        for (const Slot& slot : slots_.of(fn.type_of(p))) params.push_back(slot);
    for (const Slot& slot : params) types.push_back(ssa_type(context_, slot));
    types.push_back(pointer);
  }
  auto* type = llvm::FunctionType::get(llvm::Type::getInt32Ty(context_), types, false);
  bool entry = by_cells && fn.exported;
  auto linkage = entry ? llvm::GlobalValue::ExternalLinkage : llvm::GlobalValue::InternalLinkage;
  std::string name = entry ? std::string(kEntrySymbol) : "coluber." + fn.name;
  llvm::Function* f = llvm::Function::Create(type, linkage, name, module_);
  f->setDoesNotThrow();
  mark_context(f);
  if (by_cells) {
    mark_entry(f);
  } else {
    f->setDSOLocal(true);
    for (unsigned k = 0; k < f->arg_size(); ++k) f->addParamAttr(k, llvm::Attribute::NoUndef);
    f->addParamAttr(0, llvm::Attribute::NonNull);
    f->addParamAttr(f->arg_size() - 1, llvm::Attribute::NonNull);
    llvm::ConstantRange not_negative(llvm::APInt(64, 0), llvm::APInt::getSignedMinValue(64));
    for (unsigned k = 0; k < params.size(); ++k) {
      if (params[k].fact == SlotFact::NotNegative)
        f->addParamAttr(k + 1, llvm::Attribute::get(context_, llvm::Attribute::Range, not_negative));
      if (params[k].kind == SlotKind::Bool) f->addParamAttr(k + 1, llvm::Attribute::ZExt);
    }
    if (fn.always_inline && !fn.recursive) f->addFnAttr(llvm::Attribute::AlwaysInline);
  }
  if (!functions_.try_emplace(fn.name, f, &fn).second) fail("two functions are named " + fn.name);
}

void ModuleLowering::emit_entry_wrapper(const ir::Function& fn) {
  llvm::Type* pointer = llvm::PointerType::getUnqual(context_);
  auto* type = llvm::FunctionType::get(llvm::Type::getInt32Ty(context_), {pointer, pointer, pointer}, false);
  llvm::Function* f = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, kEntrySymbol, module_);
  f->setDoesNotThrow();
  mark_entry(f);
  Builder b(llvm::BasicBlock::Create(context_, "", f));
  if (debug_) {
    debug_->attach(fn, f);
    b.SetCurrentDebugLocation(debug_->location(fn, 0));
  }
  llvm::SmallVector<llvm::Value*, 16> arguments{f->getArg(0)};
  int cell = 0;
  for (ir::ValueId p : fn.blocks[0].params) {
    Slots loaded = load_argument_cells(*this, b, f->getArg(1), fn.type_of(p), &cell);
    arguments.append(loaded.begin(), loaded.end());
  }
  arguments.push_back(f->getArg(2));
  llvm::CallInst* call = b.CreateCall(functions_[fn.name].first, arguments);
  call->setDoesNotThrow();
  b.CreateRet(call);
}

llvm::Function* ModuleLowering::function(const std::string& name, const ir::Function** ir) {
  auto it = functions_.find(name);
  if (it == functions_.end()) {
    fail("no function named " + name);
    return nullptr;
  }
  if (ir) *ir = it->second.second;
  return it->second.first;
}

llvm::Value* ModuleLowering::import(Builder& b, const std::string& key) {
  auto [it, is_new] = import_index_.try_emplace(key, static_cast<int>(import_keys_.size()));
  if (is_new) import_keys_.push_back(key);
  llvm::Value* slot = b.CreateConstInBoundsGEP1_64(b.getPtrTy(), imports_, it->second);
  llvm::LoadInst* load = b.CreateAlignedLoad(b.getPtrTy(), slot, llvm::Align(8));
  load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context_, {}));
  return load;
}

llvm::CallInst* ModuleLowering::call_runtime(Builder& b, const char* name, llvm::ArrayRef<llvm::Value*> arguments) {
  const RuntimeSymbol* symbol = find_runtime_symbol(name);
  llvm::FunctionType* type = runtime_type(context_, *symbol);
  llvm::CallInst* call = b.CreateCall(type, import(b, std::string("rt:") + name), arguments);
  call->setAttributes(symbol->flags & kRtCold ? cold_call_ : plain_call_);
  if (symbol->flags & kRtNoAlias) {
    call->addRetAttr(llvm::Attribute::NoAlias);
    call->setMemoryEffects(llvm::MemoryEffects::inaccessibleOrArgMemOnly());
  }
  return call;
}

void ModuleLowering::leaves_lists(llvm::CallInst* call) { call->setMetadata(llvm::LLVMContext::MD_noalias, lists_); }

llvm::FunctionCallee ModuleLowering::pure_function(llvm::StringRef name, llvm::FunctionType* type) {
  llvm::FunctionCallee callee = module_.getOrInsertFunction(name, type);
  auto* f = llvm::cast<llvm::Function>(callee.getCallee());
  if (!f->doesNotThrow()) mark_pure(f);  // not declared before
  return callee;
}

llvm::Constant* ModuleLowering::record(llvm::ArrayRef<llvm::Constant*> fields) {
  llvm::Constant* data = llvm::ConstantStruct::getAnon(context_, fields);
  return new llvm::GlobalVariable(module_, data->getType(), true, llvm::GlobalValue::PrivateLinkage, data);
}

llvm::Constant* ModuleLowering::string(const std::string& text) {
  llvm::Constant*& entry = strings_[text];
  if (!entry) {
    llvm::Constant* bytes = llvm::ConstantDataArray::getString(context_, text);
    auto* global = new llvm::GlobalVariable(module_, bytes->getType(), true, llvm::GlobalValue::PrivateLinkage, bytes);
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    global->setAlignment(llvm::Align(1));
    entry = global;
  }
  return entry;
}

int32_t ModuleLowering::intern_text(const std::string& text) {
  auto [it, is_new] = text_index_.try_emplace(text, static_cast<int32_t>(text_.size()));
  if (is_new) text_.append(text).push_back('\0');
  return it->second;
}

int32_t ModuleLowering::intern_frame(const Frame& f) {
  std::vector<int32_t> key{f.name, f.file, f.line, f.col, f.parent};
  auto [it, is_new] = frame_index_.try_emplace(std::move(key), static_cast<int32_t>(frames_.size()));
  if (is_new) frames_.push_back(f);
  return it->second;
}

int32_t ModuleLowering::frame(const ir::Function& fn, uint32_t loc_index, uint32_t until_scope, bool skip_first) {
  struct Step {
    uint32_t scope, loc;
  };
  llvm::SmallVector<Step, 4> chain;  // innermost first
  uint32_t loc = loc_index < fn.locs.size() ? loc_index : 0;
  uint32_t scope = fn.locs[loc].scope;
  bool met = false;
  while (chain.size() < COLUBER_MAX_FRAMES) {
    chain.push_back({scope, loc});
    met = scope == until_scope;
    if (met || scope >= fn.scopes.size() || fn.scopes[scope].parent == ir::kNoId) break;
    loc = fn.scopes[scope].parent_loc < fn.locs.size() ? fn.scopes[scope].parent_loc : 0;
    scope = fn.scopes[scope].parent;
  }
  int32_t index = kNoFrame;
  for (size_t k = chain.size(); k-- > (skip_first ? 1u : 0u);) {
    const ir::Loc& l = fn.locs[chain[k].loc];
    bool known = chain[k].scope < fn.scopes.size();
    Frame f{intern_text(known ? fn.scopes[chain[k].scope].name : fn.name), intern_text(known ? fn.scopes[chain[k].scope].file : ""),
            static_cast<int32_t>(l.line), static_cast<int32_t>(l.col), index};
    index = intern_frame(f);
  }
  return index;
}

// Five int32 a row and one blob of text: no relocations, and five instructions per place that may fail are saved.
void ModuleLowering::emit_frame_table() {
  llvm::SmallVector<uint32_t, 64> words;
  for (const Frame& f : frames_)
    for (int32_t word : {f.name, f.file, f.line, f.col, f.parent}) words.push_back(static_cast<uint32_t>(word));
  auto replace = [&](llvm::GlobalVariable* placeholder, llvm::Constant* data, unsigned align) {
    if (!placeholder->use_empty()) {
      auto* global = new llvm::GlobalVariable(module_, data->getType(), true, llvm::GlobalValue::PrivateLinkage, data);
      global->setAlignment(llvm::Align(align));
      placeholder->replaceAllUsesWith(global);
    }
    placeholder->eraseFromParent();
  };
  replace(frame_table_, llvm::ConstantDataArray::get(context_, words), 4);
  replace(frame_text_, llvm::ConstantDataArray::getString(context_, text_, false), 1);
  frame_table_ = frame_text_ = nullptr;
}

void ModuleLowering::emit_import_table(LoweredProgram* result) {
  result->import_keys = import_keys_;
  llvm::GlobalVariable* table = make_import_table(module_, import_keys_);
  if (table) imports_->replaceAllUsesWith(table);
  imports_->eraseFromParent();
  imports_ = nullptr;
}

llvm::Instruction* ModuleLowering::tag(llvm::Instruction* access, Memory memory) {
  switch (memory) {
    case Memory::Anything:
      return access;
    case Memory::Independent:
      access->setMetadata(llvm::LLVMContext::MD_access_group, independent_);
      [[fallthrough]];
    case Memory::Element:
      access->setMetadata(llvm::LLVMContext::MD_tbaa, element_tag_);
      return access;
    case Memory::List:
      access->setMetadata(llvm::LLVMContext::MD_alias_scope, lists_);
      [[fallthrough]];
    case Memory::Header:
      access->setMetadata(llvm::LLVMContext::MD_tbaa, header_tag_);
      return access;
    case Memory::Context:
      access->setMetadata(llvm::LLVMContext::MD_tbaa, context_tag_);
      return access;
  }
  return access;
}

}  // namespace coluber::backend
