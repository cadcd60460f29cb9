#include "netstack/transport/tcp/listener.h"

#include <algorithm>
#include <utility>

#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {

Listener::Listener(Core& core, uint64_t id, const Endpoint& local, SharedSettings settings,
                   PortReservation port, int backlog)
    : core_(core), id_(id), local_(local), settings_(std::move(settings)), port_(std::move(port)) {
  SetBacklog(backlog);
  core_.listeners.Insert(this);
}

Listener::~Listener() {
  core_.listeners.Erase(this);
  embryos_.ForEach([this](Connection& connection) {
    connection.ListenerGone();
    core_.flows.Erase(&connection);
    connection.listener_hook().Unlink();
    core_.Retire(&connection);
  });
  accept_queue_.ForEach([](Connection& connection) {
    connection.listener_hook().Unlink();
    connection.ListenerGone();
    connection.Abort();
    connection.Close();
  });
  core_.Reap();
}

void Listener::SetBacklog(int backlog) {
  const int64_t limit = core_.sysctls.somaxconn->value();
  // Linux compares unsigned: a negative backlog is the largest.
  backlog_ = static_cast<uint32_t>(backlog < 0 ? limit : std::min<int64_t>(backlog, limit));
}

uint32_t Listener::Ready() const { return accept_count_ > 0 ? ready::kReadable : 0; }

Connection* Listener::Accept() {
  Connection* connection = accept_queue_.front();
  if (connection == nullptr) return nullptr;
  connection->listener_hook().Unlink();
  --accept_count_;
  connection->Accepted();
  return connection;
}

void Listener::OnEstablished(Connection& connection) {
  --embryo_count_;
  accept_queue_.PushBack(connection.listener_hook());
  ++accept_count_;
  if (observer_ != nullptr) observer_->OnReady(ready::kReadable);
}

void Listener::OnGone(Connection& connection) {
  if (!connection.listener_hook().linked()) return;
  connection.listener_hook().Unlink();
  if (connection.was_established()) {
    --accept_count_;
  } else {
    --embryo_count_;
  }
}

}  // namespace moat::netstack::tcp
