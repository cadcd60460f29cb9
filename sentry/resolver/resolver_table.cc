#include "sentry/resolver/resolver_table.h"

#include <charconv>

namespace moat::sentry {
namespace {

// "   7: 0B00007F:9C41 00000000:0000 07 ...": the addresses are in the host's byte order.
constexpr std::string_view kResolver = " 0B00007F:";
constexpr std::string_view kUnconnected = " 00000000:0000 ";
constexpr size_t kPortDigits = 4;

uint16_t PortOf(std::string_view line) {
  const size_t address = line.find(kResolver);
  if (address == std::string_view::npos) return 0;
  const std::string_view rest = line.substr(address + kResolver.size());
  if (rest.size() < kPortDigits || !rest.substr(kPortDigits).starts_with(kUnconnected)) return 0;
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + kPortDigits, port, 16);
  return error == std::errc() && end == rest.data() + kPortDigits ? port : 0;
}

}  // namespace

uint16_t FindResolverPort(std::string_view table) {
  while (!table.empty()) {
    const size_t end = table.find('\n');
    if (const uint16_t port = PortOf(table.substr(0, end)); port != 0) return port;
    if (end == std::string_view::npos) break;
    table.remove_prefix(end + 1);
  }
  return 0;
}

}  // namespace moat::sentry
