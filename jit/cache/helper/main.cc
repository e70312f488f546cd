// coluber-link ENGINE DIRECTORY LIMIT: links the jobs it is sent (paths, over the socket that is its standard input) into cache entries.
//
// Each link runs in a child, several at a time: lld ends its process on a corrupt object. An entry gets its name by rename() once it is whole.
// Ends when the other side closes or after half a second without work, then trims the directory to LIMIT bytes.
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "jit/cache/directory.h"
#include "jit/cache/elf_check.h"
#include "jit/cache/entry_file.h"

namespace coluber::jit {
namespace {

constexpr int kIdle = 500;                     // milliseconds
constexpr size_t kAtOnce = 4;
using LinkFunction = int (*)(int argc, const char* const* argv, char* message, size_t size);

struct Helper {
  std::string engine, directory;
  LinkFunction link = nullptr;
  std::string no_link;                         // why there is none
  std::vector<std::string> libraries;          // of the system, by path: what LLVM's own calls are bound to
};

// The files the loader would take, whatever the distribution calls their folders.
std::vector<std::string> system_libraries() {
  std::vector<std::string> paths;
  for (const char* name : {"libc.so.6", "libm.so.6", "libmvec.so.1", "libgcc_s.so.1"}) {
    link_map* map = nullptr;
    void* library = dlopen(name, RTLD_LAZY);
    if (library && !dlinfo(library, RTLD_DI_LINKMAP, &map) && map->l_name[0] == '/') paths.emplace_back(map->l_name);
  }
  return paths;
}

void load_engine(Helper* h) {
  if (h->link || !h->no_link.empty()) return;
  h->libraries = system_libraries();
  if (void* engine = dlopen(h->engine.c_str(), RTLD_NOW)) h->link = reinterpret_cast<LinkFunction>(dlsym(engine, "clb_link"));
  if (!h->link) {
    const char* error = dlerror();
    h->no_link = error ? error : "the engine has no clb_link";
  }
}

std::string run_lld(const Helper& h, const std::string& job, const std::string& output) {
  const std::string soname = output.substr(output.rfind('/') + 1);
  std::vector<const char*> args = {"ld.lld", "-shared", "--threads=1", "--hash-style=gnu", "--build-id=none", "--eh-frame-hdr", "-z", "now",
                                   "-soname", soname.c_str(), "-o", output.c_str(), job.c_str(), "--as-needed"};
  for (const std::string& library : h.libraries) args.push_back(library.c_str());
  args.push_back("--no-undefined");
  char message[2048];
  return h.link(static_cast<int>(args.size()), args.data(), message, sizeof message) ? message : "";
}

std::string contents(const std::string& path) {
  std::string all;
  if (FILE* file = std::fopen(path.c_str(), "rbe")) {
    char part[65536];
    for (size_t got; (got = std::fread(part, 1, sizeof part, file)) > 0;) all.append(part, got);
    std::fclose(file);
  }
  return all;
}

// Empty when the entry stands, else what went wrong. Runs in a child.
std::string do_job(const Helper& h, const std::string& job, const std::string& linked, const std::string& packed) {
  EntryBytes bytes;
  if (const Outcome o = read_file(job, false, &bytes); !o.hit()) return o.text();
  const std::string name(bytes.name);
  if (name != entry_folder(bytes.key) + "/" + name.substr(name.rfind('/') + 1)) return "a job with a strange name: " + name;
  if (std::string why = run_lld(h, job, linked); !why.empty()) return why;
  const std::string elf = contents(linked);
  if (!is_elf(elf)) return "lld wrote nothing";
  if (const int error = write_file(packed, pack(elf, bytes.manifest, "", bytes.key), 0600)) return std::strerror(error);
  if (mkdir((h.directory + "/" + entry_folder(bytes.key)).c_str(), 0700) && errno != EEXIST) return std::strerror(errno);
  if (rename(packed.c_str(), (h.directory + "/" + name).c_str())) return std::strerror(errno);
  return "";
}

struct Running {
  pid_t pid;
  int words;                                   // read end: the child's message
  std::string job;
};

Running start_job(const Helper& h, const std::string& job) {
  int words[2];
  if (pipe(words)) return {-1, -1, job};
  const pid_t pid = fork();
  if (pid == 0) {
    close(words[0]);
    const std::string why = h.link ? do_job(h, job, job + ".so", job + ".entry") : h.no_link;
    if (!why.empty()) (void)!write(words[1], why.data(), why.size() < 2000 ? why.size() : 2000);
    _exit(why.empty() ? 0 : 1);
  }
  close(words[1]);
  return {pid, words[0], job};
}

void finish_job(const Running& r) {
  char words[2048] = "-the link helper could not start";
  int status = -1;
  if (r.words >= 0) {
    const ssize_t size = read(r.words, words + 1, sizeof words - 2);
    words[1 + (size > 0 ? size : 0)] = 0;
    close(r.words);
  }
  if (r.pid > 0) waitpid(r.pid, &status, 0);
  if (r.pid > 0 && !words[1] && status) std::snprintf(words, sizeof words, "-lld ended with status %d on %s", status, r.job.c_str());
  for (const char* suffix : {"", ".so", ".entry"}) unlink((r.job + suffix).c_str());
  const std::string_view answer = status == 0 ? "+" : words;
  // Nobody may be listening any more; then nobody wants to know.
  (void)!send(0, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

// One message: a job. False: the other side has closed, or (not waiting) nothing is there.
bool receive(std::string* job, int flags) {
  char path[4096];
  const ssize_t got = recv(0, path, sizeof path, flags);
  if (got <= 0) return false;
  job->assign(path, static_cast<size_t>(got));
  return true;
}

bool inside(const Helper& h, const std::string& job) { return job.rfind(h.directory + "/pending/", 0) == 0; }

void serve(Helper* h) {
  for (bool open = true;;) {
    pollfd p{0, POLLIN, 0};
    if (open && poll(&p, 1, kIdle) == 0) {
      shutdown(0, SHUT_RD);                    // from now on a send fails over there; what was sent before is still read
      open = false;
    }
    std::string job;
    std::vector<Running> running;
    if (!receive(&job, 0)) return;
    load_engine(h);
    do {
      if (inside(*h, job)) running.push_back(start_job(*h, job));
    } while (running.size() < kAtOnce && receive(&job, MSG_DONTWAIT));
    for (const Running& r : running) finish_job(r);
  }
}

int run(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "coluber-link is started by coluber itself\n");
    return 2;
  }
  (void)!chdir("/");                           // do not keep the user's folder busy
  setpriority(PRIO_PROCESS, 0, 10);
  umask(077);
  Helper helper{argv[1], argv[2], nullptr, "", {}};
  serve(&helper);
  shutdown(0, SHUT_RDWR);                      // whoever drains may go on; trimming is nobody's hurry
  close(0);
  trim(helper.directory, std::strtoll(argv[3], nullptr, 10));
  return 0;
}

}  // namespace
}  // namespace coluber::jit

int main(int argc, char** argv) { return coluber::jit::run(argc, argv); }
