#include "sentry/attach/packet_attacher.h"

#include <utility>

namespace moat::sentry {

using netstack::AfPacketLink;
using netstack::InterfaceIndex;

absl::StatusOr<std::unique_ptr<PacketAttacher>> PacketAttacher::Create(Observer* observer) {
  auto silencer = Silencer::Create();
  if (!silencer.ok()) return silencer.status();
  return std::unique_ptr<PacketAttacher>(new PacketAttacher(*std::move(silencer), observer));
}

PacketAttacher::~PacketAttacher() {
  while (!links_.empty()) Detach(links_.begin()->first);
}

absl::StatusOr<netstack::Link*> PacketAttacher::Attach(InterfaceIndex index,
                                                       const std::string& /*name*/) {
  // Silenced first: a frame that both stacks answered would be worse than one that neither did.
  if (absl::Status status = silencer_.Silence(index); !status.ok()) return status;
  auto link = AfPacketLink::Open({.index = index});
  if (!link.ok()) {
    (void)silencer_.Restore(index);
    return link.status();
  }
  AfPacketLink& opened = **link;
  links_[index] = *std::move(link);
  observer_->OnAttached(index, opened);
  return &opened;
}

void PacketAttacher::Detach(InterfaceIndex index) {
  const auto found = links_.find(index);
  if (found == links_.end()) return;
  observer_->OnDetaching(index, *found->second);
  links_.erase(found);
  (void)silencer_.Restore(index);  // fails when the interface went away, as it usually did
}

}  // namespace moat::sentry
