// A NETLINK_ROUTE socket of the network namespace that the calling thread is in when it is opened.
#ifndef MOAT_SENTRY_NETLINK_ROUTE_SOCKET_H_
#define MOAT_SENTRY_NETLINK_ROUTE_SOCKET_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "sentry/netlink/message.h"

namespace moat::sentry {

class RouteSocket {
 public:
  using Visitor = absl::FunctionRef<void(const NetlinkMessage&)>;

  // `groups` as RTMGRP_*; 0 for a socket that only asks.
  static absl::StatusOr<RouteSocket> Open(uint32_t groups);

  int fd() const { return fd_.get(); }

  // Asks for all entries of `type` (RTM_GETLINK, ...) and `family`, and waits for them (at most a
  // second; the kernel answers at once). An inconsistent dump is repeated, up to a limit: kAborted
  // then, and what was visited must be thrown away each time `restart` is called.
  absl::Status Dump(uint16_t type, uint8_t family, absl::FunctionRef<void()> restart,
                    Visitor visit);

  // Sends one request and waits for its acknowledgement. The kernel's errno as a status of the code
  // that fits (kNotFound, kAlreadyExists, kPermissionDenied, kInvalidArgument, kUnavailable) with
  // the errno in its text.
  absl::Status Request(NetlinkWriter& request);

  // Visits what waits, without blocking. False when messages were lost (ENOBUFS): ask for
  // everything again.
  bool Drain(Visitor visit);

  // The sequence number for the next request, to be put into its header.
  uint32_t NextSequence() { return ++sequence_; }

 private:
  explicit RouteSocket(OwnedFd fd);

  absl::Status Send(std::span<const uint8_t> bytes);
  // One datagram; empty at EAGAIN (nothing waits, or the time is up). ENOBUFS sets *lost.
  std::span<const uint8_t> Receive(int flags, bool* lost);
  // Shows `is_last` the answers to request `sequence` until it says so, or the kernel reports an
  // error (or, as error 0, an acknowledgement). `what` goes into the text of a failure.
  absl::Status Await(uint32_t sequence, const char* what,
                     absl::FunctionRef<bool(const NetlinkMessage&)> is_last);
  absl::Status DumpOnce(uint16_t type, uint8_t family, Visitor visit, bool* inconsistent);

  OwnedFd fd_;
  uint32_t sequence_ = 0;
  std::vector<uint8_t> buffer_;
};

// errno of the kernel's answer as a status; OK for 0.
absl::Status StatusFromErrno(int error, const char* what);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_ROUTE_SOCKET_H_
