// What Fast Open (RFC 7413) keeps between connections, and its cookies.
#include "netstack/transport/tcp/fast_open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/testing/seeded_random.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// --- What is kept between connections ------------------------------------------------------------

TEST(FastOpenCacheTest, IsBoundedAndForgetsTheOldest) {
  FastOpenCache cache;
  FastOpenCookie cookie;
  cookie.size = 8;
  const IpAddress own = IpAddress::V4(192, 0, 2, 1);
  const auto address = [](uint32_t i) {
    return IpAddress::V4(10, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8),
                         static_cast<uint8_t>(i));
  };
  for (uint32_t i = 0; i < 3 * FastOpenCache::kMaxPeers; ++i)
    cache.Learn(own, address(i), cookie, 1460);
  EXPECT_EQ(cache.size(), FastOpenCache::kMaxPeers);
  EXPECT_EQ(cache.Find(own, address(0)), nullptr);
  EXPECT_NE(cache.Find(own, address(3 * FastOpenCache::kMaxPeers - 1)), nullptr);
}

TEST(FastOpenCacheTest, Rfc7413_4_1_3_ACookieIsOfBothAddresses) {
  FastOpenCache cache;
  FastOpenCookie first, second;
  first.size = second.size = 8;
  second.bytes[0] = 1;
  const IpAddress a = IpAddress::V4(192, 0, 2, 1), b = IpAddress::V4(192, 0, 2, 2),
                  server = IpAddress::V4(10, 0, 0, 1);
  cache.Learn(a, server, first, 1460);
  EXPECT_EQ(cache.Find(b, server), nullptr);
  cache.Learn(b, server, second, 1460);
  EXPECT_EQ(cache.Find(a, server)->cookie, first);
  EXPECT_EQ(cache.Find(b, server)->cookie, second);
}

TEST(FastOpenRefusalsTest, AreBoundedAndLastLongerEachTime) {
  FastOpenRefusals refusals;
  const Time start = Time{} + seconds(1000);
  FastOpenRefusals::Path path{IpAddress::V4(192, 0, 2, 1), IpAddress::V4(10, 0, 0, 1), 80};
  EXPECT_FALSE(refusals.Holds(path, start));
  refusals.Note(path, start);
  EXPECT_TRUE(refusals.Holds(path, start + seconds(59)));
  EXPECT_FALSE(refusals.Holds(path, start + seconds(60)));
  for (int i = 0; i < 40; ++i) refusals.Note(path, start);
  EXPECT_TRUE(refusals.Holds(path, start + seconds(3839)));
  EXPECT_FALSE(refusals.Holds(path, start + seconds(3840)));
  refusals.Forget(path);
  EXPECT_FALSE(refusals.Holds(path, start));
  refusals.Note(path, start);
  EXPECT_FALSE(refusals.Holds(path, start + seconds(60)));
  for (uint16_t port = 1; port <= 2 * FastOpenRefusals::kMaxPaths; ++port) {
    path.port = port;
    refusals.Note(path, start);
  }
  EXPECT_EQ(refusals.size(), FastOpenRefusals::kMaxPaths);
}

TEST(FastOpenKeyTest, Rfc7413_4_1_2_CookiesAreOfOneAddress) {
  SeededRandom random(1);
  const FastOpenKeys key(random), other(random);
  const IpAddress a = IpAddress::V4(10, 0, 0, 1), b = IpAddress::V4(10, 0, 0, 2);
  EXPECT_EQ(key.CookieFor(a, b), key.CookieFor(a, b));
  EXPECT_FALSE(key.CookieFor(a, b) == key.CookieFor(b, b));
  EXPECT_FALSE(key.CookieFor(a, b) == other.CookieFor(a, b));
}

// What Linux 6.18 gave for this TCP_FASTOPEN_KEY on loopback.
TEST(FastOpenKeyTest, LinuxMakesTheSameCookies) {
  FastOpenSecret secret;
  for (; secret.size < FastOpenSecret::kKeySize; ++secret.size) {
    secret.bytes[secret.size] = static_cast<uint8_t>(secret.size + 1);
  }
  const auto on_loopback = [&secret](const char* text) {
    const IpAddress address = *IpAddress::Parse(text);
    const FastOpenCookie cookie = FastOpenKeys(secret).CookieFor(address, address);
    return std::vector<uint8_t>(cookie.bytes.begin(), cookie.bytes.begin() + cookie.size);
  };
  EXPECT_THAT(on_loopback("127.0.0.1"),
              testing::ElementsAre(0xdc, 0x54, 0x11, 0x7c, 0xea, 0x8c, 0xc2, 0xb2));
  EXPECT_THAT(on_loopback("::1"),
              testing::ElementsAre(0xbd, 0xea, 0x31, 0x24, 0x65, 0x06, 0x98, 0x70));
}

TEST(FastOpenKeyTest, AsText) {
  const auto one = ParseFastOpenSecret("04030201-08070605-0c0b0a09-100f0e0d");
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->size, 16);
  EXPECT_EQ(one->bytes[0], 1);
  EXPECT_EQ(one->bytes[15], 16);
  const auto both = ParseFastOpenSecret("1-2-3-4,5-6-7-8");
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->size, 32);
  EXPECT_EQ(both->bytes[16], 5);
  for (const char* text : {"", "1-2-3", "1-2-3-4-5", "1-2-3-x", "1-2-3-4,",
                           "1-2-3-4,5-6-7-8,1-2-3-4", "1-2-3-123456789"}) {
    EXPECT_FALSE(ParseFastOpenSecret(text).has_value()) << text;
  }
}

TEST(FastOpenPauseTest, DoublesUpToALimit) {
  FastOpenPause pause;
  const Duration timeout = seconds(10);
  EXPECT_FALSE(pause.Holds(Time{}, timeout));
  for (int i = 0; i < 20; ++i) pause.Begin(Time{});
  EXPECT_TRUE(pause.Holds(Time{} + seconds(639), timeout));
  EXPECT_FALSE(pause.Holds(Time{} + seconds(640), timeout));
  EXPECT_FALSE(pause.Holds(Time{}, Duration{}));
  pause.Forget();
  EXPECT_FALSE(pause.Holds(Time{}, timeout));
}

TEST(FastOpenOptionTest, Rfc7413_2_SizesThatAreNoCookieAreIgnored) {
  for (uint8_t size = 0; size <= 20; ++size) {
    std::vector<uint8_t> bytes = {tcp_option::kFastOpen, static_cast<uint8_t>(2 + size)};
    bytes.resize(2u + size, 7);
    const TcpOptionSet set = ParseTcpOptions(bytes);
    const bool good = size == 0 || (size >= 4 && size <= 16 && size % 2 == 0);
    EXPECT_EQ(set.has_fast_open, good) << int{size};
    EXPECT_EQ(set.fast_open_size, good ? size : 0);
  }
}

}  // namespace
}  // namespace moat::netstack::tcp
