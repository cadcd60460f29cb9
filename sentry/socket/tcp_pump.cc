#include "sentry/socket/tcp_pump.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>

namespace moat::sentry {
namespace {

using netstack::Error;
using netstack::Slice;

// Per call and direction, so that one busy connection does not starve the others.
constexpr size_t kBudget = 1024 * 1024;
// Rather than cutting data into crumbs, wait until the stack reports room again.
constexpr size_t kLeastRoom = 8 * 1024;
constexpr size_t kPieces = 64;

}  // namespace

uint8_t* ReadBlock::data() {
  if (block_.empty()) block_ = Slice::Allocate(kSize);
  return block_.mutable_data();
}

Slice ReadBlock::Take(size_t size) {
  if (size <= kCopyLimit) return Slice::Copy({block_.data(), size});
  Slice taken = std::move(block_);
  block_ = Slice();
  taken.RemoveSuffix(taken.size() - size);
  return taken;
}

PumpResult PumpToStack(int end, netstack::TcpSocket& tcp, ReadBlock& block) {
  PumpResult result{PumpStop::kEmpty};
  for (;;) {
    const size_t space = tcp.WriteSpace();
    const bool crumbs = space < kLeastRoom && (tcp.Ready() & netstack::ready::kWritable) == 0;
    if (space == 0 || crumbs) {
      result.stop = PumpStop::kFull;
      return result;
    }
    const size_t wanted = std::min(space, ReadBlock::kSize);
    // No control buffer: descriptors that the container may have attached are dropped by the
    // kernel.
    const ssize_t size = recv(end, block.data(), wanted, MSG_DONTWAIT);
    if (size <= 0) {
      if (size < 0 && errno == EINTR) continue;
      if (size == 0) {
        result.stop = PumpStop::kEnd;
      } else {
        result.stop = errno == EAGAIN ? PumpStop::kEmpty : PumpStop::kReset;
      }
      return result;
    }
    const Error error = tcp.Write(block.Take(static_cast<size_t>(size)), false);
    if (error != Error::kOk) {
      result.stop = PumpStop::kGone;
      return result;
    }
    result.moved += static_cast<size_t>(size);
    if (static_cast<size_t>(size) < wanted) return result;  // there was no more
    if (result.moved >= kBudget) {
      result.stop = PumpStop::kBudget;
      return result;
    }
  }
}

namespace {

// One piece, which is what small messages are, is cheaper without a vector.
ssize_t SendPieces(int end, std::span<const std::span<const uint8_t>> pieces) {
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (pieces.size() == 1) return send(end, pieces[0].data(), pieces[0].size(), kFlags);
  std::array<iovec, kPieces> vectors;
  for (size_t i = 0; i < pieces.size(); ++i) {
    vectors[i] = {const_cast<uint8_t*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = pieces.size();
  return sendmsg(end, &message, kFlags);
}

}  // namespace

PumpResult PumpToContainer(netstack::TcpSocket& tcp, int end) {
  PumpResult result{PumpStop::kEmpty};
  std::array<std::span<const uint8_t>, kPieces> pieces;
  for (;;) {
    const size_t count = tcp.Peek(pieces);
    if (count == 0) {
      if (tcp.AtEndOfStream()) result.stop = PumpStop::kEnd;
      return result;
    }
    size_t offered = 0;
    for (const auto& piece : std::span(pieces).first(count)) offered += piece.size();
    const ssize_t size = SendPieces(end, std::span(pieces).first(count));
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
        result.stop = PumpStop::kFull;
        return result;
      }
      result.stop = PumpStop::kGone;  // EPIPE: the container does not read any more
      return result;
    }
    tcp.Consume(static_cast<size_t>(size));
    result.moved += static_cast<size_t>(size);
    if (static_cast<size_t>(size) < offered) {
      result.stop = PumpStop::kFull;
      return result;
    }
  }
}

size_t DropBytes(int end, size_t size) {
  std::array<uint8_t, 16 * 1024> sink;
  size_t dropped = 0;
  while (dropped < size) {
    const ssize_t read =
        recv(end, sink.data(), std::min(sink.size(), size - dropped), MSG_DONTWAIT);
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) break;
    dropped += static_cast<size_t>(read);
  }
  return dropped;
}

}  // namespace moat::sentry
