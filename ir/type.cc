// The table of types. A type is interned by its canonical text, which says everything about it: two types are the same exactly when their
// texts are. Types without parameters sit in a fixed array and need no lock; the others are found under a shared lock.
#include "ir/type.h"

#include <array>
#include <cassert>
#include <charconv>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "ir/text.h"

namespace coluber::ir {
namespace {

constexpr const char* kKindText[] = {
#define TYPE(Enum, text) text,
#include "ir/types.def"
};
constexpr int kKinds = sizeof(kKindText) / sizeof(kKindText[0]);

constexpr bool has_parameters(Kind k) {
  switch (k) {
    case Kind::Tuple: case Kind::List: case Kind::Array: case Kind::Slice: case Kind::Optional: case Kind::Unbound: case Kind::Iter:
    case Kind::DType: case Kind::Const: case Kind::Closure: case Kind::Method: case Kind::Exc: case Kind::Ptr: case Kind::View:
      return true;
    default:
      return false;
  }
}

struct Table {
  std::array<Type, kKinds> scalars;
  std::shared_mutex mutex;
  std::unordered_map<std::string_view, TypeRef> by_text;   // keys point into the types
  uint32_t next_id = 0;

  Table() {
    by_text.reserve(256);
    for (int k = 0; k < kKinds; ++k) {
      Type& t = scalars[k];
      t.kind = static_cast<Kind>(k);
      t.text = kKindText[k];
      t.id = next_id++;
      if (!has_parameters(t.kind)) by_text.emplace(t.text, &t);
    }
  }
};

// Never destroyed: types are used until the last thread of the process ends.
Table& table() {
  static Table* t = new Table;
  return *t;
}

TypeRef find_text(std::string_view text) {
  Table& t = table();
  std::shared_lock lock(t.mutex);
  auto it = t.by_text.find(text);
  return it == t.by_text.end() ? nullptr : it->second;
}

// `fill` completes a new type; it runs only when the text is not known yet.
template <class Fill>
TypeRef intern(std::string_view text, Kind kind, Fill fill) {
  if (TypeRef known = find_text(text)) return known;
  auto* made = new Type;
  made->kind = kind;
  made->text = text;
  fill(*made);
  Table& t = table();
  std::unique_lock lock(t.mutex);
  auto [it, fresh] = t.by_text.emplace(made->text, made);
  if (!fresh) {
    delete made;                            // another thread was faster
    return it->second;
  }
  made->id = t.next_id++;
  return made;
}

// Text is built in a buffer of the thread: looking up a known type allocates nothing.
std::string& buffer() {
  thread_local std::string b;
  b.clear();
  return b;
}

void append_int(std::string* out, int64_t v) {
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, v).ptr;
  out->append(digits, end);
}

void append_list(std::string* out, const std::vector<TypeRef>& items) {
  out->push_back('(');
  for (size_t i = 0; i < items.size(); ++i) {
    if (i) out->push_back(',');
    out->append(items[i]->text);
  }
  out->push_back(')');
}

TypeRef wrap(Kind kind, TypeRef elem) {
  std::string& text = buffer();
  text.append(kind_text(kind)).append("(").append(elem->text).append(")");
  return intern(text, kind, [&](Type& t) { t.elem = elem; });
}

TypeRef with_handle(Kind kind, int64_t handle) {
  std::string& text = buffer();
  text.append(kind_text(kind)).push_back('#');
  append_int(&text, handle);
  return intern(text, kind, [&](Type& t) { t.handle = handle; });
}

}  // namespace

const char* kind_text(Kind k) { return kKindText[static_cast<int>(k)]; }

TypeRef scalar(Kind kind) {
  assert(!has_parameters(kind));
  return &table().scalars[static_cast<int>(kind)];
}
TypeRef bottom() { return scalar(Kind::Bottom); }
TypeRef none() { return scalar(Kind::None); }
TypeRef pybool() { return scalar(Kind::PyBool); }
TypeRef pyint() { return scalar(Kind::PyInt); }
TypeRef pyfloat() { return scalar(Kind::PyFloat); }
TypeRef pycomplex() { return scalar(Kind::PyComplex); }
TypeRef str() { return scalar(Kind::Str); }
TypeRef owner() { return scalar(Kind::Owner); }

