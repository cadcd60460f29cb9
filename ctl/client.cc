#include "ctl/client.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/grpcpp.h>

#include <chrono>

namespace moat::ctl {
namespace {

constexpr std::chrono::seconds kCallTimeout(10);
constexpr int kMaxReplyBytes = 64 << 20;  // a very large routing table

std::shared_ptr<grpc::Channel> ChannelFor(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReplyBytes);
  return grpc::CreateCustomInsecureChannelFromFd("sandbox", fd, arguments);
}

}  // namespace

Client::Client(int fd) : stub_(v1::Sandbox::NewStub(ChannelFor(fd))) {}

void Client::SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
}

absl::Status Client::ToStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return absl::UnavailableError("the sandbox has ended");
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return absl::DeadlineExceededError("the sandbox does not answer");
  }
  // gRPC's codes are absl's.
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

absl::Status Client::ListSockets(const v1::ListSocketsRequest& request,
                                 const std::function<void(const v1::Socket&)>& each) {
  grpc::ClientContext context;
  SetDeadline(context);
  const auto reader = stub_->ListSockets(&context, request);
  v1::Socket socket;
  while (reader->Read(&socket)) each(socket);
  return ToStatus(reader->Finish());
}

absl::Status Client::Watch(const v1::WatchRequest& request,
                           const std::function<bool(const v1::Event&)>& each) {
  grpc::ClientContext context;
  const auto reader = stub_->Watch(&context, request);
  v1::Event event;
  while (reader->Read(&event)) {
    if (each(event)) continue;
    context.TryCancel();
    reader->Finish();
    return absl::OkStatus();
  }
  return ToStatus(reader->Finish());
}

}  // namespace moat::ctl
