// Who a process is, from the text of /proc/PID/status and of the maps of its user namespace.
#ifndef MOAT_SENTRY_MEMORY_IDENTITY_H_
#define MOAT_SENTRY_MEMORY_IDENTITY_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace moat::sentry {

struct Identity {
  uint32_t uid = 0;              // fsuid
  uint32_t gid = 0;              // fsgid
  uint32_t effective_gid = 0;
  std::vector<uint32_t> groups;  // supplementary; as many as the text holds
};

// What is shown for a number that a user namespace does not map.
inline constexpr uint32_t kOverflowId = 65534;

// Of /proc/PID/status, in the numbers of the reader's user namespace. Absent when a line is
// missing.
std::optional<Identity> ParseIdentity(std::string_view status);

// Translates a number of the reader's into one of the namespace whose uid_map or gid_map `map` is.
// Absent when it is not mapped there; MapInside() then says what the namespace is shown.
std::optional<uint32_t> FindInside(std::string_view map, uint32_t id);
uint32_t MapInside(std::string_view map, uint32_t id);

// Whether the effective or a supplementary group, translated by `map`, is one of `low` to `high`.
bool HasGroupWithin(const Identity& identity, std::string_view map, int64_t low, int64_t high);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_MEMORY_IDENTITY_H_