TypeRef tuple_of(std::vector<TypeRef> items) {
  std::string& text = buffer();
  text.append(kind_text(Kind::Tuple));
  append_list(&text, items);
  return intern(text, Kind::Tuple, [&](Type& t) { t.items = std::move(items); });
}

TypeRef namedtuple_of(int64_t cls, std::vector<std::string> names, std::vector<TypeRef> items) {
  assert(names.size() == items.size());
  std::string& text = buffer();
  text.append("namedtuple#");
  append_int(&text, cls);
  text.push_back('(');
  for (size_t i = 0; i < items.size(); ++i) {
    if (i) text.push_back(',');
    text.append(names[i]).append(":").append(items[i]->text);
  }
  text.push_back(')');
  return intern(text, Kind::Tuple, [&](Type& t) {
    t.handle = cls;
    t.names = std::move(names);
    t.items = std::move(items);
  });
}

TypeRef list_of(TypeRef elem) { return wrap(Kind::List, elem); }

TypeRef array_of(TypeRef elem, int ndim, Layout layout, bool readonly) {
  std::string& text = buffer();
  text.append("array(").append(elem->text).push_back(',');
  append_int(&text, ndim);
  text.push_back(',');
  text.push_back("CFSA"[static_cast<int>(layout)]);
  text.append(readonly ? ",ro)" : ")");
  return intern(text, Kind::Array, [&](Type& t) {
    t.elem = elem;
    t.ndim = ndim;
    t.layout = layout;
    t.readonly = readonly;
  });
}

TypeRef slice_of(TypeRef start, TypeRef stop, TypeRef step) {
  std::string& text = buffer();
  text.append(kind_text(Kind::Slice));
  std::vector<TypeRef> items{start, stop, step};
  append_list(&text, items);
  return intern(text, Kind::Slice, [&](Type& t) { t.items = std::move(items); });
}

TypeRef optional_of(TypeRef elem) {
  if (elem->is(Kind::Optional) || elem->is(Kind::None)) return elem;
  return wrap(Kind::Optional, elem);
}
TypeRef unbound_of(TypeRef elem) { return elem->is(Kind::Unbound) ? elem : wrap(Kind::Unbound, elem); }
TypeRef iter_of(TypeRef iterable) { return wrap(Kind::Iter, iterable); }
TypeRef dtype_of(TypeRef elem) { return wrap(Kind::DType, elem); }
TypeRef object_const(int64_t handle) { return with_handle(Kind::Const, handle); }
TypeRef exc_of(int64_t handle) { return with_handle(Kind::Exc, handle); }
TypeRef ptr_to(TypeRef elem) { return wrap(Kind::Ptr, elem); }

TypeRef closure_of(int64_t handle, std::vector<TypeRef> captures) {
  std::string& text = buffer();
  text.append("closure#");
  append_int(&text, handle);
  append_list(&text, captures);
  return intern(text, Kind::Closure, [&](Type& t) {
    t.handle = handle;
    t.items = std::move(captures);
  });
}

TypeRef method_of(TypeRef self, std::string_view name) {
  std::string& text = buffer();
  text.append("method#").append(name).append("(").append(self->text).append(")");
  return intern(text, Kind::Method, [&](Type& t) {
    t.elem = self;
    t.name = name;
  });
}

TypeRef view_of(std::string_view name, std::vector<TypeRef> items) {
  std::string& text = buffer();
  text.append("view#").append(name);
  append_list(&text, items);
  return intern(text, Kind::View, [&](Type& t) {
    t.name = name;
    t.items = std::move(items);
  });
}

// ---- questions -------------------------------------------------------------------------------------------------------------------

bool is_weak(TypeRef t) { return t->kind >= Kind::PyBool && t->kind <= Kind::PyComplex; }
bool is_bool(TypeRef t) { return t->is(Kind::PyBool) || t->is(Kind::Bool); }
bool is_integer(TypeRef t) { return t->is(Kind::PyInt) || (t->kind >= Kind::Int8 && t->kind <= Kind::UInt64); }
bool is_signed(TypeRef t) { return t->is(Kind::PyInt) || (t->kind >= Kind::Int8 && t->kind <= Kind::Int64); }
bool is_float(TypeRef t) { return t->is(Kind::PyFloat) || t->is(Kind::Float32) || t->is(Kind::Float64); }
bool is_complex(TypeRef t) { return t->is(Kind::PyComplex) || t->is(Kind::Complex64) || t->is(Kind::Complex128); }
bool is_number(TypeRef t) { return t->kind >= Kind::PyBool && t->kind <= Kind::Complex128; }
static_assert(Kind::PyBool < Kind::PyComplex && Kind::Int8 < Kind::Int64 && Kind::Int64 < Kind::UInt8 && Kind::UInt64 < Kind::Float32 &&
              static_cast<int>(Kind::Complex128) - static_cast<int>(Kind::PyBool) == 16, "the ranges above follow the order of types.def");

