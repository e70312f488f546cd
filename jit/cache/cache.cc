// The cache's front: modes, look-up, load, store.
#include "jit/cache/cache.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "jit/cache/elf_check.h"

namespace coluber::jit {
namespace {

constexpr double kAtExit = 5.0;                // seconds: a link takes milliseconds, a full machine may take longer

CacheMode mode_from_environment() {
  const char* value = std::getenv("COLUBER_CACHE");
  const std::string_view text = value ? value : "";
  if (text == "off" || text == "0") return CacheMode::Off;
  if (text == "ro") return CacheMode::ReadOnly;
  if (text == "check") return CacheMode::Check;
  return CacheMode::On;
}

std::vector<std::string> names_with(const std::string& folder, const std::string& prefix) {
  std::vector<std::string> names;
  DIR* dir = opendir(folder.c_str());
  if (!dir) return names;
  while (const dirent* item = readdir(dir)) {
    const std::string_view name = item->d_name;
    if (name.substr(0, prefix.size()) == prefix && name.size() > 3 && name.substr(name.size() - 3) == ".so") names.emplace_back(name);
  }
  closedir(dir);
  return names;
}

}  // namespace

void Cache::configure(CacheConfig config) {
  const std::lock_guard guard(mutex_);
  config_ = std::move(config);
  opened_ = false;
}

void Cache::open_directory() {
  if (opened_) return;
  opened_ = true;
  info_.mode = mode_from_environment();
  info_.directory = {};
  if (info_.mode == CacheMode::Off) return;
  info_.directory = choose_directory(info_.mode == CacheMode::ReadOnly);
  queue_.configure({config_.helper, config_.engine, info_.directory.path, size_limit()});
}

CacheMode Cache::mode() {
  const std::lock_guard guard(mutex_);
  open_directory();
  return info_.mode;
}

Outcome Cache::counted(Outcome outcome) {
  info_.counts[static_cast<int>(outcome.reason)]++;
  return outcome;
}

void Cache::note(Reason reason) {
  const std::lock_guard guard(mutex_);
  info_.counts[static_cast<int>(reason)]++;
}

Outcome Cache::lookup(Digest key, std::vector<Entry>* out) {
  const std::lock_guard guard(mutex_);
  open_directory();
  return counted(find(key, out));
}

Outcome Cache::find(Digest key, std::vector<Entry>* out) {
  out->clear();
  if (info_.mode == CacheMode::Off) return {Reason::Off};
  const Directory& directory = info_.directory;
  if (directory.path.empty()) return {Reason::NoDirectory, directory.refused.empty() ? "" : directory.refused.front()};
  const std::string folder = directory.path + "/" + entry_folder(key);
  Outcome worst{Reason::Absent};
  for (const std::string& name : names_with(folder, key.hex())) {
    const std::string path = folder + "/" + name;
    EntryBytes bytes;
    Entry entry;
    Outcome read = read_file(path, directory.writable, &bytes);
    bool whole = read.hit() && bytes.key == key && decode(bytes.manifest, &entry.manifest) && (is_elf(bytes.elf) || entry.manifest.entry_symbol.empty());
    if (read.hit() && !whole) read = {Reason::Corrupt, path};
    if (read.hit()) {
      entry.path = path;
      out->push_back(std::move(entry));
      continue;
    }
    if (read.reason == Reason::Corrupt && directory.writable) unlink(path.c_str());     // so that a good one can take its name
    if (read.reason != Reason::Absent) worst = std::move(read);
  }
  return out->empty() ? worst : Outcome{};
}

Outcome Cache::load(const Entry& entry, Loaded* out) {
  void* library = dlopen(entry.path.c_str(), RTLD_NOW | RTLD_LOCAL);       // may wait for the disk: not under the lock
  Outcome outcome;
  if (!library) {
    const char* text = dlerror();
    outcome = {Reason::NotLoadable, text ? text : entry.path};
  } else {
    out->library = library;
    out->entry = dlsym(library, entry.manifest.entry_symbol.c_str());
    out->imports = static_cast<void**>(dlsym(library, "coluber_imports"));
    out->import_keys = static_cast<const char*>(dlsym(library, "coluber_import_keys"));
    if (!out->entry || (!entry.manifest.imports.empty() && !out->imports)) {
      dlclose(library);
      *out = {};
      outcome = {Reason::NotLoadable, entry.path + " has no " + entry.manifest.entry_symbol};
    }
  }
  if (!outcome.hit()) note(outcome.reason);
  return outcome;
}

Outcome Cache::store(Digest key, const Manifest& manifest, std::string_view object) {
  const std::lock_guard guard(mutex_);
  open_directory();
  return counted(put(key, manifest, object));
}

Outcome Cache::store_refusal(Digest key, const Manifest& manifest) {
  const std::lock_guard guard(mutex_);
  open_directory();
  if (Outcome writable = may_write(); !writable.hit()) return counted(writable);
  const std::string encoded = encode(manifest), name = entry_name(key, digest_bytes(encoded)), path = info_.directory.path + "/" + name;
  if (!access(path.c_str(), F_OK)) return counted({Reason::AlreadyThere});
  const std::string job = job_path(".entry"), folder = info_.directory.path + "/" + entry_folder(key);
  int error = write_file(job, pack({}, encoded, name, key), 0600);
  if (!error && mkdir(folder.c_str(), 0700) && errno != EEXIST) error = errno;
  if (!error && rename(job.c_str(), path.c_str())) error = errno;
  if (!error) return counted({Reason::Noted});
  unlink(job.c_str());
  return counted({Reason::WriteFailed, path + ": " + std::strerror(error)});
}

Outcome Cache::may_write() const {
  const Directory& directory = info_.directory;
  if (info_.mode == CacheMode::Off) return {Reason::Off};
  if (info_.mode == CacheMode::ReadOnly) return {Reason::ReadOnly};
  if (directory.path.empty()) return {Reason::NoDirectory, directory.refused.empty() ? "" : directory.refused.front()};
  if (!directory.writable) return {Reason::ReadOnly, directory.path};
  return {};
}

// Unique among processes and, through the time, among boots of a machine that shares the directory with others.
std::string Cache::job_path(const char* suffix) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char unique[80];
  std::snprintf(unique, sizeof unique, "%lx%lx-%d-%lu", static_cast<unsigned long>(now.tv_sec), static_cast<unsigned long>(now.tv_nsec),
                static_cast<int>(getpid()), static_cast<unsigned long>(jobs_++));
  return info_.directory.path + "/pending/" + unique + suffix;
}

