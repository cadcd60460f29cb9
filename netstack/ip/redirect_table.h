// First hops that routers told us of by ICMP redirects (RFC 1122 3.2.2.2, RFC 4861 8.3), by
// destination. Bounded; a row is forgotten after a while, when its gateway fails, and with its
// interface. Whether a redirect is believed is judged before it comes here.
#ifndef MOAT_NETSTACK_IP_REDIRECT_TABLE_H_
#define MOAT_NETSTACK_IP_REDIRECT_TABLE_H_

#include "absl/container/flat_hash_map.h"
#include "netstack/base/time.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class RedirectTable {
 public:
  static constexpr size_t kMaxRows = 4096;
  static constexpr Duration kLifetime = std::chrono::seconds(300);  // Linux's route/gc_timeout

  struct Row {
    IpAddress gateway;
    InterfaceIndex interface = 0;
    Time expires{};
  };

  // True when the table was full: all others went for it.
  bool Learn(const IpAddress& destination, const IpAddress& gateway, InterfaceIndex interface,
             Time now) {
    const bool full = rows_.size() >= kMaxRows && !rows_.contains(destination);
    if (full) rows_.clear();
    rows_[destination] = {gateway, interface, now + kLifetime};
    return full;
  }
  // Null when there is none for `destination` out of `interface`.
  const Row* Find(const IpAddress& destination, InterfaceIndex interface, Time now) const {
    if (rows_.empty()) return nullptr;
    const auto it = rows_.find(destination);
    if (it == rows_.end() || it->second.interface != interface || it->second.expires <= now) {
      return nullptr;
    }
    return &it->second;
  }
  // True when something went.
  bool ForgetGateway(const IpAddress& gateway, InterfaceIndex interface) {
    return absl::erase_if(rows_, [&](const auto& row) {
             return row.second.gateway == gateway && row.second.interface == interface;
           }) > 0;
  }
  void ForgetInterface(InterfaceIndex interface) {
    absl::erase_if(rows_, [&](const auto& row) { return row.second.interface == interface; });
  }
  bool empty() const { return rows_.empty(); }

 private:
  absl::flat_hash_map<IpAddress, Row> rows_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_REDIRECT_TABLE_H_
