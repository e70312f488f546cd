// Parser and table of the host's types.
#include "jit/host/type_text.h"

#include <charconv>
#include <memory>
#include <unordered_map>

namespace coluber::jit {
namespace {

constexpr const char* kKindText[] = {
#define TYPE(Enum, text) text,
#include "ir/types.def"
};
constexpr int kKinds = sizeof(kKindText) / sizeof(kKindText[0]);

// Keys point into the types, which live as long as the process: their number is that of distinct types a program uses.
std::unordered_map<std::string_view, std::unique_ptr<HostType>>& table() {
  static auto* t = new std::unordered_map<std::string_view, std::unique_ptr<HostType>>;
  return *t;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  const HostType* parse() {
    size_t start = at_;
    auto type = std::make_unique<HostType>();
    std::string_view name = word();
    if (name == "namedtuple") {
      type->kind = Kind::Tuple;
    } else if (!find_kind(name, &type->kind)) {
      return nullptr;
    }
    if (peek() == '#' && !parse_tag(type.get())) return nullptr;
    if (peek() == '(' && !parse_arguments(type.get(), name == "namedtuple")) return nullptr;
    return finish(std::move(type), text_.substr(start, at_ - start));
  }
  bool at_end() const { return at_ == text_.size(); }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool eat(char c) { return peek() == c ? (++at_, true) : false; }
  std::string_view word() {
    size_t start = at_;
    while (at_ < text_.size() && (isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    return text_.substr(start, at_ - start);
  }
  static bool find_kind(std::string_view name, Kind* kind) {
    for (int k = 0; k < kKinds; k++) {
      if (name == kKindText[k]) return *kind = static_cast<Kind>(k), true;
    }
    return false;
  }
  bool number(int64_t* out) {
    auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), *out);
    if (error != std::errc()) return false;
    at_ = static_cast<size_t>(end - text_.data());
    return true;
  }
  bool parse_tag(HostType* type) {
    eat('#');
    if (type->kind == Kind::Method || type->kind == Kind::View) return !word().empty();
    return number(&type->handle);
  }
  bool parse_arguments(HostType* type, bool named) {
    eat('(');
    if (eat(')')) return true;
    do {
      if (type->kind == Kind::Array && type->elem) return parse_array_rest(type);
      if (named) {
        type->names.emplace_back(word());
        if (!eat(':')) return false;
      }
      const HostType* item = parse();
      if (!item) return false;
      if (!type->elem) type->elem = item;
      type->items.push_back(item);
    } while (eat(','));
    return eat(')');
  }
  bool parse_array_rest(HostType* type) {
    int64_t ndim;
    if (!number(&ndim) || ndim < 0 || ndim > 64 || !eat(',')) return false;
    type->ndim = static_cast<int>(ndim);
    type->layout = peek();
    if (std::string_view("CFSA").find(type->layout) == std::string_view::npos) return false;
    ++at_;
    if (eat(',')) {
      if (word() != "ro") return false;
      type->readonly = true;
    }
    return eat(')');
  }

  static int count_slots(const HostType& t) {
    auto sum = [&] {
      int n = 0;
      for (const HostType* item : t.items) n += item->slots;
      return n;
    };
    switch (t.kind) {
      case Kind::Bottom: case Kind::None: case Kind::Ellipsis: case Kind::DType: case Kind::Const: return 0;
      case Kind::PyComplex: case Kind::Complex64: case Kind::Complex128: return 2;
      case Kind::Str: case Kind::Range: return 3;
      case Kind::Tuple: case Kind::Closure: case Kind::Method: case Kind::View: case Kind::Iter: case Kind::Slice: return sum();
      case Kind::Optional: case Kind::Unbound: return 1 + t.elem->slots;
      case Kind::Array: {
        int strides = t.layout == 'A' ? t.ndim : t.layout == 'S' && t.ndim > 0 ? t.ndim - 1 : 0;
        return 2 + t.ndim + strides;
      }
      default: return 1;
    }
  }

  static const HostType* finish(std::unique_ptr<HostType> type, std::string_view text) {
    auto& types = table();
    if (auto it = types.find(text); it != types.end()) return it->second.get();
    type->text = text;
    type->slots = count_slots(*type);
    std::string_view key = type->text;
    return types.emplace(key, std::move(type)).first->second.get();
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

const HostType* parse_type(std::string_view text) {
  auto& types = table();
  if (auto it = types.find(text); it != types.end()) return it->second.get();
  Parser parser(text);
  const HostType* type = parser.parse();
  return type && parser.at_end() ? type : nullptr;
}

bool is_scalar(Kind k) { return k >= Kind::PyBool && k <= Kind::Complex128; }

int item_size(const HostType* t) {
  switch (t->kind) {
    case Kind::PyBool: case Kind::Bool: case Kind::Int8: case Kind::UInt8: return 1;
    case Kind::Int16: case Kind::UInt16: return 2;
    case Kind::Int32: case Kind::UInt32: case Kind::Float32: return 4;
    case Kind::PyInt: case Kind::PyFloat: case Kind::Int64: case Kind::UInt64: case Kind::Float64: case Kind::Complex64: return 8;
    case Kind::PyComplex: case Kind::Complex128: return 16;
    case Kind::Tuple: return 8 * t->slots;
    default: return 0;
  }
}

const char* kind_text(Kind k) { return kKindText[static_cast<int>(k)]; }

std::string map_handles(std::string_view text, int64_t (*map)(void*, int64_t), void* arg, const char* mark) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    out += text[i];
    if (text[i] != '#' || i + 1 >= text.size() || !isdigit(static_cast<unsigned char>(text[i + 1]))) continue;
    int64_t handle = 0;
    auto end = std::from_chars(text.data() + i + 1, text.data() + text.size(), handle).ptr;
    out.append(mark).append(std::to_string(map(arg, handle)));
    i = static_cast<size_t>(end - text.data()) - 1;
  }
  return out;
}

}  // namespace coluber::jit
