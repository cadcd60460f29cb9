// A received frame, decoded by the tester's own rules. Total: a field of a layer that is not there
// reads as 0, bytes behind the end read as 0. What is wrong with the frame is listed in problems().
//
//   if (p.Has(Kind::kIcmp4) && p.Get(icmp4::kType) == icmp4::kEchoReply) ... p.Payload() ...
#ifndef MOAT_CONFORM_WIRE_PACKET_H_
#define MOAT_CONFORM_WIRE_PACKET_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "conform/wire/address.h"
#include "conform/wire/field.h"
#include "conform/wire/fields.h"

namespace moat::conform {

using Duration = std::chrono::nanoseconds;

class Packet {
 public:
  Packet() = default;  // nothing was received: Has() is false for every kind
  // A frame from its Ethernet header on, that was seen on `port` at `time`.
  static Packet OfFrame(Bytes frame, int port = 0, Duration time = {});
  // An IP packet, possibly cut short (as ICMP errors quote them): lengths and checksums are not
  // judged.
  static Packet OfQuoted(Bytes ip);

  bool empty() const { return bytes_.empty(); }
  explicit operator bool() const { return !empty(); }
  int port() const { return port_; }
  Duration time() const { return time_; }  // since the case began
  const Bytes& bytes() const { return bytes_; }

  bool Has(Kind kind) const { return Find(kind) != nullptr; }
  Value Get(const Field& field) const;
  Ip GetIp(const Field& field) const;
  Mac GetMac(const Field& field) const { return Get(field).AsMac(); }
  // Of whichever IP layer is there.
  Ip Source() const;
  Ip Destination() const;

  // The layer from its start to the end of the packet, link padding cut off; empty when absent.
  Bytes From(Kind kind) const;
  // Behind the innermost layer that was understood (ICMP: behind its 8 bytes).
  Bytes Payload() const;
  // Header options: of IPv4 and TCP what lies behind the fixed 20 bytes.
  Bytes Options(Kind kind) const;
  // The packet that an ICMP error quotes; empty when this is none.
  Packet Quoted() const;

  const std::vector<std::string>& problems() const { return problems_; }
  std::string Summary() const;  // one line

 private:
  friend class Decoder;
  struct Span {
    Kind kind;
    size_t at;
    size_t header;  // bytes of the header
    size_t end;     // end of the packet at this layer
  };
  const Span* Find(Kind kind) const;

  Bytes bytes_;
  std::vector<Span> layers_;
  std::vector<std::string> problems_;
  int port_ = 0;
  Duration time_{};
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_WIRE_PACKET_H_
