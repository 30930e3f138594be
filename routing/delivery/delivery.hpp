// Delivery: the port between a router and the desk gateways that hold agents' sessions.
//
// A send is not a delivery (rule A1): frames are numbered by session, the gateway notices a gap and asks for a fresh
// welcome by appending session_opened again. send() never blocks and never fails; a queue over its limit drops the
// session's frames, which makes a gap.
#pragma once

#include "routing/engine/step.hpp"

namespace usher::delivery {

class Delivery {
 public:
  virtual ~Delivery() = default;
  // Called on the router's thread, only after the commit of the step that made the frame.
  virtual void send(const engine::AgentFrame& frame) = 0;
  // Called on the router's thread when nothing could be committed for a while, and when it can again: agents keep what
  // they hold, and are told that nothing they say will be answered meanwhile. Never blocks.
  virtual void service(bool degraded) = 0;
  // Called by a transport on the gateway's side: frames for sessions of this gateway were lost on the way, and nobody
  // can say which. Whoever holds sessions asks for a fresh welcome of each (rule A1). Within one process nothing is lost.
  virtual void frames_lost() {}
};

}  // namespace usher::delivery
