// Recoveries that were needless, and taking them back: Eifel (RFC 3522, 4015) by timestamps, D-SACK
// (RFC 2883, 3708), and F-RTO (RFC 5682) after a timeout.
//
// DEVIATION: RFC 4015 4 sets cwnd anew from what is in flight; as Linux, the larger of the window
// before the reduction and the present one is taken.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {

// A reduction begins: what to return to.
void Connection::BeginUndo() {
  Repair& repair = *repair_;
  repair.prior_cwnd = window_.cwnd;
  repair.prior_ssthresh = window_.ssthresh;
  repair.repeated = false;
  repair.unexcused = 0;
  repair.may_undo = true;
  repair.undone = false;
  repair.undo_from = tcb_.snd.una;
}

void Connection::NoteRepeat(uint32_t length) {
  if (repair_ == nullptr || !repair_->may_undo) return;
  if (!repair_->repeated) repair_->stamp = core_.TimestampNow() + tcb_.ts.offset;
  repair_->repeated = true;
  repair_->unexcused += length;
}

// RFC 3522 3.2 (4): the ACK that advances was caused by the original, for it echoes an older
// timestamp than the first retransmission had.
bool Connection::CausedByOriginal(const AckEvent& event) const {
  return repair_->repeated && event.has_echo &&
         static_cast<int32_t>(event.ts_echo - repair_->stamp) < 0;
}

void Connection::UndoWindow() {
  Repair& repair = *repair_;
  if (repair.prior_cwnd > 0) {
    window_.cwnd = std::max(window_.cwnd, repair.prior_cwnd);
    window_.ssthresh = std::max(window_.ssthresh, repair.prior_ssthresh);
    if (congestion_ != nullptr) congestion_->OnUndo();
    send_cwr_ = false;
    repair.undone = true;
  }
  repair.may_undo = false;
  repair.frto = repair.frto_new_data = false;
  if (recovery_ == Recovery::kLoss) LeaveLoss();
  flight_.UnmarkLost();
  recovery_ = flight_.sacked() > 0 ? Recovery::kDisorder : Recovery::kOpen;
  duplicate_acks_ = 0;
}

// RFC 4015 3.1 (9): there was congestion in any case, so the reduction stands.
void Connection::KeepReduction() { repair_->prior_cwnd = repair_->prior_ssthresh = 0; }

// An ACK that advances, within fast recovery's end or after a timeout.
bool Connection::TryUndo(const AckEvent& event) {
  if (!repair_->may_undo) return false;
  const bool loss = recovery_ == Recovery::kLoss;
  if (CausedByOriginal(event)) {
    ++(loss ? core_.counters.loss_undo : core_.counters.full_undo);
    if (loss) ++core_.counters.spurious_rtos;
    if (!loss) rack_.OnRecoveryEnd();
    UndoWindow();
    return true;
  }
  return TryUndoByDsack();
}

// A partial ACK in fast recovery: the hole was filled by what had only been late.
bool Connection::TryUndoPartly(const AckEvent& event) {
  if (!repair_->may_undo || !CausedByOriginal(event)) return false;
  if (flight_.retransmitted() > 0) return false;  // wait for what they say
  ++core_.counters.partial_undo;
  UndoWindow();
  return true;
}

// All that was retransmitted has been reported as a duplicate.
bool Connection::TryUndoByDsack() {
  if (repair_ == nullptr || !repair_->may_undo || !repair_->repeated || repair_->unexcused > 0)
    return false;
  ++core_.counters.dsack_undo;
  if (recovery_ == Recovery::kFast) rack_.OnRecoveryEnd();
  UndoWindow();
  return true;
}

void Connection::OnDsack(const AckEvent& event) {
  if ((core_.sysctls.recovery->value() & recovery_bit::kStaticWindow) == 0) {
    rack_.OnDsack(tcb_.snd.una, tcb_.snd.nxt);
  }
  ++NeedRepair().dsacks;
  if (!repair_->may_undo) return;
  const SackBlock& block = event.duplicate_block;
  const uint32_t length = block.end - block.start;
  if (block.end <= repair_->undo_from) return;
  repair_->unexcused -= std::min(length, repair_->unexcused);
}

// F-RTO with SACK (RFC 5682 3.1), which without SACK is the basic algorithm (2.1). Returns true
// when the ACK is dealt with.
bool Connection::FrtoAck(const AckEvent& event) {
  Repair& repair = *repair_;
  // Step 3.b: what was never retransmitted has arrived. An ACK that covers the retransmission too
  // may owe its progress to that, with SACK as without: the SACKs that came before may have been
  // lost.
  const Delivery& delivery = event.delivery;
  const bool original =
      delivery.any_original && delivery.first_original_end <= recover_ && !delivery.repaired;
  if (original && repair.may_undo) {
    ++core_.counters.spurious_rtos;
    UndoWindow();
    return true;
  }
  if (repair.frto_new_data) {
    // Step 3.a: a duplicate, or the peer has the new data and not the old.
    if (event.sacked_new || event.duplicate) repair.frto = repair.frto_new_data = false;
  } else if (event.acked > 0 && tcb_.snd.una < recover_) {
    // Step 2.b: up to two segments of new data, if there are.
    const bool window_open = tcb_.snd.una + tcb_.snd.wnd > tcb_.snd.nxt;
    if (UnsentBytes() > 0 && window_open) {
      repair.frto_new_data = true;
      GrowWindow(event);
      if (!algorithm_->owns_window)
        window_.cwnd = std::min(window_.cwnd, Pipe() + 2 * tcb_.snd.mss);
      return true;
    }
    repair.frto = false;
  } else if (event.duplicate) {
    repair.frto = false;  // step 2.a
  }
  return false;
}

}  // namespace moat::netstack::tcp
