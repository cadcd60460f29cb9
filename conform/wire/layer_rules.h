// What Frame::Build() fills into each kind of layer: a table of functions, one per kind.
#ifndef MOAT_CONFORM_WIRE_LAYER_RULES_H_
#define MOAT_CONFORM_WIRE_LAYER_RULES_H_

#include <vector>

#include "conform/wire/frame.h"

namespace moat::conform {

struct BuildContext {
  const Layer& layer;
  Bytes& bytes;         // of the layer, to be filled in
  const Layer* next;    // the layer inside, or null
  const Bytes& inside;  // everything inside, finished
  const Layer* ip;      // the IP layer around a transport layer, or null
};

// The nearest IP layer outside of layer `index`.
const Layer* EnclosingIp(const std::vector<Layer>& layers, size_t index);

void FillIn(const BuildContext& context);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_WIRE_LAYER_RULES_H_
