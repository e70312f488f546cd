// Where the cache goes when the directory it wants is missing, unwritable, foreign or open to others.
#include <sys/stat.h>

#include "tests/unit/cache/fixture.h"

namespace coluber::jit {
namespace {

TEST_F(CacheTest, AMissingDirectoryIsMade) {
  const std::string deep = dir_ + "/a/b/c";
  setenv("COLUBER_CACHE_DIR", deep.c_str(), 1);
  const Directory d = choose_directory(false);
  EXPECT_EQ(d.path, deep);
  EXPECT_TRUE(d.writable);
  struct stat st;
  ASSERT_EQ(stat(deep.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0700u);
}

TEST_F(CacheTest, ReadOnlyModeMakesNothing) {
  const std::string deep = dir_ + "/absent";
  setenv("COLUBER_CACHE_DIR", deep.c_str(), 1);
  const Directory d = choose_directory(true);
  EXPECT_EQ(d.path, "");
  EXPECT_EQ(d.refused.size(), 2u);
  EXPECT_FALSE(std::filesystem::exists(deep));
}

TEST_F(CacheTest, TheUsualPlaceFollowsXdg) {
  unsetenv("COLUBER_CACHE_DIR");
  const std::string xdg = dir_ + "/xdg", home = dir_ + "/home";
  setenv("XDG_CACHE_HOME", xdg.c_str(), 1);
  EXPECT_EQ(choose_directory(false).path, xdg + "/coluber");
  setenv("XDG_CACHE_HOME", "relative", 1);       // the specification says: ignore
  const char* before = getenv("HOME");
  const std::string saved = before ? before : "";
  setenv("HOME", home.c_str(), 1);
  EXPECT_EQ(choose_directory(false).path, home + "/.cache/coluber");
  setenv("HOME", saved.c_str(), 1);
  unsetenv("XDG_CACHE_HOME");
}

TEST_F(CacheTest, ADirectoryOthersMayWriteToIsPassedOver) {
  const std::string open = dir_ + "/open";
  std::filesystem::create_directory(open);
  chmod(open.c_str(), 0777);
  setenv("COLUBER_CACHE_DIR", open.c_str(), 1);
  const Directory d = choose_directory(false);
  EXPECT_EQ(d.path, dir_ + "/coluber-" + std::to_string(geteuid()));
  ASSERT_EQ(d.refused.size(), 1u);
  EXPECT_EQ(d.refused[0], open + ": others may write to it");
}

TEST_F(CacheTest, AnotherUsersDirectoryIsPassedOver) {
  if (geteuid() != 0) GTEST_SKIP() << "needs the right to change owners";
  const std::string theirs = dir_ + "/theirs";
  std::filesystem::create_directory(theirs);
  ASSERT_EQ(chown(theirs.c_str(), 65534, 65534), 0);
  setenv("COLUBER_CACHE_DIR", theirs.c_str(), 1);
  const Directory d = choose_directory(false);
  EXPECT_NE(d.path, theirs);
  EXPECT_EQ(d.refused.at(0), theirs + ": belongs to another user");
}

TEST_F(CacheTest, NowhereToWriteIsMemory) {
  // /proc takes no new folders, from anybody.
  setenv("COLUBER_CACHE_DIR", "/proc/coluber", 1);
  setenv("TMPDIR", "/proc", 1);
  Cache cache;
  cache.configure(config());
  std::vector<Entry> entries;
  EXPECT_EQ(cache.lookup(key_, &entries).reason, Reason::NoDirectory);
  EXPECT_EQ(cache.store(key_, manifest_, good()).reason, Reason::NoDirectory);
  EXPECT_EQ(cache.info().directory.refused.size(), 2u);
}

TEST_F(CacheTest, AnUnwritableDirectoryIsReadAllTheSame) {
  Cache first;
  first.configure(config());
  stored(first, key_);
  const auto body = [&] {
    Cache cache;
    cache.configure(config());
    std::vector<Entry> entries;
    const bool found = cache.lookup(key_, &entries).hit();
    const bool refused = cache.store(digest_bytes("new"), manifest_, good()).reason == Reason::ReadOnly;
    return (found ? 0 : 1) | (refused ? 0 : 2);
  };
  if (geteuid() == 0) {                          // root may write anywhere: become somebody who owns the files
    for (const auto& f : std::filesystem::recursive_directory_iterator(dir_)) ASSERT_EQ(chown(f.path().c_str(), 65534, 65534), 0);
    ASSERT_EQ(chown(dir_.c_str(), 65534, 65534), 0);
  }
  std::filesystem::permissions(dir_ + "/pending", std::filesystem::perms(0500));
  std::filesystem::permissions(dir_, std::filesystem::perms(0500));
  EXPECT_EQ(in_child([&] { return geteuid() == 0 && seteuid(65534) ? 9 : body(); }), 0);
  std::filesystem::permissions(dir_, std::filesystem::perms(0700));
  std::filesystem::permissions(dir_ + "/pending", std::filesystem::perms(0700));
}

TEST_F(CacheTest, SizeLimitIsInMegabytes) {
  EXPECT_EQ(size_limit(), int64_t{512} << 20);
  setenv("COLUBER_CACHE_SIZE", "3", 1);
  EXPECT_EQ(size_limit(), int64_t{3} << 20);
  setenv("COLUBER_CACHE_SIZE", "nonsense", 1);
  EXPECT_EQ(size_limit(), int64_t{512} << 20);
}

}  // namespace
}  // namespace coluber::jit
