// Choice of the cache directory, and eviction from it.
#include "jit/cache/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace coluber::jit {
namespace {

constexpr time_t kAbandonedAfter = 600;        // seconds: no link takes that long

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// mkdir -p, new folders private to the user. 0 or errno.
int make_folders(const std::string& path) {
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), 0700) && errno != EEXIST) {
      struct stat st;                          // EROFS and EACCES may also mean: it is there already
      const int error = errno;
      if (stat(part.c_str(), &st) || !S_ISDIR(st.st_mode)) return error;
    }
    if (at == std::string::npos) return 0;
  }
}

// Empty when code may be loaded from there, else why not.
std::string objection(const std::string& path) {
  struct stat st;
  struct statvfs fs;
  if (path.empty() || path[0] != '/') return "not an absolute path";
  if (stat(path.c_str(), &st)) return std::strerror(errno);
  if (!S_ISDIR(st.st_mode)) return "not a directory";
  if (st.st_uid != geteuid()) return "belongs to another user";
  if (st.st_mode & (S_IWGRP | S_IWOTH)) return "others may write to it";
  if (statvfs(path.c_str(), &fs)) return std::strerror(errno);
  if (fs.f_flag & ST_NOEXEC) return "mounted noexec";
  return "";
}

std::vector<std::string> candidates() {
  std::vector<std::string> list;
  const std::string chosen = variable("COLUBER_CACHE_DIR"), xdg = variable("XDG_CACHE_HOME"), home = variable("HOME"), tmp = variable("TMPDIR");
  if (!chosen.empty())
    list.push_back(chosen);
  else if (!xdg.empty() && xdg[0] == '/')
    list.push_back(xdg + "/coluber");
  else if (!home.empty())
    list.push_back(home + "/.cache/coluber");
  list.push_back((tmp.empty() ? "/tmp" : tmp) + "/coluber-" + std::to_string(geteuid()));
  return list;
}

struct File {
  std::string path;
  int64_t size;
  time_t used;
};

std::vector<File> files_in(const std::string& folder) {
  std::vector<File> list;
  DIR* dir = opendir(folder.c_str());
  if (!dir) return list;
  while (const dirent* item = readdir(dir)) {
    struct stat st;
    const std::string path = folder + "/" + item->d_name;
    if (item->d_name[0] != '.' && !lstat(path.c_str(), &st) && S_ISREG(st.st_mode))
      list.push_back({path, static_cast<int64_t>(st.st_blocks) * 512, st.st_mtime});
  }
  closedir(dir);
  return list;
}

}  // namespace

Directory choose_directory(bool read_only) {
  Directory result;
  for (const std::string& path : candidates()) {
    const int error = read_only ? 0 : make_folders(path);
    const std::string why = error ? std::strerror(error) : objection(path);
    if (!why.empty()) {
      result.refused.push_back(path + ": " + why);
      continue;
    }
    result.path = path;
    if (!read_only) {
      const std::string pending = path + "/pending";
      result.writable = !make_folders(pending) && !faccessat(AT_FDCWD, pending.c_str(), W_OK, AT_EACCESS);
    }
    return result;
  }
  return result;
}

TrimResult trim(const std::string& directory, int64_t limit) {
  TrimResult result;
  const time_t now = time(nullptr);
  for (const File& f : files_in(directory + "/pending"))
    if (now - f.used > kAbandonedAfter) unlink(f.path.c_str());
  std::vector<File> all;
  static const char kDigits[] = "0123456789abcdef";
  for (int i = 0; i < 256; i++) {
    const std::vector<File> some = files_in(directory + "/" + kDigits[i >> 4] + kDigits[i & 15]);
    all.insert(all.end(), some.begin(), some.end());
  }
  for (const File& f : all) result.bytes += f.size;
  result.entries = static_cast<int64_t>(all.size());
  if (result.bytes <= limit) return result;
  std::sort(all.begin(), all.end(), [](const File& a, const File& b) { return a.used < b.used; });
  for (const File& f : all) {
    if (result.bytes <= limit / 5 * 4) break;
    if (unlink(f.path.c_str())) continue;      // another process was faster
    result.bytes -= f.size;
    result.entries--, result.removed++;
  }
  return result;
}

int64_t size_limit() {
  const int64_t megabytes = std::strtoll(variable("COLUBER_CACHE_SIZE").c_str(), nullptr, 10);
  return (megabytes > 0 ? megabytes : 512) << 20;
}

}  // namespace coluber::jit
