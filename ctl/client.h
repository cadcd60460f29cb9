// The connection to one sandbox's control service.
#ifndef MOAT_CTL_CLIENT_H_
#define MOAT_CTL_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "moat/v1/sandbox.grpc.pb.h"

namespace moat::ctl {

class Client {
 public:
  // Takes over a connected Unix socket.
  explicit Client(int fd);

  // One unary call, bounded to ten seconds:
  //   client.Call(&v1::Sandbox::Stub::ListRoutes, request, &response)
  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (v1::Sandbox::Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                    const std::type_identity_t<Request>& request, Response* response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return ToStatus(((*stub_).*method)(&context, request, response));
  }

  // Streams. `each` returns false to stop. Watch() ends only with the sandbox.
  absl::Status ListSockets(const v1::ListSocketsRequest& request,
                           const std::function<void(const v1::Socket&)>& each);
  absl::Status Watch(const v1::WatchRequest& request,
                     const std::function<bool(const v1::Event&)>& each);

 private:
  static void SetDeadline(grpc::ClientContext& context);
  static absl::Status ToStatus(const grpc::Status& status);

  std::unique_ptr<v1::Sandbox::Stub> stub_;
};

// The state directories in which a runtime's containers may be, most likely first: `root` alone
// when it is not empty; otherwise Moat's own, the user's, and those that Docker, containerd and
// podman pass.
std::vector<std::string> StateRoots(const std::string& root);

// The state directory of the sandbox `id` (or the only one whose id begins so). kNotFound and
// kInvalidArgument (ambiguous, not an id) say what was looked for.
absl::StatusOr<std::string> FindSandbox(const std::vector<std::string>& roots,
                                        const std::string& id);

// Connects to the control socket in `state_dir`. The path may be longer than sockaddr_un.
absl::StatusOr<int> ConnectControlSocket(const std::string& state_dir);

}  // namespace moat::ctl

#endif  // MOAT_CTL_CLIENT_H_
