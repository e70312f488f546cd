// The cache as a whole: store, link in the helper, look up, load, and all that may go wrong on the way.
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/cache/fixture.h"

namespace coluber::jit {
namespace {

using std::filesystem::exists;

TEST_F(CacheTest, StoresAndLoads) {
  Cache cache;
  cache.configure(config());
  std::vector<Entry> entries;
  EXPECT_EQ(cache.lookup(key_, &entries).reason, Reason::Absent);
  const std::string path = stored(cache, key_);
  EXPECT_EQ(path.substr(0, dir_.size()), dir_);
  EXPECT_EQ(files(), 1u) << "no work files stay behind";

  Cache other;                                   // as another process would see it
  other.configure(config());
  ASSERT_TRUE(other.lookup(key_, &entries).hit());
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].manifest.signature, "pyint,pyint");
  EXPECT_EQ(entries[0].manifest.reads, manifest_.reads);
  EXPECT_TRUE(Cache::same_object(entries[0], good()));
  EXPECT_FALSE(Cache::same_object(entries[0], "another object"));
  expect_works(other, entries[0]);
  EXPECT_EQ(other.store(key_, manifest_, good()).reason, Reason::AlreadyThere);
  EXPECT_EQ(other.info().counts[static_cast<int>(Reason::Hit)], 1);
}

TEST_F(CacheTest, KeepsVariantsOfOneKeySideBySide) {
  Cache cache;
  cache.configure(config());
  stored(cache, key_);
  manifest_.reads[0].digest = digest_bytes("8");
  EXPECT_EQ(cache.store(key_, manifest_, good()).reason, Reason::Stored);
  ASSERT_TRUE(cache.drain(20));
  std::vector<Entry> entries;
  ASSERT_TRUE(cache.lookup(key_, &entries).hit());
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_NE(entries[0].manifest.reads, entries[1].manifest.reads);
  for (const Entry& e : entries) expect_works(cache, e);
}

TEST_F(CacheTest, LookupIsFast) {
  Cache cache;
  cache.configure(config());
  stored(cache, key_);
  std::vector<Entry> entries;
  double best = 1;
  for (int i = 0; i < 200; i++) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(cache.lookup(key_, &entries).hit());
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  RecordProperty("lookup_us", std::to_string(best * 1e6));
  EXPECT_LT(best, 100e-6);
}

TEST_F(CacheTest, RefusesObjectsWithForeignSymbols) {
  Cache cache;
  cache.configure(config());
  const Outcome outcome = cache.store(key_, manifest_, contents(bad_OBJECT));
  EXPECT_EQ(outcome.reason, Reason::BadObject);
  EXPECT_EQ(outcome.detail, "PyErr_Occurred_");
}

TEST_F(CacheTest, DamageAnywhereIsAMissAndHeals) {
  Cache cache;
  cache.configure(config());
  const std::string path = stored(cache, key_), bytes = contents(path);
  std::vector<Entry> entries;
  for (size_t at = 0; at < bytes.size(); at += bytes.size() / 97) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    overwrite(path, bad);
    EXPECT_EQ(cache.lookup(key_, &entries).reason, Reason::Corrupt) << at;
    EXPECT_FALSE(exists(path)) << "a damaged entry makes room";
    overwrite(path, bytes.substr(0, at));
    EXPECT_EQ(cache.lookup(key_, &entries).reason, Reason::Corrupt) << at;
  }
  const std::string again = stored(cache, key_);
  EXPECT_EQ(again, path);
  ASSERT_TRUE(cache.lookup(key_, &entries).hit());
  expect_works(cache, entries[0]);
}

TEST_F(CacheTest, AnEntryUnderAnotherKeysNameIsDamage) {
  Cache cache;
  cache.configure(config());
  const std::string path = stored(cache, key_);
  Digest other = key_;
  other.lo ^= 1;
  const std::string wrong = dir_ + "/" + entry_name(other, key_);
  std::filesystem::create_directories(std::filesystem::path(wrong).parent_path());
  overwrite(wrong, contents(path));
  std::vector<Entry> entries;
  EXPECT_EQ(cache.lookup(other, &entries).reason, Reason::Corrupt);
}

