// One line about a packet, for reports: "arp request 192.0.2.1 asks for 192.0.2.2".
#ifndef MOAT_CONFORM_WIRE_SUMMARY_H_
#define MOAT_CONFORM_WIRE_SUMMARY_H_

#include <string>

#include "conform/wire/packet.h"

namespace moat::conform {

std::string Summarize(const Packet& packet);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_WIRE_SUMMARY_H_
