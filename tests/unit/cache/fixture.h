// A cache in a directory of its own, with the link helper that was built.
#pragma once
#include <gtest/gtest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "jit/cache/cache.h"

namespace coluber::jit {

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void overwrite(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Runs `body` in a child; its result is the exit status.
inline int in_child(const std::function<int()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = -1;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class CacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/coluber-cache-test-XXXXXX";
    ASSERT_TRUE(mkdtemp(name));
    dir_ = name;
    setenv("COLUBER_CACHE_DIR", dir_.c_str(), 1);
    setenv("TMPDIR", dir_.c_str(), 1);         // the fallback must not be the machine's
    unsetenv("COLUBER_CACHE");
    unsetenv("COLUBER_CACHE_SIZE");
    manifest_.function = "f (file.py:1)";
    manifest_.signature = "pyint,pyint";
    manifest_.result_type = "pyint";
    manifest_.entry_symbol = "coluber_entry_good";
    manifest_.imports = {"rt:coluber_poll", "rt:coluber_alloc"};
    manifest_.reads = {{ReadKind::Global, 0, "k", 0, digest_bytes("7"), -1}};
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  static CacheConfig config() { return {COLUBER_ENGINE_DIR "/coluber-link", COLUBER_ENGINE_DIR "/libcoluber_engine.so"}; }
  static std::string good() { return contents(good_OBJECT); }

  // Stores the good object under `key` and waits for the link. The entry's path.
  std::string stored(Cache& cache, Digest key) {
    EXPECT_EQ(cache.store(key, manifest_, good()).reason, Reason::Stored);
    EXPECT_TRUE(cache.drain(20));
    std::vector<Entry> entries;
    const Outcome outcome = cache.lookup(key, &entries);
    EXPECT_TRUE(outcome.hit()) << outcome.text() << " " << cache.info().last_link_error;
    return entries.empty() ? "" : entries[0].path;
  }

  size_t files() const {
    size_t n = 0;
    for (const auto& f : std::filesystem::recursive_directory_iterator(dir_)) n += f.is_regular_file();
    return n;
  }

  std::string dir_;
  Manifest manifest_;
  const Digest key_ = digest_bytes("a key");
};

// Calls the loaded good object.
inline void expect_works(Cache& cache, const Entry& entry) {
  Loaded code;
  const Outcome outcome = cache.load(entry, &code);
  ASSERT_TRUE(outcome.hit()) << outcome.text();
  ASSERT_TRUE(code.imports);
  EXPECT_STREQ(code.import_keys, "rt:coluber_poll");
  int here = 0;
  code.imports[0] = &here;
  code.imports[1] = nullptr;
  const uint64_t args[2] = {100, 1};
  uint64_t result = 0;
  const auto entry_point = reinterpret_cast<int32_t (*)(void*, const uint64_t*, uint64_t*)>(code.entry);
  EXPECT_EQ(entry_point(nullptr, args, &result), 0);
  EXPECT_EQ(result, 10u + 2u + 0u);            // 100 << 70 over 2 has zeros in its low 64 bits
}

}  // namespace coluber::jit
