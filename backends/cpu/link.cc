// Loading of objects. Undefined symbols are looked up in the explicit list of process_symbols.def and intrinsics.def only: anything else
// in an object is a bug of ours and an error here, the same as when the object is stored in the cache.
#include "backends/cpu/link.h"

#include <dlfcn.h>

#include <llvm/ExecutionEngine/JITLink/ELF.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>
#include <llvm/Support/Process.h>

#include "backends/cpu/debugger.h"
#include "backends/llvm/module_lowering.h"

namespace coluber::backend {
namespace {

namespace jitlink = llvm::jitlink;

struct SymbolList {
  llvm::StringMap<void*> addresses;  // null: not looked up yet
  SymbolList() {
#define PROCESS_SYMBOL(name) addresses.try_emplace(#name, nullptr);
#include "backends/cpu/process_symbols.def"
    auto add_math = [&](bool libm, const std::string& name) {
      if (!libm) return;
      addresses.try_emplace(name, nullptr);
      addresses.try_emplace(name + "f", nullptr);
    };
    enum { Llvm = 0, Libm = 1, Code = 0 };
#define INTRINSIC(name, operands, how, symbol, domain, result) add_math(how, symbol);
#include "ir/intrinsics.def"
  }
};
const SymbolList& symbol_list() {
  static const auto* list = new SymbolList;
  return *list;
}

jitlink::InProcessMemoryManager& memory_manager() {
  static auto* manager = new jitlink::InProcessMemoryManager(llvm::sys::Process::getPageSizeEstimate());
  return *manager;
}

class LinkedCode : public MachineCode {
 public:
  LinkedCode(jitlink::JITLinkMemoryManager::FinalizedAlloc memory, std::unique_ptr<GdbEntry> gdb) : gdb_(std::move(gdb)) {
    memory_.push_back(std::move(memory));
  }
  ~LinkedCode() override {
    gdb_.reset();
    // The pages were mapped by us and are unmapped whole; there is nothing to do about a failure in a destructor but to keep them.
    memory_manager().deallocate(std::move(memory_), [](llvm::Error e) { llvm::consumeError(std::move(e)); });
  }

 private:
  std::vector<jitlink::JITLinkMemoryManager::FinalizedAlloc> memory_;
  std::unique_ptr<GdbEntry> gdb_;
};

class LinkContext : public jitlink::JITLinkContext {
 public:
  LinkContext(CompiledObject* out, const std::string& object, std::string name, bool debug)
      : JITLinkContext(nullptr), out_(out), object_(object), name_(std::move(name)), debug_(debug) {}

  jitlink::JITLinkMemoryManager& getMemoryManager() override { return memory_manager(); }

  void notifyFailed(llvm::Error e) override { out_->error = "linking: " + llvm::toString(std::move(e)); }

  void lookup(const LookupMap& symbols, std::unique_ptr<jitlink::JITLinkAsyncLookupContinuation> go_on) override {
    jitlink::AsyncLookupResult found;
    for (const auto& [name, flags] : symbols) {
      if (!is_process_symbol(name.str())) return go_on->run(missing(name, "is not in the list of symbols that objects may use"));
      void* address = dlsym(RTLD_DEFAULT, name.str().c_str());
      if (!address) return go_on->run(missing(name, "is not in this process"));
      found[name] = {llvm::orc::ExecutorAddr::fromPtr(address), llvm::JITSymbolFlags::Exported};
    }
    go_on->run(std::move(found));
  }

  llvm::Error notifyResolved(jitlink::LinkGraph& graph) override {
    for (jitlink::Symbol* symbol : graph.defined_symbols()) {
      if (!symbol->hasName()) continue;
      if (symbol->getName() == kEntrySymbol) out_->entry = symbol->getAddress().toPtr<coluber_entry>();
      if (symbol->getName() == kImportsSymbol) out_->imports = symbol->getAddress().toPtr<void**>();
    }
    for (jitlink::Section& section : graph.sections()) {
      jitlink::SectionRange range(section);
      if (debug_ && !range.empty()) sections_.push_back({section.getName().str(), range.getStart().getValue(), range.getSize()});
    }
    if (wants_perf_map()) add_functions(graph);
    return llvm::Error::success();
  }

  void notifyFinalized(jitlink::JITLinkMemoryManager::FinalizedAlloc memory) override {
    // Only now: gdb puts its breakpoints into the code as soon as it is told.
    out_->code = std::make_unique<LinkedCode>(std::move(memory), debug_ ? std::make_unique<GdbEntry>(object_, sections_) : nullptr);
  }

 private:
  void add_functions(jitlink::LinkGraph& graph) {
    std::vector<LoadedRange> functions;
    for (jitlink::Symbol* symbol : graph.defined_symbols()) {
      if (!symbol->hasName() || !symbol->isCallable()) continue;
      std::string name = symbol->getName() == kEntrySymbol ? "coluber." + name_ : symbol->getName().str();
      functions.push_back({std::move(name), symbol->getAddress().getValue(), symbol->getSize()});
    }
    add_to_perf_map(functions);
  }
  static llvm::Error missing(llvm::StringRef name, const char* why) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "the symbol " + name + " " + why);
  }
  CompiledObject* out_;
  const std::string& object_;
  std::string name_;
  bool debug_;
  std::vector<LoadedRange> sections_;
};

}  // namespace

bool is_process_symbol(const std::string& name) { return symbol_list().addresses.count(name) != 0; }

void link_object(const std::string& object, CompiledObject* out, const std::string& name, bool debug) {
  llvm::MemoryBufferRef buffer(object, "coluber");
  llvm::Expected<std::unique_ptr<jitlink::LinkGraph>> graph = jitlink::createLinkGraphFromELFObject(buffer);
  if (!graph) {
    out->error = "linking: " + llvm::toString(graph.takeError());
    return;
  }
  jitlink::link(std::move(*graph), std::make_unique<LinkContext>(out, object, name, debug));
  if (out->error.empty() && !out->entry) out->error = "linking: the object has no entry";
}

}  // namespace coluber::backend