Outcome Cache::put(Digest key, const Manifest& manifest, std::string_view object) {
  if (Outcome writable = may_write(); !writable.hit()) return writable;
  if (std::string why = objection_to_object(object); !why.empty()) return {Reason::BadObject, why};

  Manifest full = manifest;
  full.object_digest = digest_bytes(object);
  const std::string encoded = encode(full), name = entry_name(key, digest_bytes(encoded)), path = info_.directory.path + "/" + name;
  if (!access(path.c_str(), F_OK)) return {Reason::AlreadyThere};
  const std::string job = job_path(".o");
  if (const int error = write_file(job, pack(object, encoded, name, key), 0600)) return {Reason::WriteFailed, job + ": " + std::strerror(error)};
  Outcome outcome = queue_.add(job);
  if (outcome.reason != Reason::Stored) unlink(job.c_str());
  return outcome;
}

bool Cache::drain(double seconds) {
  const std::lock_guard guard(mutex_);
  return queue_.drain(seconds);
}

CacheInfo Cache::info() {
  const std::lock_guard guard(mutex_);
  open_directory();
  CacheInfo result = info_;
  result.linked = queue_.linked();
  result.link_failures = queue_.failed();
  result.last_link_error = queue_.last_error();
  return result;
}

Cache& process_cache() {
  static Cache* const cache = [] {
    Cache* made = new Cache;                   // lives as long as the process: code of it may run at exit
    pthread_atfork([] { process_cache().lock(); }, [] { process_cache().unlock(); },
                   [] {
                     process_cache().forget_jobs();
                     process_cache().unlock();
                   });
    // The next process should find what this one stored. Children that leave by _exit() do not pass here and lose nothing: the helper has it.
    std::atexit([] { process_cache().drain(kAtExit); });
    return made;
  }();
  return *cache;
}

}  // namespace coluber::jit
