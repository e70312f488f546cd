// Hash, manifest, entry file, object check, build id: the parts without a process.
#include <algorithm>
#include <filesystem>

#include "tests/unit/cache/fixture.h"
#include "jit/cache/elf_check.h"
#include "jit/cache/environment.h"

namespace coluber::jit {
namespace {

TEST(Hash, GivesThePublishedValues) {
  EXPECT_EQ(digest_bytes(""), (Digest{0, 0}));
  EXPECT_EQ(digest_bytes("hello"), (Digest{0xcbd8a7b341bd9b02ull, 0x5b1e906a48ae1d19ull}));
  EXPECT_EQ(digest_bytes("The quick brown fox jumps over the lazy dog"), (Digest{0xe34bbc7bbc071b6cull, 0x7a433ca9c49a9347ull}));
  EXPECT_EQ(digest_bytes("hello").hex(), "cbd8a7b341bd9b025b1e906a48ae1d19");
}

TEST(Hash, KeepsFieldsApart) {
  EXPECT_NE(Hasher().text("ab").text("c").finish(), Hasher().text("a").text("bc").finish());
  EXPECT_NE(Hasher().text("").finish(), Hasher().finish());
  EXPECT_NE(Hasher().real(0.0).finish(), Hasher().real(-0.0).finish());
}

TEST(ManifestBytes, ReadBackAndNothingElseDoes) {
  Manifest m;
  m.function = "f";
  m.signature = "array(float64,1,C)";
  m.descriptors = std::string("\0\1\2", 3);
  m.mutated = 5;
  m.imports = {"rt:a", ""};
  m.reads = {{ReadKind::Global, 0, "x", 0, digest_bytes("1"), 1}, {ReadKind::Cell, 1, "", 3, digest_bytes("2"), -1}};
  const std::string bytes = encode(m);
  Manifest back;
  ASSERT_TRUE(decode(bytes, &back));
  EXPECT_EQ(back, m);
  for (size_t n = 0; n < bytes.size(); n++) EXPECT_FALSE(decode(std::string_view(bytes).substr(0, n), &back)) << n;
  EXPECT_FALSE(decode(bytes + "x", &back));
  std::string huge = bytes;
  huge[4] = huge[5] = huge[6] = huge[7] = '\xff';      // a length of 4 GB
  EXPECT_FALSE(decode(huge, &back));
}

TEST_F(CacheTest, EntryFileNoticesDamageInEachByte) {
  const std::string path = dir_ + "/entry", good = pack("elf bytes", "manifest bytes", "name", key_);
  overwrite(path, good);
  EntryBytes bytes;
  ASSERT_TRUE(read_file(path, false, &bytes).hit());
  EXPECT_EQ(bytes.elf, "elf bytes");
  EXPECT_EQ(bytes.manifest, "manifest bytes");
  EXPECT_EQ(bytes.name, "name");
  EXPECT_EQ(bytes.key, key_);
  for (size_t i = 0; i < good.size(); i++) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);
    overwrite(path, bad);
    EXPECT_EQ(read_file(path, false, &bytes).reason, Reason::Corrupt) << i;
    overwrite(path, good.substr(0, i));
    EXPECT_EQ(read_file(path, false, &bytes).reason, Reason::Corrupt) << i;
  }
}

TEST_F(CacheTest, EntryFileOfOthersIsRefused) {
  const std::string path = dir_ + "/entry";
  overwrite(path, pack("e", "m", "n", key_));
  EntryBytes bytes;
  chmod(path.c_str(), 0666);
  EXPECT_EQ(read_file(path, false, &bytes).reason, Reason::Foreign);
  chmod(path.c_str(), 0600);
  EXPECT_TRUE(read_file(path, false, &bytes).hit());
  const std::string link = dir_ + "/link";
  ASSERT_EQ(symlink(path.c_str(), link.c_str()), 0);
  EXPECT_EQ(read_file(link, false, &bytes).reason, Reason::Unreadable);
  EXPECT_EQ(read_file(dir_ + "/none", false, &bytes).reason, Reason::Absent);
}

TEST(Object, SymbolsAreRead) {
  ObjectFacts facts;
  ASSERT_TRUE(read_object(contents(good_OBJECT), &facts));
  EXPECT_NE(std::find(facts.defined.begin(), facts.defined.end(), "coluber_entry_good"), facts.defined.end());
  EXPECT_NE(std::find(facts.undefined.begin(), facts.undefined.end(), "fmod"), facts.undefined.end());
  EXPECT_EQ(objection_to_object(contents(good_OBJECT)), "");
  EXPECT_EQ(objection_to_object(contents(bad_OBJECT)), "PyErr_Occurred_");
  EXPECT_EQ(objection_to_object("no object"), "not an ELF object");
}

TEST(Object, DamageIsNoCrash) {
  const std::string good = contents(good_OBJECT);
  for (size_t i = 0; i < good.size(); i++) {
    std::string bad = good;
    bad[i] = static_cast<char>(~bad[i]);
    ObjectFacts facts;
    (void)read_object(bad, &facts);
    (void)read_object(std::string_view(good).substr(0, i), &facts);
  }
  SUCCEED() << "the sanitizers judge";
}

TEST(Environment, TellsBuildsApart) {
  EXPECT_EQ(build_id_of(COLUBER_ENGINE_DIR "/libcoluber_engine.so").size(), 40u);
  EXPECT_EQ(build_id_of(good_OBJECT), "");
  EXPECT_EQ(build_id_of("/nonexistent"), "");
  EXPECT_EQ(cpu_identity(), cpu_identity());
  EXPECT_GT(cpu_identity().size(), 40u);
  const std::string engine = COLUBER_ENGINE_DIR "/libcoluber_engine.so";
  const Digest here = environment_digest(engine, "e", "3.12", "2.1");
  EXPECT_EQ(here, environment_digest(engine, "e", "3.12", "2.1"));
  EXPECT_NE(here, environment_digest(engine, "e", "3.13", "2.1"));
  EXPECT_NE(here, environment_digest(engine, "e", "3.12", "2.2"));
  EXPECT_NE(here, environment_digest("", "e", "3.12", "2.1"));
}

}  // namespace
}  // namespace coluber::jit
