// The transmission control block: the variables of RFC 9293 3.3.1 by their names, and those that
// RFC 7323 adds. Plain data; who changes it is said by the file that does.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TCB_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TCB_H_

#include <cstdint>

#include "netstack/base/time.h"
#include "netstack/wire/seqnum.h"

namespace moat::netstack::tcp {

struct Tcb {
  struct {
    SeqNum una;             // SND.UNA: oldest octet not acknowledged
    SeqNum nxt;             // SND.NXT: next to send
    SeqNum up;              // SND.UP: urgent pointer, when urgent is true
    SeqNum wl1;             // SND.WL1, SND.WL2: seq and ack of the last window update
    SeqNum wl2;
    SeqNum iss;             // ISS
    SeqNum small;           // end of the last segment sent that was not full (Minshall's Nagle)
    uint32_t wnd = 0;       // SND.WND in octets
    uint32_t max_wnd = 0;   // the largest SND.WND seen
    uint32_t mss = 536;     // payload octets of a full segment: Eff.snd.MSS without options' room
    uint8_t shift = 0;      // Snd.Wind.Shift
    bool urgent = false;
    uint16_t remote_uto = 0;  // REMOTE_UTO (RFC 5482), as on the wire; 0: none
  } snd;

  struct {
    SeqNum nxt;             // RCV.NXT: next expected
    SeqNum adv;             // right edge that was advertised: RCV.NXT + RCV.WND, never goes back
    SeqNum acked;           // Last.ACK.sent: RCV.NXT in the last segment sent
    SeqNum up;              // RCV.UP, when urgent is true
    SeqNum irs;             // IRS
    uint8_t shift = 0;      // Rcv.Wind.Shift
    bool urgent = false;
  } rcv;

  // RFC 7323 3, 4.3.
  struct {
    bool enabled = false;
    uint32_t recent = 0;    // TS.Recent
    Time recent_at{};       // when it was taken
    uint32_t offset = 0;    // added to our clock
  } ts;

  bool sack = false;        // both sides permitted it
  uint16_t peer_mss = 0;    // from its SYN; 0: no option
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TCB_H_
