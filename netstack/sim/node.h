// What stands at the ends of links: a stack, or a switch.
#ifndef MOAT_NETSTACK_SIM_NODE_H_
#define MOAT_NETSTACK_SIM_NODE_H_

#include <cstddef>

#include "netstack/packet/slice.h"

namespace moat::netstack::sim {

class Node {
 public:
  virtual ~Node() = default;
  // A frame, from the Ethernet header on, that nobody else refers to.
  virtual void Receive(size_t port, Slice frame) = 0;
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_NODE_H_
