#include "netstack/neighbor/arp.h"

namespace moat::netstack {
namespace {

bool IsUnicast(const IpAddress& address) {
  return !address.IsUnspecified() && !address.IsMulticast() && !address.IsLoopback() &&
         !address.IsLimitedBroadcast();
}

// RFC 3927 2.5: ARP from a link-local address is for everybody to hear, so that two nodes that have
// the same one find out.
MacAddress Hearers(const IpAddress& sender, const MacAddress& to) {
  return sender.IsLinkLocal() ? MacAddress::Broadcast() : to;
}

}  // namespace

Arp::Counters::Counters(CounterTable& table)
    : in_requests(table, "Arp.InRequests"),
      in_replies(table, "Arp.InReplies"),
      out_requests(table, "Arp.OutRequests"),
      out_replies(table, "Arp.OutReplies"),
      conflicts(table, "Arp.Conflicts"),
      truncated(table, "Drop.ArpTruncated"),
      hardware_type(table, "Drop.ArpHardwareType"),
      protocol_type(table, "Drop.ArpProtocolType"),
      lengths(table, "Drop.ArpAddressLengths"),
      operation(table, "Drop.ArpOperation"),
      bad_sender(table, "Drop.ArpBadSender") {}

Arp::Arp(ArpHost& host, NeighborCache& cache, CounterTable& counters)
    : host_(host), cache_(cache), counters_(counters) {}

void Arp::CountParseError(ArpParse error) {
  switch (error) {
    case ArpParse::kOk: break;
    case ArpParse::kTruncated: ++counters_.truncated; break;
    case ArpParse::kHardwareType: ++counters_.hardware_type; break;
    case ArpParse::kProtocolType: ++counters_.protocol_type; break;
    case ArpParse::kAddressLengths: ++counters_.lengths; break;
    case ArpParse::kOperation: ++counters_.operation; break;
  }
}

void Arp::Receive(InterfaceIndex interface, std::span<const uint8_t> bytes, bool to_us) {
  ArpMessage message;
  const ArpParse parse = ParseArp(bytes, &message);
  if (parse != ArpParse::kOk) return CountParseError(parse);
  // A link address that is a group could turn every packet to it into a broadcast; RFC 1812 3.3.2.
  const bool probe = message.sender.IsUnspecified();
  // The answer to a probe is to nobody (RFC 5227 2.1.1).
  const bool to_prober =
      message.operation == ArpOperation::kReply && message.target.IsUnspecified();
  if (message.sender_mac.IsMulticast() || message.sender_mac == MacAddress{} ||
      !(probe || IsUnicast(message.sender)) || !(to_prober || IsUnicast(message.target))) {
    ++counters_.bad_sender;
    return;
  }
  // Two of our interfaces may be on one link and hear each other (RFC 5227 2.1.1, 2.4).
  const bool another = !host_.IsOwnMac(message.sender_mac);
  if (another) {
    host_.AddressClaimed(interface, probe ? message.target : message.sender, probe);
  }
  // Somebody else uses our address: believing it would cut us off from ourselves (RFC 5227 2.4).
  if (!probe && host_.AnswersArp(interface, message.sender)) {
    if (another) ++counters_.conflicts;
    return;
  }
  if (message.operation == ArpOperation::kRequest) {
    HandleRequest(interface, message);
  } else {
    HandleReply(interface, message, to_us);
  }
}

void Arp::HandleRequest(InterfaceIndex interface, const ArpMessage& message) {
  ++counters_.in_requests;
  const bool for_us = host_.AnswersArp(interface, message.target);
  // RFC 826: whoever asks us will be answered to, so learn; from what others ask, only update.
  if (!message.sender.IsUnspecified()) {
    cache_.HeardFrom(interface, message.sender, message.sender_mac, /*create=*/for_us);
  }
  if (!for_us) return;
  ++counters_.out_replies;
  host_.SendArp(interface, Hearers(message.target, message.sender_mac),
                {ArpOperation::kReply, host_.InterfaceMac(interface), message.target,
                 message.sender_mac, message.sender});
}

void Arp::HandleReply(InterfaceIndex interface, const ArpMessage& message, bool to_us) {
  ++counters_.in_replies;
  if (message.sender.IsUnspecified()) return;
  // A unicast reply to us is taken as solicited, as ARP has no such flag; a broadcast one
  // (gratuitous) only updates what is known.
  const bool solicited = to_us && host_.AnswersArp(interface, message.target);
  cache_.Advertised(interface, message.sender,
                    {.mac = message.sender_mac, .solicited = solicited, .override_ = true,
                     .router = std::nullopt});
}

void Arp::Request(InterfaceIndex interface, const IpAddress& target, const IpAddress& source,
                  const std::optional<MacAddress>& to) {
  ++counters_.out_requests;
  host_.SendArp(interface, Hearers(source, to.value_or(MacAddress::Broadcast())),
                {ArpOperation::kRequest, host_.InterfaceMac(interface), source, MacAddress{},
                 target});
}

void Arp::Announce(InterfaceIndex interface, const IpAddress& address) {
  Request(interface, address, address, std::nullopt);
}

}  // namespace moat::netstack