TEST_F(CacheTest, EightProcessesAtOnce) {
  std::vector<pid_t> children;
  for (int p = 0; p < 8; p++) {
    const pid_t pid = fork();
    if (pid == 0) {
      Cache cache;
      cache.configure(config());
      bool fine = true;
      for (int i = 0; i < 12; i++) {
        const Digest key = digest_bytes(std::to_string(i));
        const Reason r = cache.store(key, manifest_, good()).reason;
        fine &= r == Reason::Stored || r == Reason::AlreadyThere;
        std::vector<Entry> entries;
        const Outcome seen = cache.lookup(key, &entries);
        fine &= seen.hit() || seen.reason == Reason::Absent;     // whole or not there, never half
      }
      fine &= cache.drain(60) && cache.info().link_failures == 0;
      _exit(fine ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  Cache cache;
  cache.configure(config());
  for (int i = 0; i < 12; i++) {
    std::vector<Entry> entries;
    ASSERT_TRUE(cache.lookup(digest_bytes(std::to_string(i)), &entries).hit());
    EXPECT_EQ(entries.size(), 1u);
    expect_works(cache, entries[0]);
  }
  EXPECT_EQ(files(), 12u);
}

TEST_F(CacheTest, AProcessThatEndsAtOnceLosesNothing) {
  EXPECT_EQ(in_child([&] {
              Cache cache;
              cache.configure(config());
              const bool fine = cache.store(key_, manifest_, good()).reason == Reason::Stored;
              kill(getpid(), fine ? SIGKILL : SIGTERM);
              return 0;
            }),
            -1);
  Cache cache;
  cache.configure(config());
  std::vector<Entry> entries;
  for (int i = 0; i < 1000 && !cache.lookup(key_, &entries).hit(); i++) usleep(10000);
  ASSERT_EQ(entries.size(), 1u);
  expect_works(cache, entries[0]);
}

TEST_F(CacheTest, AProcessThatExitsHasWhatItStoredOnDisk) {
  const pid_t pid = fork();
  if (pid == 0) {
    process_cache().configure(config());
    exit(process_cache().store(key_, manifest_, good()).reason == Reason::Stored ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  Cache cache;
  cache.configure(config());
  std::vector<Entry> entries;
  EXPECT_TRUE(cache.lookup(key_, &entries).hit());
}

TEST_F(CacheTest, AWriterKilledHalfWayLeavesNoEntry) {
  Cache cache;
  cache.configure(config());
  const std::string path = stored(cache, key_), bytes = contents(path);
  const std::string half = dir_ + "/pending/dead.o.entry";
  std::filesystem::remove(path);
  overwrite(half, bytes.substr(0, bytes.size() / 2));
  std::vector<Entry> entries;
  EXPECT_EQ(cache.lookup(key_, &entries).reason, Reason::Absent);
  const timespec old[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, half.c_str(), old, 0), 0);
  trim(dir_, size_limit());
  EXPECT_FALSE(exists(half)) << "what a dead writer left is swept";
}

TEST_F(CacheTest, AHelperThatCannotStartIsAReason) {
  Cache cache;
  cache.configure({"/nonexistent/coluber-link", "/nonexistent/engine.so"});
  EXPECT_EQ(cache.store(key_, manifest_, good()).reason, Reason::NoHelper);
  EXPECT_EQ(files(), 0u);
}

TEST_F(CacheTest, AnEngineThatCannotBeLoadedIsAReason) {
  Cache cache;
  CacheConfig broken = config();
  broken.engine = "/nonexistent/engine.so";
  cache.configure(broken);
  EXPECT_EQ(cache.store(key_, manifest_, good()).reason, Reason::Stored);
  EXPECT_TRUE(cache.drain(20));
  EXPECT_EQ(cache.info().link_failures, 1);
  EXPECT_NE(cache.info().last_link_error.find("/nonexistent/engine.so"), std::string::npos) << cache.info().last_link_error;
}

TEST_F(CacheTest, TheHelperIsNoChildAndHoldsNoFiles) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Cache cache;
  cache.configure(config());
  EXPECT_EQ(cache.store(key_, manifest_, good()).reason, Reason::Stored);
  int status;
  EXPECT_EQ(waitpid(-1, &status, WNOHANG), -1) << "nothing for a user's os.wait() to find";
  close(ends[1]);
  char byte;
  EXPECT_EQ(read(ends[0], &byte, 1), 0) << "the pipe's other end is closed everywhere";
  close(ends[0]);
  EXPECT_TRUE(cache.drain(20));
}

TEST_F(CacheTest, AForkedChildLeavesTheParentsJobsAlone) {
  Cache& cache = process_cache();
  cache.configure(config());
  EXPECT_EQ(cache.store(key_, manifest_, good()).reason, Reason::Stored);
  EXPECT_EQ(in_child([&] { return cache.drain(0) && cache.store(digest_bytes("child"), manifest_, good()).reason == Reason::Stored && cache.drain(20) ? 0 : 1; }), 0);
  EXPECT_TRUE(cache.drain(20));
  std::vector<Entry> entries;
  EXPECT_TRUE(cache.lookup(key_, &entries).hit());
  EXPECT_TRUE(cache.lookup(digest_bytes("child"), &entries).hit());
}

TEST_F(CacheTest, ThreadsAndForkTogether) {
  Cache& cache = process_cache();
  cache.configure(config());
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    std::vector<Entry> entries;
    while (!stop) (void)cache.lookup(key_, &entries);
  });
  for (int i = 0; i < 50; i++) EXPECT_EQ(in_child([&] { return cache.mode() == CacheMode::On ? 0 : 1; }), 0);
  stop = true;
  busy.join();
}

TEST_F(CacheTest, ModesAreKept) {
  Cache cache;
  cache.configure(config());
  stored(cache, key_);
  std::vector<Entry> entries;

  setenv("COLUBER_CACHE", "off", 1);
  Cache off;
  off.configure(config());
  EXPECT_EQ(off.lookup(key_, &entries).reason, Reason::Off);
  EXPECT_EQ(off.store(key_, manifest_, good()).reason, Reason::Off);

  setenv("COLUBER_CACHE", "ro", 1);
  Cache ro;
  ro.configure(config());
  EXPECT_TRUE(ro.lookup(key_, &entries).hit());
  EXPECT_EQ(ro.store(digest_bytes("new"), manifest_, good()).reason, Reason::ReadOnly);

  setenv("COLUBER_CACHE", "check", 1);
  Cache check;
  check.configure(config());
  EXPECT_EQ(check.mode(), CacheMode::Check);
  EXPECT_TRUE(check.lookup(key_, &entries).hit());
}

TEST_F(CacheTest, LeastRecentlyUsedGoFirst) {
  Cache cache;
  cache.configure(config());
  std::vector<std::string> paths;
  for (int i = 0; i < 6; i++) {
    paths.push_back(stored(cache, digest_bytes(std::to_string(i))));
    const timespec used[2] = {{1000 + i, 0}, {1000 + i, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, paths.back().c_str(), used, 0), 0);
  }
  std::vector<Entry> entries;
  ASSERT_TRUE(cache.lookup(digest_bytes("0"), &entries).hit());       // a use makes the oldest the newest
  const TrimResult before = trim(dir_, INT64_MAX);
  EXPECT_EQ(before.entries, 6);
  EXPECT_EQ(before.removed, 0);
  const TrimResult after = trim(dir_, before.bytes - 1);
  EXPECT_GE(after.removed, 1);
  EXPECT_TRUE(exists(paths[0]));
  EXPECT_FALSE(exists(paths[1]));
  EXPECT_TRUE(exists(paths[5]));
}

}  // namespace
}  // namespace coluber::jit
