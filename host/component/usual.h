/* What both components have in their configuration: policies, and the times of the RFCs. */
#ifndef STINT_USUAL_H
#define STINT_USUAL_H

#include <stint.h>

static inline void usual(struct stint_config *c) {
  c->policy = STINT_POLICY_TIMESTAMPS | STINT_POLICY_SACK | STINT_POLICY_WINDOW_SCALE | STINT_POLICY_ANNOUNCE |
              STINT_POLICY_RACK | STINT_POLICY_TLP | STINT_POLICY_PRR | STINT_POLICY_UNDO | STINT_POLICY_CUBIC |
              STINT_POLICY_HYSTART;
  c->cookies = STINT_COOKIES_AUTO, c->windowScale = 255, c->initialWindow = 10;
  c->rtoInitialMs = 1000, c->rtoMinMs = 300, c->rtoMaxMs = 60000, c->userTimeoutMs = 300000, c->synTimeoutMs = 180000,
  c->delayedAckMs = 40;
  c->timeWaitMs = 60000, c->finWait2Ms = 60000, c->synAckMs = 1000, c->synAckRetries = 5, c->halfOpenMs = 63000,
  c->challengeMax = 10, c->icmpRate = 100;
  c->neighbourMs = 60000, c->keepIdleS = 7200, c->keepIntervalS = 75, c->keepProbes = 9, c->ttl = 64,
  c->pathMtuMin = 552;
  c->synBurst = 64, c->prefixBurst = 16, c->cookieRate = 1000;
}

#endif
