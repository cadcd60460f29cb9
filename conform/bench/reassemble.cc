#include "conform/bench/reassemble.h"

#include <algorithm>

namespace moat::conform {
namespace {

struct Piece {
  uint64_t id = 0;
  size_t offset = 0;
  bool more = false;
  Bytes data;
};

// The data of the pieces joined; empty when they do not fit, and the case has failed.
Bytes Join(Bench& b, std::vector<Piece> pieces) {
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& x, const Piece& y) { return x.offset < y.offset; });
  Bytes all;
  b.Check(!pieces.empty(), "there are no fragments");
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    const bool last = i + 1 == pieces.size();
    b.CheckEqual(static_cast<int64_t>(piece.id), static_cast<int64_t>(pieces[0].id),
                 "a fragment's identification");
    b.CheckEqual(static_cast<int64_t>(piece.offset), static_cast<int64_t>(all.size()),
                 "a fragment's offset");
    b.Check(piece.more == !last, "the more-fragments flag is wrong");
    b.Check(last || piece.data.size() % 8 == 0, "a fragment's length is no multiple of 8");
    all.insert(all.end(), piece.data.begin(), piece.data.end());
  }
  return b.ok() ? all : Bytes();
}

Bytes Behind(const Bytes& packet, size_t header) {
  return Bytes(packet.begin() + static_cast<ptrdiff_t>(std::min(header, packet.size())),
               packet.end());
}

}  // namespace

Packet ReassembleIpv4(Bench& b, const std::vector<Packet>& fragments) {
  std::vector<Piece> pieces;
  for (const Packet& p : fragments) {
    if (!p.problems().empty()) b.Fail("malformed: " + p.Summary());
    pieces.push_back({p.Get(ipv4::kId), 8 * p.Get(ipv4::kFragmentOffset).u64(),
                      p.Get(ipv4::kMoreFragments).u64() != 0,
                      Behind(p.From(Kind::kIpv4), 4 * p.Get(ipv4::kHeaderLength).u64())});
  }
  const Bytes data = Join(b, std::move(pieces));
  if (!b.ok()) return Packet();
  const Packet& first = fragments[0];
  return Packet::OfFrame((Eth(first.GetMac(eth::kDestination), first.GetMac(eth::kSource)) /
                          Ipv4(first.Source(), first.Destination())
                              .Set(ipv4::kProtocol, first.Get(ipv4::kProtocol)) /
                          Raw(data)).Build(),
                         first.port(), first.time());
}

Packet ReassembleIpv6(Bench& b, const std::vector<Packet>& fragments) {
  std::vector<Piece> pieces;
  for (const Packet& p : fragments) {
    if (!p.problems().empty()) b.Fail("malformed: " + p.Summary());
    if (!p.Has(Kind::kFragment)) return p;
    pieces.push_back({p.Get(fragment::kId), 8 * p.Get(fragment::kOffset).u64(),
                      p.Get(fragment::kMore).u64() != 0, Behind(p.From(Kind::kFragment), 8)});
  }
  const Bytes data = Join(b, std::move(pieces));
  if (!b.ok()) return Packet();
  const Packet& first = fragments[0];
  return Packet::OfFrame((Eth(first.GetMac(eth::kDestination), first.GetMac(eth::kSource)) /
                          Ipv6(first.Source(), first.Destination())
                              .Set(ipv6::kNextHeader, first.Get(fragment::kNextHeader)) /
                          Raw(data)).Build(),
                         first.port(), first.time());
}

}  // namespace moat::conform
