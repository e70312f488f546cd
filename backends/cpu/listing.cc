// Listings: LLVM IR and assembly by lines of Python. Debug locations carry the lines through the optimiser; `.loc` and `.file` directives
// carry them into the assembly, which is read back as text.
#include "backends/cpu/listing.h"

#include <llvm/IR/DiagnosticHandler.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/ModuleSlotTracker.h>

#include "backends/llvm/debug_info.h"

namespace coluber::backend {
namespace {

class Collector : public llvm::DiagnosticHandler {
 public:
  explicit Collector(Listing* listing) : listing_(listing) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo& info) override {
    const auto* remark = llvm::dyn_cast<llvm::DiagnosticInfoIROptimization>(&info);
    if (!remark) return false;
    if (!wanted(remark->getPassName())) return true;
    const char* kind = llvm::isa<llvm::OptimizationRemark>(info) ? "passed" : llvm::isa<llvm::OptimizationRemarkMissed>(info) ? "missed" : "analysis";
    llvm::DiagnosticLocation place = remark->getLocation();
    std::string file = place.isValid() ? place.getAbsolutePath() : std::string();
    listing_->remarks.push_back({std::move(file), place.isValid() ? place.getLine() : 0, place.isValid() ? place.getColumn() : 0, kind,
                                 remark->getPassName().str(), remark->getMsg()});
    return true;
  }
  // Only what says something of loops: the others are many.
  static bool wanted(llvm::StringRef pass) { return pass == "loop-vectorize" || pass == "loop-unroll" || pass == "slp-vectorizer"; }
  bool isAnalysisRemarkEnabled(llvm::StringRef pass) const override { return wanted(pass); }
  bool isMissedOptRemarkEnabled(llvm::StringRef pass) const override { return wanted(pass); }
  bool isPassedOptRemarkEnabled(llvm::StringRef pass) const override { return wanted(pass); }
  bool isAnyRemarkEnabled() const override { return true; }

 private:
  Listing* listing_;
};

// What LLVM inlined from the library belongs to the line that called it.
void show_users_lines(llvm::Module& module) {
  for (llvm::Function& f : module)
    for (llvm::BasicBlock& block : f)
      for (llvm::Instruction& i : block) {
        llvm::DILocation* place = i.getDebugLoc().get();
        while (place && place->getInlinedAt() && is_library_place(place)) place = place->getInlinedAt();
        if (place && place != i.getDebugLoc().get()) i.setDebugLoc(llvm::DebugLoc(place));
      }
}

std::string path_of(llvm::StringRef directory, llvm::StringRef file) {
  return file.starts_with("/") || directory.empty() || directory == "." ? file.str() : (directory + "/" + file).str();
}

// The text without its metadata: `, !tbaa !5`.
std::string plain(std::string text) {
  size_t cut = text.find(", !");
  if (cut != std::string::npos) text.resize(cut);
  size_t start = text.find_first_not_of(' ');
  return start == std::string::npos ? std::string() : text.substr(start);
}

void list_llvm(llvm::Module& module, Listing* listing) {
  llvm::ModuleSlotTracker slots(&module);
  for (llvm::Function& f : module) {
    if (f.isDeclaration()) continue;
    slots.incorporateFunction(f);
    for (llvm::BasicBlock& block : f)
      for (llvm::Instruction& i : block) {
        std::string text;
        llvm::raw_string_ostream stream(text);
        i.print(stream, slots);
        const llvm::DILocation* place = i.getDebugLoc().get();
        listing->llvm.push_back({place ? path_of(place->getDirectory(), place->getFilename()) : "", place ? place->getLine() : 0, plain(text)});
      }
  }
}

std::string unquoted(llvm::StringRef text) {
  text = text.trim();
  text.consume_front("\"");
  text.consume_back("\"");
  return text.str();
}

// `.file 1 "dir" "name"` numbers the files; `.loc 1 12 5 ...` says where the instructions behind it come from.
void list_assembly(llvm::StringRef text, Listing* listing) {
  std::map<unsigned, std::string> files;
  std::string file;
  unsigned line = 0;
  llvm::SmallVector<llvm::StringRef, 0> rows;
  text.split(rows, '\n');
  for (llvm::StringRef row : rows) {
    llvm::StringRef code = row.split('#').first.rtrim(), word = code.ltrim();
    if (word.consume_front(".file")) {
      unsigned number = 0;
      word = word.ltrim();
      if (word.consumeInteger(10, number)) continue;
      auto [directory, name] = word.trim().split("\" \"");
      files[number] = name.empty() ? unquoted(directory) : path_of(unquoted(directory), unquoted(name));
    } else if (word.consume_front(".loc")) {
      unsigned number = 0;
      word = word.ltrim();
      if (word.consumeInteger(10, number) || (word = word.ltrim()).consumeInteger(10, line)) continue;
      file = files[number];
    } else if (word.starts_with(".section") || word.starts_with(".debug")) {
      line = 0;                                // data and debug sections follow the code
    } else if (code.starts_with(".L") && code.ends_with(":")) {
      listing->assembly.push_back({file, line, code.str()});
    } else if (!word.empty() && !word.starts_with(".") && code.starts_with("\t")) {
      listing->assembly.push_back({file, line, word.str()});
    }
  }
}

}  // namespace

void collect_remarks(llvm::LLVMContext& context, Listing* listing) { context.setDiagnosticHandler(std::make_unique<Collector>(listing), false); }

void list_lines(llvm::Module& module, const std::function<std::string(const llvm::Module&)>& assemble, Listing* listing) {
  show_users_lines(module);
  list_llvm(module, listing);
  list_assembly(assemble(module), listing);
}

}  // namespace coluber::backend
