// The datagrams that wait to be read from one socket, bounded by the memory they keep alive.
#ifndef MOAT_NETSTACK_TRANSPORT_DATAGRAM_RECEIVE_QUEUE_H_
#define MOAT_NETSTACK_TRANSPORT_DATAGRAM_RECEIVE_QUEUE_H_

#include <cstddef>
#include <deque>
#include <utility>

#include "netstack/socket/datagram_socket.h"

namespace moat::netstack {

class ReceiveQueue {
 public:
  // What one queued datagram costs besides its bytes; Linux charges an sk_buff of this order.
  static constexpr size_t kOverhead = 256;

  // Whether a datagram with `charge` fits. As on Linux, one always fits into an empty queue.
  bool Fits(size_t charge, size_t limit) const {
    return charged_ == 0 || charged_ + charge <= limit;
  }
  // `charge` is the memory that the payload keeps alive, and kOverhead.
  void Push(Datagram datagram, size_t charge) {
    charged_ += charge;
    queue_.push_back({std::move(datagram), charge});
  }

  Datagram Pop() {
    Datagram datagram = std::move(queue_.front().datagram);
    charged_ -= queue_.front().charge;
    queue_.pop_front();
    return datagram;
  }

  bool empty() const { return queue_.empty(); }
  const Datagram& front() const { return queue_.front().datagram; }
  size_t charged() const { return charged_; }

 private:
  struct Entry {
    Datagram datagram;
    size_t charge;
  };
  std::deque<Entry> queue_;
  size_t charged_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_DATAGRAM_RECEIVE_QUEUE_H_