bool is_managed(TypeRef t) {
  switch (t->kind) {
    case Kind::Array: case Kind::List: case Kind::Str: case Kind::Owner: case Kind::Exc: case Kind::Object:
      return true;
    case Kind::Optional: case Kind::Unbound: case Kind::Iter: case Kind::Method:
      return is_managed(t->elem);
    case Kind::Tuple: case Kind::Closure: case Kind::View:
      for (TypeRef item : t->items)
        if (is_managed(item)) return true;
      return false;
    default:
      return false;
  }
}

namespace {

// Slots of a value, as types.def lists them.
int slot_count(TypeRef t) {
  switch (t->kind) {
    case Kind::Bottom: case Kind::None: case Kind::Ellipsis: case Kind::DType: case Kind::Const:
      return 0;
    case Kind::PyComplex: case Kind::Complex64: case Kind::Complex128:
      return 2;
    case Kind::Str: case Kind::Range:
      return 3;
    case Kind::Optional: case Kind::Unbound:
      return 1 + slot_count(t->elem);
    case Kind::Method:
      return slot_count(t->elem);
    case Kind::Iter:
      return slot_count(t->elem) + 1;
    case Kind::Array: {
      int strides = t->layout == Layout::A ? t->ndim : t->layout == Layout::S ? (t->ndim > 0 ? t->ndim - 1 : 0) : 0;
      return 2 + t->ndim + strides;
    }
    case Kind::Tuple: case Kind::Slice: case Kind::Closure: case Kind::View: {
      int n = 0;
      for (TypeRef item : t->items) n += slot_count(item);
      return n;
    }
    default:
      return 1;
  }
}

}  // namespace

int item_size(TypeRef t) {
  switch (t->kind) {
    case Kind::PyBool: case Kind::Bool: case Kind::Int8: case Kind::UInt8:
      return 1;
    case Kind::Int16: case Kind::UInt16:
      return 2;
    case Kind::Int32: case Kind::UInt32: case Kind::Float32:
      return 4;
    case Kind::PyInt: case Kind::PyFloat: case Kind::Int64: case Kind::UInt64: case Kind::Float64: case Kind::Complex64:
      return 8;
    case Kind::PyComplex: case Kind::Complex128:
      return 16;
    default:
      return 8 * slot_count(t);
  }
}

TypeRef real_of(TypeRef t) {
  switch (t->kind) {
    case Kind::PyComplex: return pyfloat();
    case Kind::Complex64: return scalar(Kind::Float32);
    case Kind::Complex128: return scalar(Kind::Float64);
    default: return t;
  }
}

TypeRef strong(TypeRef t) {
  switch (t->kind) {
    case Kind::PyBool: return scalar(Kind::Bool);
    case Kind::PyInt: return scalar(Kind::Int64);
    case Kind::PyFloat: return scalar(Kind::Float64);
    case Kind::PyComplex: return scalar(Kind::Complex128);
    default: return t;
  }
}

// ---- parsing -----------------------------------------------------------------------------------------------------------------------

namespace {

class TypeParser {
 public:
  TypeParser(std::string_view text, size_t pos) : text_(text), pos_(pos) {}
  size_t pos() const { return pos_; }

  TypeRef type(int depth = 0) {
    if (depth > kMaxTypeDepth) return nullptr;
    std::string_view word = this->word();
    if (word == "namedtuple") return named_tuple(depth);
    for (int k = 0; k < kKinds; ++k)
      if (word == kKindText[k]) {
        Kind kind = static_cast<Kind>(k);
        return has_parameters(kind) ? with_parameters(kind, depth) : scalar(kind);
      }
    return nullptr;
  }

