// Sandbox::Extensions::interface_ioctl: interface requests of a container's thread.
#ifndef MOAT_SENTRY_IOCTL_SERVE_INTERFACE_IOCTL_H_
#define MOAT_SENTRY_IOCTL_SERVE_INTERFACE_IOCTL_H_

#include <cstdint>

#include "sentry/sandbox.h"

namespace moat::sentry {

// The socket is the one that the call names.
Reply ServeInterfaceIoctl(Sandbox& sandbox, Call& call, uint32_t request, uint64_t argument);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_IOCTL_SERVE_INTERFACE_IOCTL_H_
