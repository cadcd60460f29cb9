#include "conform/inprocess/convert.h"

#include <cerrno>

namespace moat::conform {

// The comments of netstack/base/error.h as a table.
int NegativeErrno(netstack::Error error) {
  using netstack::Error;
  switch (error) {
    case Error::kOk: return 0;
    case Error::kWouldBlock: return -EAGAIN;
    case Error::kInProgress: return -EINPROGRESS;
    case Error::kAlready: return -EALREADY;
    case Error::kIsConnected: return -EISCONN;
    case Error::kNotConnected: return -ENOTCONN;
    case Error::kDestinationRequired: return -EDESTADDRREQ;
    case Error::kInvalid: return -EINVAL;
    case Error::kAddressInUse: return -EADDRINUSE;
    case Error::kAddressNotAvailable: return -EADDRNOTAVAIL;
    case Error::kAddressFamily: return -EAFNOSUPPORT;
    case Error::kOperationNotSupported: return -EOPNOTSUPP;
    case Error::kProtocolOption: return -ENOPROTOOPT;
    case Error::kProtocol: return -EPROTO;
    case Error::kMessageSize: return -EMSGSIZE;
    case Error::kNoBuffers: return -ENOBUFS;
    case Error::kNoMemory: return -ENOMEM;
    case Error::kAccess: return -EACCES;
    case Error::kPermission: return -EPERM;
    case Error::kNetworkDown: return -ENETDOWN;
    case Error::kNetworkUnreachable: return -ENETUNREACH;
    case Error::kHostDown: return -EHOSTDOWN;
    case Error::kHostUnreachable: return -EHOSTUNREACH;
    case Error::kConnectionRefused: return -ECONNREFUSED;
    case Error::kConnectionReset: return -ECONNRESET;
    case Error::kConnectionAborted: return -ECONNABORTED;
    case Error::kTimedOut: return -ETIMEDOUT;
    case Error::kBrokenPipe: return -EPIPE;
    case Error::kNoDevice: return -ENODEV;
    default: return -EIO;
  }
}

}  // namespace moat::conform
