// Reading, checking and writing of entry files.
#include "jit/cache/entry_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

namespace coluber::jit {
namespace {

constexpr char kMagic[8] = {'C', 'L', 'B', 'E', 'N', 'T', 'R', '1'};
constexpr time_t kTouchAfter = 3600;           // seconds: how stale the time of last use may be
constexpr off_t kLargest = 256 << 20;

struct Fd {
  int fd;
  ~Fd() {
    if (fd >= 0) close(fd);
  }
};

bool read_all(int fd, char* to, size_t size) {
  while (size) {
    const ssize_t got = read(fd, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got, size -= static_cast<size_t>(got);
  }
  return true;
}

Digest checksum_of(std::string_view body, Digest key) { return Hasher().digest(digest_bytes(body)).digest(key).finish(); }

bool split(EntryBytes* e) {
  Trailer t;
  if (e->all.size() < sizeof t) return false;
  const std::string_view body(e->all.data(), e->all.size() - sizeof t);
  std::memcpy(&t, e->all.data() + body.size(), sizeof t);
  if (std::memcmp(t.magic, kMagic, sizeof kMagic) || t.elf_size > body.size() || t.manifest_size > body.size() || t.name_size > body.size() ||
      t.elf_size + t.manifest_size + t.name_size != body.size() || checksum_of(body, t.key) != t.checksum)
    return false;
  e->elf = body.substr(0, t.elf_size);
  e->manifest = body.substr(t.elf_size, t.manifest_size);
  e->name = body.substr(t.elf_size + t.manifest_size);
  e->key = t.key;
  return true;
}

void touch_file(int fd, const struct stat& st) {
  if (time(nullptr) - st.st_mtime < kTouchAfter) return;
  const timespec now[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  (void)futimens(fd, now);                     // on a read-only file system there is no eviction either
}

}  // namespace

const char* text_of(Reason reason) {
  static const char* const kTexts[] = {
#define REASON(Id, text) text,
#include "jit/cache/reasons.def"
  };
  return kTexts[static_cast<int>(reason)];
}

std::string pack(std::string_view elf, std::string_view manifest, std::string_view name, Digest key) {
  std::string all;
  all.reserve(elf.size() + manifest.size() + name.size() + sizeof(Trailer));
  all.append(elf).append(manifest).append(name);
  Trailer t{};
  std::memcpy(t.magic, kMagic, sizeof kMagic);
  t.elf_size = elf.size(), t.manifest_size = manifest.size(), t.name_size = name.size();
  t.key = key;
  t.checksum = checksum_of(all, key);
  all.append(reinterpret_cast<const char*>(&t), sizeof t);
  return all;
}

Outcome read_file(const std::string& path, bool touch, EntryBytes* out) {
  const Fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (file.fd < 0) return {errno == ENOENT ? Reason::Absent : Reason::Unreadable, path + ": " + std::strerror(errno)};
  struct stat st;
  if (fstat(file.fd, &st) || !S_ISREG(st.st_mode) || st.st_size > kLargest) return {Reason::Unreadable, path};
  if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) return {Reason::Foreign, path};
  out->all.resize(static_cast<size_t>(st.st_size));
  if (!read_all(file.fd, out->all.data(), out->all.size())) return {Reason::Unreadable, path};
  if (!split(out)) return {Reason::Corrupt, path};
  if (touch) touch_file(file.fd, st);
  return {};
}

int write_file(const std::string& path, std::string_view bytes, int mode) {
  const Fd file{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
  if (file.fd < 0) return errno;
  while (!bytes.empty()) {
    const ssize_t done = write(file.fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      const int error = errno;
      unlink(path.c_str());
      return error;
    }
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return 0;
}

std::string entry_folder(Digest key) { return key.hex().substr(0, 2); }

std::string entry_name(Digest key, Digest content) { return entry_folder(key) + "/" + key.hex() + "-" + content.hex().substr(0, 16) + ".so"; }

}  // namespace coluber::jit
