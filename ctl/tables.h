// Names of routing tables and of route types, as /etc/iproute2/rt_tables and ip-route(8) have them.
#ifndef MOAT_CTL_TABLES_H_
#define MOAT_CTL_TABLES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "ctl/args.h"
#include "moat/v1/sandbox.pb.h"

namespace moat::ctl {

inline constexpr uint32_t kMainTable = 254;

// "main" for 254, "100" for 100.
std::string TableName(uint32_t table);
// The table that has to follow `keyword`, by name or number.
absl::StatusOr<uint32_t> TableValue(Args& args, std::string_view keyword);

std::string RouteTypeName(v1::Route::Type type);
std::optional<v1::Route::Type> RouteTypeOf(const std::string& name);

}  // namespace moat::ctl

#endif  // MOAT_CTL_TABLES_H_
