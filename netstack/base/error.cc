#include "netstack/base/error.h"

namespace moat::netstack {

std::string_view ErrorName(Error error) {
  switch (error) {
    case Error::kOk: return "ok";
    case Error::kWouldBlock: return "would block";
    case Error::kInProgress: return "in progress";
    case Error::kAlready: return "already in progress";
    case Error::kIsConnected: return "is connected";
    case Error::kNotConnected: return "not connected";
    case Error::kDestinationRequired: return "destination address required";
    case Error::kInvalid: return "invalid argument";
    case Error::kAddressInUse: return "address in use";
    case Error::kAddressNotAvailable: return "address not available";
    case Error::kAddressFamily: return "address family not supported";
    case Error::kOperationNotSupported: return "operation not supported";
    case Error::kProtocolOption: return "protocol option not available";
    case Error::kProtocol: return "protocol error";
    case Error::kMessageSize: return "message too long";
    case Error::kNoBuffers: return "no buffer space";
    case Error::kNoMemory: return "out of memory";
    case Error::kAccess: return "permission denied";
    case Error::kPermission: return "operation not permitted";
    case Error::kNetworkDown: return "network is down";
    case Error::kNetworkUnreachable: return "network is unreachable";
    case Error::kHostDown: return "host is down";
    case Error::kHostUnreachable: return "no route to host";
    case Error::kConnectionRefused: return "connection refused";
    case Error::kConnectionReset: return "connection reset";
    case Error::kConnectionAborted: return "connection aborted";
    case Error::kTimedOut: return "timed out";
    case Error::kBrokenPipe: return "broken pipe";
    case Error::kNoDevice: return "no such device";
  }
  return "unknown";
}

}  // namespace moat::netstack
