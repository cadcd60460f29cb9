#include "runtime/rootfs/mount_options.h"

#include <sys/mount.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

namespace moat::runtime {
namespace {

// "ro" sets a bit, "rw" takes back an earlier "ro". With an "r" in front: all mounts below too.
struct AttributeRow {
  absl::string_view word;
  uint64_t set;
  uint64_t clear;
};
constexpr AttributeRow kAttributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    // The access time modes are one field of several bits: setting one clears the field first.
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", 0, MOUNT_ATTR__ATIME},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", 0, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", 0, MOUNT_ATTR__ATIME},
};

struct PropagationRow {
  absl::string_view word;
  uint64_t flag;
};
constexpr PropagationRow kPropagation[] = {
    {"shared", MS_SHARED},
    {"private", MS_PRIVATE},
    {"slave", MS_SLAVE},
    {"unbindable", MS_UNBINDABLE},
};

struct BoolRow {
  absl::string_view word;
  bool MountOptions::*member;
};
constexpr BoolRow kBools[] = {
    {"bind", &MountOptions::bind},
    {"rbind", &MountOptions::recursive_bind},
    {"remount", &MountOptions::remount},
    {"tmpcopyup", &MountOptions::copy_up},
};

constexpr absl::string_view kSuperFlags[] = {"sync", "dirsync", "mand", "lazytime"};
// Without an effect of their own.
constexpr absl::string_view kIgnored[] = {"defaults", "async", "nomand", "nolazytime", "silent",
                                          "loud", "iversion", "noiversion", "acl", "noacl"};
constexpr absl::string_view kUnsupported[] = {"idmap", "ridmap"};

template <size_t N>
bool Contains(const absl::string_view (&words)[N], absl::string_view word) {
  for (absl::string_view candidate : words) {
    if (candidate == word) return true;
  }
  return false;
}

bool ApplyAttribute(absl::string_view word, MountOptions* out) {
  for (const AttributeRow& row : kAttributes) {
    if (word == row.word) {
      out->attr_set = (out->attr_set & ~row.clear) | row.set;
      out->attr_clear = (out->attr_clear & ~row.set) | row.clear;
      return true;
    }
  }
  if (word.empty() || word[0] != 'r') return false;
  for (const AttributeRow& row : kAttributes) {
    if (word.substr(1) == row.word) {
      out->recursive_set = (out->recursive_set & ~row.clear) | row.set;
      out->recursive_clear = (out->recursive_clear & ~row.set) | row.clear;
      return true;
    }
  }
  return false;
}

bool ApplyBool(absl::string_view word, MountOptions* out) {
  for (const BoolRow& row : kBools) {
    if (word == row.word) return out->*row.member = true;
  }
  return false;
}

bool ApplyPropagation(const std::string& word, MountOptions* out) {
  bool recursive = false;
  const uint64_t flag = PropagationFlag(word, &recursive);
  if (flag == 0) return false;
  out->propagation = flag;
  out->recursive_propagation = recursive;
  return true;
}

}  // namespace

uint64_t PropagationFlag(const std::string& word, bool* recursive) {
  for (const PropagationRow& row : kPropagation) {
    *recursive = !word.empty() && word[0] == 'r' && word.substr(1) == row.word;
    if (*recursive || word == row.word) return row.flag;
  }
  *recursive = false;
  return 0;
}

absl::StatusOr<MountOptions> ParseMountOptions(const std::vector<std::string>& options,
                                               const std::string& field) {
  MountOptions out;
  for (const std::string& word : options) {
    if (word.empty() || Contains(kIgnored, word)) continue;
    if (Contains(kUnsupported, word)) {
      return absl::UnimplementedError(
          absl::StrCat("config.json: ", field, ": \"", word, "\" is not supported"));
    }
    if (ApplyBool(word, &out) || ApplyPropagation(word, &out) || ApplyAttribute(word, &out)) {
      continue;
    }
    (Contains(kSuperFlags, word) ? out.super_flags : out.data).push_back(word);
  }
  return out;
}

}  // namespace moat::runtime
