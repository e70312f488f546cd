// The disk cache as the extension sees it. Safe to call from any thread, with or without the GIL, and across fork().
//
//   cache.configure({helper, engine});
//   Hasher key; key.digest(environment_digest(...)).text(bytecode)...;
//   std::vector<Entry> entries;
//   Outcome o = cache.lookup(key.finish(), &entries);     entries differ in their dependencies: take the first whose dependencies hold
//   Loaded code;
//   if (o.hit()) o = cache.load(entries[i], &code);       then fill in code.imports by code.import_keys and call code.entry
//   cache.store(key.finish(), manifest, object);          linked in the background
#pragma once
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "jit/cache/directory.h"
#include "jit/cache/entry_file.h"
#include "jit/cache/digest.h"
#include "jit/cache/link_queue.h"
#include "jit/cache/manifest.h"
#include "jit/cache/outcome.h"

namespace coluber::jit {

enum class CacheMode { On, Off, ReadOnly, Check };   // COLUBER_CACHE: unset, off, ro, check

struct CacheConfig {
  std::string helper;            // path of coluber-link
  std::string engine;            // path of libcoluber_engine.so, for the helper
};

struct Entry {
  std::string path;
  Manifest manifest;
};

struct Loaded {
  void* library = nullptr;       // of dlopen; never closed while code of it may run
  void* entry = nullptr;         // coluber_entry of abi.h
  void** imports = nullptr;      // null when the code imports nothing
  const char* import_keys = nullptr;
};

struct CacheInfo {
  CacheMode mode = CacheMode::On;
  Directory directory;
  int64_t counts[kReasons] = {};
  int64_t linked = 0, link_failures = 0;
  std::string last_link_error;
};

class Cache {
 public:
  void configure(CacheConfig config);
  CacheMode mode();

  Outcome lookup(Digest key, std::vector<Entry>* out);
  Outcome load(const Entry& entry, Loaded* out);
  Outcome store(Digest key, const Manifest& manifest, std::string_view object);
  // That there is no code, as the manifest's descriptors tell; such an entry has no entry symbol, and there is nothing to load.
  Outcome store_refusal(Digest key, const Manifest& manifest);
  // Under COLUBER_CACHE=check a hit is compiled all the same; this says whether the stored code came from the same object.
  static bool same_object(const Entry& entry, std::string_view object) { return entry.manifest.object_digest == digest_bytes(object); }

  bool drain(double seconds);    // the cache of the process does so at exit
  CacheInfo info();
  // Counts an outcome that the caller found out itself (Dependency).
  void note(Reason reason);

  // Around fork(): see process_cache.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  void forget_jobs() { queue_.forget(); }

 private:
  void open_directory();         // the first use decides; the lock is held
  Outcome counted(Outcome outcome);
  Outcome find(Digest key, std::vector<Entry>* out);
  Outcome may_write() const;
  std::string job_path(const char* suffix);
  Outcome put(Digest key, const Manifest& manifest, std::string_view object);

  std::mutex mutex_;
  CacheConfig config_;
  bool opened_ = false;
  uint64_t jobs_ = 0;
  CacheInfo info_;
  LinkQueue queue_;
};

// The one of this process: with fork handlers in place, and drained at exit.
Cache& process_cache();

}  // namespace coluber::jit
