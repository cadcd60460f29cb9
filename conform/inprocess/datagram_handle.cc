#include "conform/inprocess/datagram_handle.h"

#include <algorithm>

namespace moat::conform {

int DatagramHandle::Send(const Bytes& data, const std::optional<Endpoint>& to, bool) {
  const std::span<const uint8_t> piece = data;
  netstack::SendControl control;
  if (to.has_value()) control.destination = ToStack(*to);
  const int result = NegativeErrno(socket_->Send({&piece, 1}, control));
  return result < 0 ? result : static_cast<int>(data.size());
}

int DatagramHandle::Receive(size_t size, Received* received) {
  const netstack::Result<netstack::Datagram> datagram = socket_->Receive();
  if (!datagram.ok()) return NegativeErrno(datagram.error());
  const std::span<const uint8_t> bytes = datagram->payload.span();
  received->data.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(
                                                           std::min(size, bytes.size())));
  received->from = FromStack(datagram->source);
  return static_cast<int>(received->data.size());
}

int DatagramHandle::SetOption(Option option, int value) {
  if (option == Option::kReceiveErrors) {
    socket_->SetQueueErrors(value != 0);
    return 0;
  }
  netstack::SocketOptions options = socket_->options();
  const int result = SetCommonOption(options, option, value);
  if (result == 0) socket_->SetOptions(options);
  return result;
}

// RFC 3678 5.1.3: a full-state filter needs a membership first.
int DatagramHandle::SetFilter(const netstack::IpAddress& group,
                              netstack::InterfaceIndex interface, const SourceFilter& filter) {
  const bool member = socket_->GetSourceFilter(group, interface).ok();
  if (filter.sources.empty() && !(filter.exclude && member)) {
    return NegativeErrno(filter.exclude ? socket_->JoinGroup(group, interface)
                                        : socket_->LeaveGroup(group, interface));
  }
  netstack::SourceFilter wanted{filter.exclude, {}};
  for (const Ip& source : filter.sources) wanted.sources.push_back(ToStack(source));
  if (!member) {
    const netstack::Error error =
        filter.exclude ? socket_->JoinGroup(group, interface)
                       : socket_->ChangeSource(netstack::SourceChange::kJoin, group,
                                               wanted.sources.front(), interface);
    if (error != netstack::Error::kOk || (!filter.exclude && wanted.sources.size() == 1)) {
      return NegativeErrno(error);
    }
  }
  return NegativeErrno(socket_->SetSourceFilter(group, interface, std::move(wanted)));
}

}  // namespace moat::conform
