#include "conform/wire/address.h"

#include <arpa/inet.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace moat::conform {
namespace {

[[noreturn]] void BadAddress(const char* text) {
  std::fprintf(stderr, "conform: \"%s\" is not an address\n", text);
  std::abort();
}

}  // namespace

Mac::Mac(const char* text) {
  int end = 0;
  uint8_t* b = bytes.data();
  const int fields = std::sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &b[0], &b[1],
                                 &b[2], &b[3], &b[4], &b[5], &end);
  if (fields != 6 || text[end] != 0) BadAddress(text);
}

std::string Mac::ToString() const {
  char text[18];
  std::snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                bytes[3], bytes[4], bytes[5]);
  return text;
}

Ip::Ip(const char* text) {
  v6_ = std::strchr(text, ':') != nullptr;
  if (inet_pton(v6_ ? AF_INET6 : AF_INET, text, bytes_.data()) != 1) BadAddress(text);
}

Ip Ip::From(const uint8_t* network_order, bool v6) {
  Ip address;
  address.v6_ = v6;
  std::memcpy(address.bytes_.data(), network_order, address.size());
  return address;
}

std::string Ip::ToString() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof(text));
  return text;
}

Mac GroupMac(const Ip& group) {
  Mac mac = group.v6() ? Mac("33:33:00:00:00:00") : Mac("01:00:5e:00:00:00");
  const uint8_t* ip = group.data();
  if (group.v6()) {
    std::memcpy(&mac.bytes[2], ip + 12, 4);
  } else {
    std::memcpy(&mac.bytes[3], ip + 1, 3);
    mac.bytes[3] &= 0x7f;
  }
  return mac;
}

Ip SolicitedNode(const Ip& address) {
  uint8_t bytes[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};
  std::memcpy(bytes + 13, address.data() + 13, 3);
  return Ip::From(bytes, true);
}

}  // namespace moat::conform
