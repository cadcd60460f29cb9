// A network namespace that lives as long as its descriptor, and things done inside it: each in a
// child process of its own, so that the caller's namespace never changes.
#ifndef MOAT_CONFORM_ONWIRE_NET_NAMESPACE_H_
#define MOAT_CONFORM_ONWIRE_NET_NAMESPACE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace moat::conform {

class NetNamespace {
 public:
  NetNamespace() = default;
  // Moves the calling process into a new namespace, and keeps it by a descriptor.
  absl::Status Enter();
  ~NetNamespace();
  NetNamespace(const NetNamespace&) = delete;
  NetNamespace& operator=(const NetNamespace&) = delete;

  int fd() const { return fd_; }

  // Runs `work` in a child that is in the namespace; its return value is the child's exit code.
  int Run(const std::function<int()>& work) const;
  // ip(8) in the namespace with these words; the error has what it said.
  absl::Status Ip(const std::vector<std::string>& words) const;
  // Many lines at once (ip -batch).
  absl::Status IpBatch(const std::string& lines) const;
  // "ipv4.ip_forward": Unimplemented when there is no such file, InvalidArgument when it is
  // refused.
  absl::Status SetSysctl(std::string_view name, std::string_view value) const;
  // No checksums left to others, no segments joined: frames are on the cable as they would be on
  // copper.
  absl::Status DisableOffloads(const std::string& interface) const;

 private:
  int fd_ = -1;
};

// The exit code of RunProgram() when there is no such program.
inline constexpr int kNoProgram = 127;

// Runs a program, in the namespace if one is given; its output (both streams) in `output`. The exit
// code, or -1.
int RunProgram(const std::vector<std::string>& words, const std::string& input,
               std::string* output, const NetNamespace* where = nullptr);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_NET_NAMESPACE_H_
