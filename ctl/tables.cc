#include "ctl/tables.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace moat::ctl {
namespace {

constexpr std::pair<const char*, uint32_t> kTables[] = {
    {"default", 253}, {"main", kMainTable}, {"local", 255}};

constexpr std::pair<const char*, v1::Route::Type> kTypes[] = {
    {"unicast", v1::Route::TYPE_UNICAST},
    {"local", v1::Route::TYPE_LOCAL},
    {"broadcast", v1::Route::TYPE_BROADCAST},
    {"blackhole", v1::Route::TYPE_BLACKHOLE},
    {"unreachable", v1::Route::TYPE_UNREACHABLE},
    {"prohibit", v1::Route::TYPE_PROHIBIT},
    {"throw", v1::Route::TYPE_THROW},
};

}  // namespace

std::string TableName(uint32_t table) {
  for (const auto& [name, number] : kTables) {
    if (number == table) return name;
  }
  return absl::StrCat(table);
}

absl::StatusOr<uint32_t> TableValue(Args& args, std::string_view keyword) {
  absl::StatusOr<std::string> value = args.Value(keyword);
  if (!value.ok()) return value.status();
  for (const auto& [name, number] : kTables) {
    if (*value == name) return number;
  }
  uint32_t number = 0;
  if (absl::SimpleAtoi(*value, &number) && number != 0) return number;
  return SyntaxError(absl::StrCat("\"", *value, "\" is not a table"));
}

std::string RouteTypeName(v1::Route::Type type) {
  for (const auto& [name, entry] : kTypes) {
    if (entry == type) return name;
  }
  return absl::StrCat(static_cast<int>(type));
}

std::optional<v1::Route::Type> RouteTypeOf(const std::string& name) {
  for (const auto& [entry, type] : kTypes) {
    if (name == entry) return type;
  }
  return std::nullopt;
}

}  // namespace moat::ctl