 private:
  TypeRef with_parameters(Kind kind, int depth) {
    std::vector<TypeRef> items;
    std::string_view name;
    int64_t handle = 0;
    switch (kind) {
      case Kind::Array: return array(depth);
      case Kind::Tuple: return list(&items, depth) ? tuple_of(std::move(items)) : nullptr;
      case Kind::Slice: return list(&items, depth) && items.size() == 3 ? slice_of(items[0], items[1], items[2]) : nullptr;
      case Kind::Const: return hash(&handle) ? object_const(handle) : nullptr;
      case Kind::Exc: return hash(&handle) ? exc_of(handle) : nullptr;
      case Kind::Closure: return hash(&handle) && list(&items, depth) ? closure_of(handle, std::move(items)) : nullptr;
      case Kind::Method: return hash_name(&name) && list(&items, depth) && items.size() == 1 ? method_of(items[0], name) : nullptr;
      case Kind::View: return hash_name(&name) && list(&items, depth) ? view_of(name, std::move(items)) : nullptr;
      case Kind::Optional:
        return list(&items, depth) && items.size() == 1 ? optional_of(items[0]) : nullptr;
      case Kind::Unbound:
        return list(&items, depth) && items.size() == 1 ? unbound_of(items[0]) : nullptr;
      default: return list(&items, depth) && items.size() == 1 ? wrap(kind, items[0]) : nullptr;
    }
  }

  TypeRef array(int depth) {
    if (!eat('(')) return nullptr;
    TypeRef elem = type(depth + 1);
    int64_t ndim = 0;
    if (!elem || !eat(',') || !integer(&ndim) || ndim < 0 || ndim > 64 || !eat(',')) return nullptr;
    size_t layout = pos_ < text_.size() ? std::string_view("CFSA").find(text_[pos_]) : std::string_view::npos;
    if (layout == std::string_view::npos) return nullptr;
    ++pos_;
    bool readonly = eat(',');
    if (readonly && word() != "ro") return nullptr;
    if (!eat(')')) return nullptr;
    return array_of(elem, static_cast<int>(ndim), static_cast<Layout>(layout), readonly);
  }

  TypeRef named_tuple(int depth) {
    int64_t cls = 0;
    if (!hash(&cls) || !eat('(')) return nullptr;
    std::vector<std::string> names;
    std::vector<TypeRef> items;
    if (!eat(')')) {
      do {
        std::string_view field = word();
        if (field.empty() || !eat(':')) return nullptr;
        TypeRef item = type(depth + 1);
        if (!item) return nullptr;
        names.emplace_back(field);
        items.push_back(item);
      } while (eat(','));
      if (!eat(')')) return nullptr;
    }
    return namedtuple_of(cls, std::move(names), std::move(items));
  }

  bool list(std::vector<TypeRef>* out, int depth) {
    if (!eat('(')) return false;
    if (eat(')')) return true;
    do {
      TypeRef item = type(depth + 1);
      if (!item) return false;
      out->push_back(item);
    } while (eat(','));
    return eat(')');
  }

  bool hash(int64_t* out) { return eat('#') && integer(out); }
  bool hash_name(std::string_view* out) {
    if (!eat('#')) return false;
    *out = word();
    return !out->empty();
  }
  bool integer(int64_t* out) {
    const char* begin = text_.data() + pos_;
    auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), *out);
    if (error != std::errc()) return false;
    pos_ += static_cast<size_t>(end - begin);
    return true;
  }
  bool eat(char c) {
    if (pos_ >= text_.size() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }
  // Identifiers may hold any non-ASCII letter, as Python's may, and dots.
  std::string_view word() {
    size_t begin = pos_;
    while (pos_ < text_.size()) {
      unsigned char c = static_cast<unsigned char>(text_[pos_]);
      bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c >= 0x80;
      if (!letter) break;
      ++pos_;
    }
    return text_.substr(begin, pos_ - begin);
  }

  std::string_view text_;
  size_t pos_;
};

}  // namespace

TypeRef parse_type_at(std::string_view text, size_t* pos) {
  TypeParser parser(text, *pos);
  TypeRef t = parser.type();
  if (t) *pos = parser.pos();
  return t;
}

TypeRef parse_type(std::string_view text) {
  if (TypeRef known = find_text(text)) return known;
  size_t pos = 0;
  TypeRef t = parse_type_at(text, &pos);
  // Not the canonical spelling when something follows, or when it simplifies (optional(none)).
  return t && pos == text.size() && t->text == text ? t : nullptr;
}

}  // namespace coluber::ir
