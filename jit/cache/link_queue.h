// The line to the link helper. A job is a file in the directory's work folder; its path is sent to a helper process, which is started when
// none is there, links what it is sent and ends after half a second without work. No thread of ours lives in the user's process, and a
// process that ends (or is killed) right after a store loses nothing: what was sent is in the helper's socket.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <string>

#include "jit/cache/outcome.h"

namespace coluber::jit {

struct LinkQueueConfig {
  std::string helper, engine, directory;
  int64_t size_limit = 0;
};

class LinkQueue {
 public:
  LinkQueue() = default;
  ~LinkQueue() { forget(); }
  LinkQueue(const LinkQueue&) = delete;
  LinkQueue& operator=(const LinkQueue&) = delete;

  void configure(LinkQueueConfig config) { config_ = std::move(config); }
  Outcome add(const std::string& job);
  // Waits until the helper has done everything or the time is over. True when all is done.
  bool drain(double seconds);
  // In a forked child: the jobs are the parent's business.
  void forget();

  int64_t linked() const { return linked_; }
  int64_t failed() const { return failed_; }
  const std::string& last_error() const { return last_error_; }

 private:
  bool start();
  bool flush();                  // sends what waits; false when the helper has gone
  void receive();                // takes the helper's answers as far as they are there
  void take(const char* message, ssize_t size);

  LinkQueueConfig config_;
  std::deque<std::string> waiting_;
  int socket_ = -1;
  pid_t owner_ = 0;
  int64_t linked_ = 0, failed_ = 0;
  std::string last_error_;
};

}  // namespace coluber::jit
