// Doubly linked lists through hooks that are embedded in the elements: no allocation, removal in
// O(1), and an element that is destroyed leaves its lists by itself.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_LIST_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_LIST_H_

namespace moat::netstack::tcp {

template <typename T>
class ListHook {
 public:
  explicit ListHook(T* owner) : owner_(owner) {}
  ~ListHook() { Unlink(); }
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;

  bool linked() const { return next_ != nullptr; }
  void Unlink() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = nullptr;
  }
  T* owner() const { return owner_; }
  ListHook* next() const { return next_; }

 private:
  template <typename U>
  friend class List;
  T* owner_;
  ListHook* previous_ = nullptr;
  ListHook* next_ = nullptr;
};

template <typename T>
class List {
 public:
  List() : head_(nullptr) { head_.previous_ = head_.next_ = &head_; }
  ~List() {
    while (!empty()) head_.next_->Unlink();
    head_.next_ = nullptr;  // the head itself is in no other list
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  T* front() const { return head_.next_->owner(); }  // null when empty
  void PushBack(ListHook<T>& hook) {
    hook.Unlink();
    hook.previous_ = head_.previous_;
    hook.next_ = &head_;
    head_.previous_->next_ = &hook;
    head_.previous_ = &hook;
  }
  // `visit(T&)` may unlink the element it is given, but no other.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (ListHook<T>* hook = head_.next_; hook != &head_;) {
      ListHook<T>* next = hook->next_;
      visit(*hook->owner_);
      hook = next;
    }
  }

 private:
  ListHook<T> head_;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_LIST_H_
