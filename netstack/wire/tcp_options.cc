#include "netstack/wire/tcp_options.h"

#include <algorithm>
#include <cstring>

#include "netstack/wire/bytes.h"

namespace moat::netstack {
namespace {

// NOP NOP Timestamps 10: what nearly every segment carries and nothing else (RFC 7323 appendix A).
constexpr uint32_t kAlignedTimestamps = 0x0101080a;

void ParseSack(std::span<const uint8_t> body, TcpOptionSet& set) {
  if (body.empty() || body.size() % 8 != 0) return;
  set.sack_count = static_cast<uint8_t>(std::min(body.size() / 8, kTcpMaxSackBlocks));
  for (size_t i = 0; i < set.sack_count; ++i) {
    set.sack[i].start = SeqNum(LoadBe32(body.data() + i * 8));
    set.sack[i].end = SeqNum(LoadBe32(body.data() + i * 8 + 4));
  }
}

void ParseFastOpen(std::span<const uint8_t> body, TcpOptionSet& set) {
  const bool cookie =
      body.size() >= 4 && body.size() <= kTcpMaxFastOpenCookie && body.size() % 2 == 0;
  if (!body.empty() && !cookie) return;
  set.has_fast_open = true;
  set.fast_open_size = static_cast<uint8_t>(body.size());
  set.fast_open = body.data();
}

// 3.2.3: of an unknown length the whole fields count, and the rest is padding.
void ParseAccEcn(uint8_t kind, std::span<const uint8_t> body, TcpOptionSet& set) {
  set.accecn_kind = kind;
  set.accecn_fields = static_cast<uint8_t>(std::min(body.size() / 3, kTcpMaxAccEcnFields));
  set.accecn = body.data();
}

void ParseOne(uint8_t kind, std::span<const uint8_t> body, TcpOptionSet& set) {
  switch (kind) {
    case tcp_option::kMaxSegmentSize:
      if (body.size() != 2) return;
      set.has_mss = true;
      set.mss = LoadBe16(body.data());
      return;
    case tcp_option::kWindowScale:
      if (body.size() != 1) return;
      set.has_window_scale = true;
      set.window_scale = std::min(body[0], kTcpMaxWindowScale);
      return;
    case tcp_option::kSackPermitted:
      set.sack_permitted = body.empty();
      return;
    case tcp_option::kSack:
      ParseSack(body, set);
      return;
    case tcp_option::kTimestamps:
      if (body.size() != 8) return;
      set.has_timestamps = true;
      set.ts_value = LoadBe32(body.data());
      set.ts_echo = LoadBe32(body.data() + 4);
      return;
    case tcp_option::kUserTimeout:
      if (body.size() != 2 || (LoadBe16(body.data()) & 0x7fff) == 0) return;
      set.user_timeout = LoadBe16(body.data());
      return;
    case tcp_option::kFastOpen:
      ParseFastOpen(body, set);
      return;
    case tcp_option::kAccEcn0:
    case tcp_option::kAccEcn1:
      ParseAccEcn(kind, body, set);
      return;
    default:
      return;
  }
}

// Writes NOP NOP kind length, which aligns the body of a timestamps or SACK option.
uint8_t* EmitAligned(uint8_t kind, size_t body, uint8_t* out) {
  out[0] = tcp_option::kNoOperation;
  out[1] = tcp_option::kNoOperation;
  out[2] = kind;
  out[3] = static_cast<uint8_t>(2 + body);
  return out + 4;
}

// NOPs in front, so that it ends aligned. Nothing when there is no room.
uint8_t* EmitPadded(uint8_t kind, const uint8_t* body, size_t body_size, size_t room,
                    uint8_t* out) {
  const size_t size = 2 + body_size;
  const size_t padding = (4 - size % 4) % 4;
  if (size + padding > room) return out;
  std::memset(out, tcp_option::kNoOperation, padding);
  out += padding;
  out[0] = kind;
  out[1] = static_cast<uint8_t>(size);
  if (body_size != 0) std::memcpy(out + 2, body, body_size);
  return out + size;
}

uint8_t* EmitFastOpen(const TcpOptionSet& set, size_t room, uint8_t* out) {
  if (!set.has_fast_open) return out;
  return EmitPadded(tcp_option::kFastOpen, set.fast_open, set.fast_open_size, room, out);
}

uint8_t* EmitAccEcn(const TcpOptionSet& set, size_t room, uint8_t* out) {
  if (set.accecn_kind == 0) return out;
  return EmitPadded(set.accecn_kind, set.accecn, size_t{3} * set.accecn_fields, room, out);
}

uint8_t* EmitSack(const TcpOptionSet& set, size_t room, uint8_t* out) {
  if (set.sack_count == 0 || room < 12) return out;
  const size_t count = std::min<size_t>(set.sack_count, (room - 4) / 8);
  out = EmitAligned(tcp_option::kSack, count * 8, out);
  for (size_t i = 0; i < count; ++i, out += 8) {
    StoreBe32(out, set.sack[i].start.value());
    StoreBe32(out + 4, set.sack[i].end.value());
  }
  return out;
}

}  // namespace

TcpOptionSet ParseTcpOptions(std::span<const uint8_t> options) {
  TcpOptionSet set;
  if (options.size() == kTcpTimestampsSize && LoadBe32(options.data()) == kAlignedTimestamps) {
    set.has_timestamps = true;
    set.ts_value = LoadBe32(options.data() + 4);
    set.ts_echo = LoadBe32(options.data() + 8);
    return set;
  }
  for (size_t i = 0; i < options.size();) {
    const uint8_t kind = options[i];
    if (kind == tcp_option::kEnd) break;
    if (kind == tcp_option::kNoOperation) {
      ++i;
      continue;
    }
    if (i + 1 >= options.size()) break;
    const size_t length = options[i + 1];
    if (length < 2 || i + length > options.size()) break;
    ParseOne(kind, options.subspan(i + 2, length - 2), set);
    i += length;
  }
  return set;
}

size_t EmitTcpOptions(const TcpOptionSet& set, uint8_t* out) {
  uint8_t* p = out;
  if (set.has_mss) {
    p[0] = tcp_option::kMaxSegmentSize;
    p[1] = 4;
    StoreBe16(p + 2, set.mss);
    p += 4;
  }
  if (set.sack_permitted) {
    p[0] = tcp_option::kNoOperation;
    p[1] = tcp_option::kNoOperation;
    p[2] = tcp_option::kSackPermitted;
    p[3] = 2;
    p += 4;
  }
  if (set.has_timestamps) {
    p = EmitAligned(tcp_option::kTimestamps, 8, p);
    StoreBe32(p, set.ts_value);
    StoreBe32(p + 4, set.ts_echo);
    p += 8;
  }
  if (set.has_window_scale) {
    p[0] = tcp_option::kNoOperation;
    p[1] = tcp_option::kWindowScale;
    p[2] = 3;
    p[3] = set.window_scale;
    p += 4;
  }
  if (set.user_timeout != 0) {
    p[0] = tcp_option::kUserTimeout;
    p[1] = kTcpUserTimeoutSize;
    StoreBe16(p + 2, set.user_timeout);
    p += kTcpUserTimeoutSize;
  }
  p = EmitFastOpen(set, kTcpMaxOptionsSize - static_cast<size_t>(p - out), p);
  p = EmitAccEcn(set, kTcpMaxOptionsSize - static_cast<size_t>(p - out), p);
  p = EmitSack(set, kTcpMaxOptionsSize - static_cast<size_t>(p - out), p);
  return static_cast<size_t>(p - out);
}

size_t TcpFixedOptionsSize(const TcpOptionSet& set) {
  size_t size = (set.has_mss ? 4 : 0) + (set.sack_permitted ? 4 : 0) +
                (set.has_window_scale ? 4 : 0) + (set.has_timestamps ? kTcpTimestampsSize : 0) +
                (set.user_timeout != 0 ? kTcpUserTimeoutSize : 0);
  const size_t cookie = (2 + static_cast<size_t>(set.fast_open_size) + 3) / 4 * 4;
  if (set.has_fast_open && size + cookie <= kTcpMaxOptionsSize) size += cookie;
  return size;
}

}  // namespace moat::netstack
