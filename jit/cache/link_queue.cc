// Starting the link helper and talking to it. One message each way per job: its path; then "+" or "-" and lld's words.
#include "jit/cache/link_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

extern char** environ;

namespace coluber::jit {
namespace {

constexpr int kStarts = 3;                     // of a helper, within one drain

struct SpawnPlan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  // The helper keeps nothing of the user's: its own session, no signals blocked, no files but the socket (as its standard input). An
  // inherited pipe would keep whoever reads from this process waiting for the helper.
  explicit SpawnPlan(int socket) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, socket, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGCHLD);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGINT);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

// Starts a grandchild, so that no child of ours is there for a user's os.wait() to find. The child between lives for the time of the spawn.
bool spawn_detached(const char* program, char* const* argv, int socket) {
  SpawnPlan plan(socket);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);   // a handler must not run in the child, on our memory
  volatile int error = -1;
  const pid_t middle = vfork();
  if (middle == 0) {
    pid_t ignored;
    error = posix_spawn(&ignored, program, &plan.actions, &plan.attributes, argv, environ);
    _exit(0);
  }
  if (middle > 0) {
    int status;
    while (waitpid(middle, &status, 0) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return middle > 0 && error == 0;
}

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace

bool LinkQueue::start() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) return false;
  std::string name = "coluber-link", engine = config_.engine, directory = config_.directory, limit = std::to_string(config_.size_limit);
  char* argv[] = {name.data(), engine.data(), directory.data(), limit.data(), nullptr};
  const bool started = spawn_detached(config_.helper.c_str(), argv, pair[1]);
  close(pair[1]);
  if (!started) {
    close(pair[0]);
    return false;
  }
  socket_ = pair[0];
  owner_ = getpid();
  return true;
}

void LinkQueue::take(const char* message, ssize_t size) {
  if (size > 0 && message[0] == '+') {
    linked_++;
  } else if (size > 0) {
    failed_++;
    last_error_.assign(message + 1, static_cast<size_t>(size) - 1);
  }
}

void LinkQueue::receive() {
  char message[4096];
  while (socket_ >= 0) {
    const ssize_t got = recv(socket_, message, sizeof message, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    if (got == 0) {
      close(socket_);
      socket_ = -1;
      return;
    }
    take(message, got);
  }
}

bool LinkQueue::flush() {
  receive();
  while (socket_ >= 0 && !waiting_.empty()) {
    const std::string& job = waiting_.front();
    if (send(socket_, job.data(), job.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return true;    // it is busy: at the next add or drain
      receive();
      if (socket_ >= 0) close(socket_);
      socket_ = -1;
      return false;
    }
    waiting_.pop_front();
  }
  return waiting_.empty();
}

Outcome LinkQueue::add(const std::string& job) {
  if (socket_ >= 0 && owner_ != getpid()) forget();
  waiting_.push_back(job);
  if (flush()) return {Reason::Stored};
  if (!start()) {
    waiting_.clear();
    return {Reason::NoHelper, config_.helper};
  }
  flush();
  return {Reason::Stored};
}

bool LinkQueue::drain(double seconds) {
  if (owner_ != getpid()) {
    forget();
    return true;
  }
  const double end = now() + seconds;
  for (int starts = 0; !waiting_.empty();) {
    if (!flush() && (++starts > kStarts || !start())) return false;
    if (waiting_.empty()) break;
    const double left = end - now();
    pollfd p{socket_, POLLIN | POLLOUT, 0};
    if (left <= 0 || poll(&p, 1, static_cast<int>(left * 1000) + 1) < 0) return false;
  }
  if (socket_ < 0) return true;
  shutdown(socket_, SHUT_WR);                  // the helper finishes what it has, then closes
  while (socket_ >= 0) {
    const double left = end - now();
    pollfd p{socket_, POLLIN, 0};
    if (left <= 0) return false;
    if (poll(&p, 1, static_cast<int>(left * 1000) + 1) > 0) receive();
  }
  return true;
}

void LinkQueue::forget() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  owner_ = 0;
  waiting_.clear();
}

}  // namespace coluber::jit
