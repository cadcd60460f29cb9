#include "sentry/boot/listener_threads.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sentry/base/log.h"

namespace moat::sentry {
namespace {

constexpr size_t kStackSize = 256 * 1024;
// Wakes a thread out of RECV: kernels before 6.6 do not, when the last filtered process goes.
constexpr int kWakeSignal = SIGURG;

void IgnoreWake(int) {}

}  // namespace

struct ListenerThreads::Service final : EventHandler {
  Service(Sandbox& owner, const EndNotice& notice, OwnedFd fd)
      : sandbox(owner), end_notice(notice), listener(std::make_shared<Listener>(std::move(fd))) {}
  ~Service() override { sandbox.loop().Remove(token); }

  // No event but EPOLLHUP is asked for.
  void OnEvents(uint32_t) override {
    if (!ended.load(std::memory_order_acquire)) pthread_kill(thread, kWakeSignal);
  }

  Sandbox& sandbox;
  const EndNotice& end_notice;
  std::shared_ptr<Listener> listener;
  EventLoop::Token token = 0;
  pthread_t thread{};
  std::atomic<bool> ended{false};
};

ListenerThreads::EndNotice::EndNotice(EventLoop& loop)
    : loop_(loop), fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  token_ = loop_.Add(fd_.get(), EPOLLIN, this);
}

ListenerThreads::EndNotice::~EndNotice() { loop_.Remove(token_); }

void ListenerThreads::EndNotice::OnEvents(uint32_t) {
  uint64_t count;
  (void)!read(fd_.get(), &count, sizeof(count));
}

void ListenerThreads::EndNotice::Signal() const {
  const uint64_t one = 1;
  (void)!write(fd_.get(), &one, sizeof(one));
}

ListenerThreads::ListenerThreads(Sandbox& sandbox)
    : sandbox_(sandbox), end_notice_(sandbox.loop()) {}

ListenerThreads::~ListenerThreads() {
  for (auto& service : services_) {
    if (service->ended.load(std::memory_order_acquire)) {
      pthread_join(service->thread, nullptr);
    } else {
      // Still blocked for a living process: the sentry is ending, and exit() ends the thread.
      pthread_detach(service->thread);
      (void)service.release();
    }
  }
}

size_t ListenerThreads::alive() const {
  size_t count = 0;
  for (const auto& service : services_) {
    if (!service->ended.load(std::memory_order_acquire)) ++count;
  }
  return count;
}

void ListenerThreads::Collect() {
  std::erase_if(services_, [](const std::unique_ptr<Service>& service) {
    if (!service->ended.load(std::memory_order_acquire)) return false;
    pthread_join(service->thread, nullptr);
    return true;
  });
}

int ListenerThreads::Start(OwnedFd fd) {
  Collect();
  if (services_.size() >= kMost) return EAGAIN;
  static const bool handled = [] {
    struct sigaction action {};
    action.sa_handler = IgnoreWake;
    return sigaction(kWakeSignal, &action, nullptr) == 0;
  }();
  (void)handled;
  auto service = std::make_unique<Service>(sandbox_, end_notice_, std::move(fd));
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);
  const int error = pthread_create(&service->thread, &attributes, &Main, service.get());
  pthread_attr_destroy(&attributes);
  if (error != 0) return error;
  service->token = sandbox_.loop().Add(service->listener->fd(), EPOLLET, service.get());
  services_.push_back(std::move(service));
  return 0;
}

void* ListenerThreads::Main(void* context) {
  auto* service = static_cast<Service*>(context);
  ServeListener(service->sandbox, service->listener);
  const EndNotice& notice = service->end_notice;
  service->ended.store(true, std::memory_order_release);
  notice.Signal();  // the service may be gone already, the notice outlives it
  return nullptr;
}

void ServeListener(Sandbox& sandbox, const std::shared_ptr<Listener>& listener) {
  seccomp_notif notification;
  for (;;) {
    const Listener::Received received = listener->Receive(&notification);
    if (received == Listener::Received::kHangup) return;
    if (received == Listener::Received::kAgain) continue;
    Call call(listener, notification);
    Reply reply = Reply::Nobody();
    {
      SandboxEntry entry(sandbox);
      reply = sandbox.Serve(call);
      if (reply.kind() == Reply::Kind::kPark) sandbox.Park(call, reply);
    }
    sandbox.Deliver(call, reply);
  }
}

}  // namespace moat::sentry
