// From bytes to the layers of a Packet: one function per protocol, each finds the next.
#ifndef MOAT_CONFORM_WIRE_DECODER_H_
#define MOAT_CONFORM_WIRE_DECODER_H_

#include <cstddef>
#include <string>

#include "conform/wire/packet.h"

namespace moat::conform {

inline bool IsIcmp4Error(int type) {
  return type == icmp4::kUnreachable || type == icmp4::kSourceQuench || type == icmp4::kRedirect ||
         type == icmp4::kTimeExceeded || type == icmp4::kParameterProblem;
}

class Decoder {
 public:
  // `quoted`: cut short is no problem, and checksums are not judged.
  Decoder(Packet& packet, bool quoted) : packet_(packet), quoted_(quoted) {}

  void Ethernet();
  void Ip(size_t at, size_t end);  // by version

 private:
  void Arp(size_t at, size_t end);
  void Ipv4(size_t at, size_t end);
  void Ipv6(size_t at, size_t end);
  void Extensions(int next, size_t at, size_t end);
  void Transport(int protocol, size_t at, size_t end);
  void Udp(size_t at, size_t end);
  void Tcp(size_t at, size_t end);

  // Adds the layer; false (and a problem) when its header does not fit.
  bool Add(Kind kind, size_t at, size_t header, size_t end);
  uint64_t Load(size_t at, const Field& field, size_t end) const;
  void Problem(std::string text) {
    if (!quoted_) packet_.problems_.push_back(std::move(text));
  }
  // Judges a checksum over [at, end), with a pseudo-header when `protocol` is not negative.
  void CheckSum(const char* name, int protocol, size_t at, size_t end);

  Packet& packet_;
  bool quoted_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_WIRE_DECODER_H_
