// The network of one `moat do`: a namespace of its own, joined to the caller's by a veth pair with
// a small private network on it. The pair goes when this object does, and otherwise with the
// namespace, when the last process that holds it dies.
#ifndef MOAT_RUNTIME_DO_NETWORK_H_
#define MOAT_RUNTIME_DO_NETWORK_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/do/ip_range.h"

namespace moat::runtime {

struct DoNetworkOptions {
  std::optional<IpPrefix> ipv4;  // the container's address; absent: one that is free
  std::optional<IpPrefix> ipv6;
  bool forward = false;  // the host forwards what comes from the container
};

class DoNetwork {
 public:
  // Needs CAP_NET_ADMIN and CAP_SYS_ADMIN, and that the calling thread is the only one (it visits
  // the new namespace). Without IPv6 on the host there is none in the container, unless it was
  // asked for.
  static absl::StatusOr<std::unique_ptr<DoNetwork>> Create(const DoNetworkOptions& options);
  ~DoNetwork();
  DoNetwork(const DoNetwork&) = delete;
  DoNetwork& operator=(const DoNetwork&) = delete;

  int namespace_fd() const { return namespace_.get(); }
  const std::string& host_interface() const { return host_interface_; }
  const std::optional<IpPair>& ipv4() const { return ipv4_; }
  const std::optional<IpPair>& ipv6() const { return ipv6_; }

 private:
  DoNetwork() = default;
  absl::Status Build(const DoNetworkOptions& options);
  absl::Status Forward() const;

  OwnedFd namespace_;
  std::string host_interface_;  // empty: none was made
  std::optional<IpPair> ipv4_;
  std::optional<IpPair> ipv6_;
};

// The name of the container's end.
inline constexpr char kContainerInterface[] = "eth0";

// Deletes a host interface if it is there; for whoever cleans up after a `moat do` that was killed.
void DeleteHostInterface(const std::string& name);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_NETWORK_H_
