// The mount option "tmpcopyup": a new tmpfs begins with a copy of what it is about to hide.
#ifndef MOAT_RUNTIME_ROOTFS_COPY_UP_H_
#define MOAT_RUNTIME_ROOTFS_COPY_UP_H_

#include "absl/status/status.h"

namespace moat::runtime {

// Copies files, directories and links from one directory (an O_PATH descriptor) to another, with
// modes and owners; other kinds of files are left out. Links are copied, never followed.
absl::Status CopyUp(int from_fd, int to_fd);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_COPY_UP_H_
