// Made by tools/border. What the command starts from: the defaults of assembly/config.ts.

import { Config, Policy } from "../../assembly/config";

export function configDefaults(c: Config): void {
  c.size = offsetof<Config>();
  c.mtu = 1500;
  c.connsMax = 64;
  c.halfOpenMax = 256;
  c.timeWaitMax = 256;
  c.listenersMax = 8;
  c.sendRing = 65536;
  c.recvRing = 65536;
  c.rangesMax = 4096;
  c.sendersMax = 64;
  c.rxSlots = 64;
  c.txSlots = 64;
  c.loopSlots = 8;
  c.reassemblyMax = 4;
  c.reassemblyBytes = 65520;
  c.neighboursMax = 64;
  c.udpMax = 8;
  c.udpRing = 16384;
  c.prefixBuckets = 256;
  c.fastOpenCookies = 16;
  c.windowScale = 255;
  c.cookies = 1;
  c.initialWindow = 10;
  c.rtoInitialMs = 1000;
  c.rtoMinMs = 300;
  c.rtoMaxMs = 60000;
  c.userTimeoutMs = 300000;
  c.synTimeoutMs = 180000;
  c.delayedAckMs = 40;
  c.timeWaitMs = 60000;
  c.finWait2Ms = 60000;
  c.synAckMs = 1000;
  c.synAckRetries = 5;
  c.halfOpenMs = 63000;
  c.challengeMax = 10;
  c.icmpRate = 100;
  c.neighbourMs = 60000;
  c.keepIdleS = 7200;
  c.keepIntervalS = 75;
  c.keepProbes = 9;
  c.ttl = 64;
  c.pathMtuMin = 552;
  c.synBurst = 64;
  c.prefixBurst = 16;
  c.cookieRate = 1000;
  c.fastOpenMax = 16;
  c.policy = Policy.TIMESTAMPS | Policy.SACK | Policy.WINDOW_SCALE | Policy.ANNOUNCE | Policy.RACK | Policy.TLP |
    Policy.PRR | Policy.UNDO | Policy.CUBIC | Policy.HYSTART | Policy.QUICK_ACKS;
}
