// The interception filter as data: which system calls of a container go to the sentry, which fail
// at once, and which never leave the kernel.
//
//   socket, socketpair  AF_UNIX: the kernel's. AF_INET, AF_INET6, AF_NETLINK: the sentry's
//                       (socketpair: EOPNOTSUPP, as Linux). Every other family: EAFNOSUPPORT.
//   bind connect listen accept accept4 shutdown getsockname getpeername getsockopt setsockopt
//   sendmsg recvmsg sendmmsg recvmmsg
//                       the sentry's (it lets the kernel go on for other sockets)
//   sendto, recvfrom    the sentry's with an address, urgent data and the error queue; else the
//                       kernel's
//   ioctl               the sentry's for network requests and FIONREAD, TIOCOUTQ; else the kernel's
//   io_uring_*          ENOSYS: a way round every other rule
//   i386                network calls and io_uring ENOSYS, all others the kernel's
//   x32 and unknown architectures
//                       ENOSYS
//   everything else     the kernel's. Decided by the number alone, so that the kernel's action
//                       cache (seccomp_cache) answers without running the filter.
//
// A profile's errno rules outrank the notification, which outranks its allow rules, so this filter
// can stand beside any OCI profile.
#ifndef MOAT_SENTRY_INTERCEPT_FILTER_H_
#define MOAT_SENTRY_INTERCEPT_FILTER_H_

#include <linux/filter.h>

#include <span>

namespace moat::sentry {

// The assembled program. Lives for ever; built at compile time, so it may be used after fork().
std::span<const sock_filter> InterceptionFilter();

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_INTERCEPT_FILTER_H_
