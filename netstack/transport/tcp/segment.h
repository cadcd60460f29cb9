// A received segment in the terms of RFC 9293 3.3.1 (SEG.*).
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_SEGMENT_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_SEGMENT_H_

#include <cstdint>

#include "netstack/packet/slice.h"
#include "netstack/transport/transport_protocol.h"
#include "netstack/wire/tcp.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {

struct Segment {
  const IpPacketIn* packet = nullptr;  // borrowed while the segment is processed
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  SeqNum seq;
  SeqNum ack;
  uint8_t flags = 0;
  bool ae = false;       // RFC 9768 3.2.2
  bool had_syn = false;  // SYN was taken out of the flags
  uint16_t wnd = 0;  // as on the wire, not scaled
  uint16_t up = 0;
  uint16_t gso_size = 0;  // size of the segments that were merged into this one; 0: it is one
  TcpOptionSet options;
  Slice text;

  bool Has(uint8_t flag) const { return (flags & flag) != 0; }
  // AE, CWR and ECE as one number: the ACE field when SYN is clear and AccECN was negotiated.
  uint8_t ace() const { return AceOf(ae, flags); }
  // SEG.LEN: text, SYN and FIN.
  uint32_t length() const {
    return static_cast<uint32_t>(text.size()) + (Has(tcp_flag::kSyn) ? 1 : 0) +
           (Has(tcp_flag::kFin) ? 1 : 0);
  }
  SeqNum end() const { return seq + length(); }
  // That were merged into it.
  uint32_t packets() const {
    if (gso_size == 0 || text.size() <= gso_size) return 1;
    return static_cast<uint32_t>((text.size() - 1) / gso_size) + 1;
  }
  // Sequence number of the first octet of text.
  SeqNum text_seq() const { return Has(tcp_flag::kSyn) ? seq + 1 : seq; }
  SeqNum text_end() const { return text_seq() + static_cast<uint32_t>(text.size()); }
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_SEGMENT_H_
