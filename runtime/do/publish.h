// Published ports of `moat do`: a small process on the host's side that listens there and carries
// bytes and datagrams to the container's address. Poll-driven, one thread, bounded.
#ifndef MOAT_RUNTIME_DO_PUBLISH_H_
#define MOAT_RUNTIME_DO_PUBLISH_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

struct PublishedPort {
  std::string address;  // to listen on; empty: all, of both families
  uint16_t host_port = 0;
  uint16_t container_port = 0;
  bool udp = false;
};

// "[ADDRESS:]HOST:CONTAINER[/tcp|/udp]"; an IPv6 address stands in brackets.
absl::StatusOr<PublishedPort> ParsePublishedPort(absl::string_view text);

// Binds all ports, then starts the process that serves them toward `container_address` (IPv4). It
// dies with its parent. The error names the port that is taken. No ports: returns 0 and starts
// nothing.
absl::StatusOr<pid_t> StartPublisher(const std::vector<PublishedPort>& ports,
                                     const std::string& container_address);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_PUBLISH_H_
