// Manifests as bytes: little-endian, each string and list with its length first.
#include "jit/cache/manifest.h"

#include <cstring>

namespace coluber::jit {
namespace {

constexpr uint32_t kVersion = 1;

// The same walk over the fields writes and reads, so that the two cannot differ.
struct Writer {
  std::string out;

  bool u32(uint32_t& value) {
    out.append(reinterpret_cast<const char*>(&value), 4);
    return true;
  }
  template <typename T>
  bool plain(T& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
    return true;
  }
  bool string(std::string& value) {
    uint32_t size = static_cast<uint32_t>(value.size());
    u32(size);
    out += value;
    return true;
  }
  template <typename T>
  bool size(std::vector<T>& list) {
    uint32_t size = static_cast<uint32_t>(list.size());
    return u32(size);
  }
};

struct Reader {
  std::string_view in;

  bool raw(void* to, size_t size) {
    if (in.size() < size) return false;
    std::memcpy(to, in.data(), size);
    in.remove_prefix(size);
    return true;
  }
  bool u32(uint32_t& value) { return raw(&value, 4); }
  template <typename T>
  bool plain(T& value) {
    return raw(&value, sizeof value);
  }
  bool string(std::string& value) {
    uint32_t size;
    if (!u32(size) || in.size() < size) return false;
    value.assign(in.data(), size);
    in.remove_prefix(size);
    return true;
  }
  template <typename T>
  bool size(std::vector<T>& list) {
    uint32_t size;
    if (!u32(size) || in.size() < size) return false;       // an item takes a byte at least
    list.resize(size);
    return true;
  }
};

template <typename Codec>
bool walk(Codec& c, Digest& d) {
  return c.plain(d.hi) && c.plain(d.lo);
}

template <typename Codec>
bool walk(Codec& c, Read& r) {
  return c.plain(r.kind) && c.plain(r.subject) && c.string(r.name) && c.plain(r.index) && walk(c, r.digest) && c.plain(r.object);
}

template <typename Codec>
bool walk(Codec& c, Manifest& m) {
  uint32_t version = kVersion;
  if (!c.u32(version) || version != kVersion) return false;
  if (!c.string(m.function) || !c.string(m.signature) || !c.string(m.result_type) || !c.string(m.descriptors)) return false;
  if (!c.string(m.entry_symbol) || !c.u32(m.mutated) || !walk(c, m.object_digest)) return false;
  if (!c.size(m.imports)) return false;
  for (std::string& key : m.imports)
    if (!c.string(key)) return false;
  if (!c.size(m.reads)) return false;
  for (Read& r : m.reads)
    if (!walk(c, r)) return false;
  return true;
}

}  // namespace

std::string encode(const Manifest& manifest) {
  Writer writer;
  Manifest copy = manifest;
  walk(writer, copy);
  return std::move(writer.out);
}

bool decode(std::string_view bytes, Manifest* out) {
  Reader reader{bytes};
  Manifest result;
  if (!walk(reader, result) || !reader.in.empty()) return false;
  *out = std::move(result);
  return true;
}

}  // namespace coluber::jit
