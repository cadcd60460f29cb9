// Keeps the kernel's own TCP/IP away from an interface whose frames netstack serves.
//
// A clsact queueing discipline with one cls_bpf program each way drops every packet: on ingress
// behind the AF_PACKET taps (netstack sees everything, the kernel's stack nothing), on egress in
// front of the device (the kernel's ARP, MLD and router solicitations do not leave; netstack's
// frames go around queueing disciplines, PACKET_QDISC_BYPASS). The program is classic BPF with
// direct action, so that CAP_NET_ADMIN over the network namespace is all it takes.
#ifndef MOAT_SENTRY_ATTACH_SILENCER_H_
#define MOAT_SENTRY_ATTACH_SILENCER_H_

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netstack/wire/address.h"
#include "sentry/netlink/route_socket.h"

namespace moat::sentry {

class Silencer {
 public:
  // For the network namespace of the calling thread.
  static absl::StatusOr<Silencer> Create();

  // Silences the kernel on `index`. A predecessor's leftovers are taken over; somebody else's
  // clsact and its filters stay, behind ours. kPermissionDenied, kNotFound (no such interface),
  // kUnimplemented or kNotFound with the kernel's text when it lacks NET_SCH_INGRESS or
  // NET_CLS_BPF.
  absl::Status Silence(netstack::InterfaceIndex index);

  // Undoes it. kNotFound when the interface is gone, which took everything with it.
  absl::Status Restore(netstack::InterfaceIndex index);

 private:
  explicit Silencer(RouteSocket socket) : socket_(std::move(socket)) {}

  absl::Status AddQdisc(netstack::InterfaceIndex index);
  absl::Status RemoveQdisc(netstack::InterfaceIndex index);
  absl::Status AddFilter(netstack::InterfaceIndex index, uint32_t direction);
  absl::Status RemoveFilter(netstack::InterfaceIndex index, uint32_t direction);

  RouteSocket socket_;
  std::set<netstack::InterfaceIndex> foreign_;  // interfaces whose clsact is somebody else's
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ATTACH_SILENCER_H_
