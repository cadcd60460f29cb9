// The little of rtnetlink(7) that a veth pair needs. One request, one acknowledgement.
#ifndef MOAT_RUNTIME_DO_RTNETLINK_H_
#define MOAT_RUNTIME_DO_RTNETLINK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/owned_fd.h"
#include "runtime/do/ip_range.h"

namespace moat::runtime {

class RtNetlink {
 public:
  // Speaks to the calling thread's network namespace, for good.
  static absl::StatusOr<RtNetlink> Open();

  // A veth pair: `name` here, `peer` in the namespace of `peer_namespace_fd`. AlreadyExists for a
  // name that is taken.
  absl::Status AddVeth(absl::string_view name, absl::string_view peer, int peer_namespace_fd);
  absl::Status DeleteLink(absl::string_view name);
  absl::Status SetUp(int interface_index);
  // Without duplicate address detection: both ends are ours.
  absl::Status AddAddress(int interface_index, const IpPrefix& address);
  absl::Status AddDefaultRoute(int interface_index, const IpPrefix& gateway);

  // NotFound when there is none of the name.
  absl::StatusOr<int> InterfaceIndex(absl::string_view name);

  // Every network that the namespace has a route to or an address of, in all tables.
  absl::StatusOr<std::vector<IpPrefix>> TakenNetworks();

 private:
  explicit RtNetlink(OwnedFd fd) : fd_(std::move(fd)) {}
  // Sends `message` (an nlmsghdr and its payload) and waits for the acknowledgement; `answer` gets
  // the other messages that come, concatenated.
  absl::Status Transact(std::string message, absl::string_view what, std::string* answer);
  absl::Status Dump(uint16_t type, absl::string_view what, std::string* answer);

  OwnedFd fd_;
  uint32_t sequence_ = 0;
};

// Networks in the messages of a dump of routes or addresses; what is malformed is left out. For
// tests.
void CollectNetworks(absl::string_view messages, std::vector<IpPrefix>* out);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_RTNETLINK_H_
