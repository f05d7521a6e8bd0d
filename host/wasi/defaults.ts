// Made by tools/border. What the command starts from: the defaults of assembly/config.ts;
// and the names and bounds of its numbers.

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

/** The name of a word of the configuration; "": nobody sets it by `--set`. */
export function configName(word: u32): string {
  switch (word) {
    case 9: return "mtu";
    case 10: return "connsMax";
    case 11: return "halfOpenMax";
    case 12: return "timeWaitMax";
    case 13: return "listenersMax";
    case 14: return "sendRing";
    case 15: return "recvRing";
    case 16: return "rangesMax";
    case 17: return "sendersMax";
    case 18: return "rxSlots";
    case 19: return "txSlots";
    case 20: return "loopSlots";
    case 21: return "reassemblyMax";
    case 22: return "reassemblyBytes";
    case 23: return "neighboursMax";
    case 24: return "udpMax";
    case 25: return "udpRing";
    case 26: return "prefixBuckets";
    case 27: return "fastOpenCookies";
    case 29: return "windowScale";
    case 31: return "cookies";
    case 32: return "mss";
    case 33: return "initialWindow";
    case 34: return "rtoInitialMs";
    case 35: return "rtoMinMs";
    case 36: return "rtoMaxMs";
    case 37: return "userTimeoutMs";
    case 38: return "synTimeoutMs";
    case 39: return "delayedAckMs";
    case 40: return "timeWaitMs";
    case 41: return "finWait2Ms";
    case 42: return "synAckMs";
    case 43: return "synAckRetries";
    case 44: return "halfOpenMs";
    case 45: return "challengeMax";
    case 46: return "icmpRate";
    case 47: return "neighbourMs";
    case 48: return "keepIdleS";
    case 49: return "keepIntervalS";
    case 50: return "keepProbes";
    case 51: return "ttl";
    case 52: return "pathMtuMin";
    case 53: return "synRate";
    case 54: return "synBurst";
    case 55: return "prefixRate";
    case 56: return "prefixBurst";
    case 57: return "cookieRate";
    case 58: return "fastOpenMax";
    case 59: return "firstByteMs";
    default: return "";
  }
}

/** Its least value. */
export function configLeast(word: u32): u32 {
  switch (word) {
    case 9: return 128;
    case 10: return 1;
    case 11: return 1;
    case 12: return 1;
    case 14: return 64;
    case 15: return 64;
    case 18: return 1;
    case 19: return 1;
    case 23: return 4;
    case 33: return 1;
    case 34: return 1;
    case 35: return 1;
    case 36: return 1;
    case 37: return 1;
    case 38: return 1;
    case 40: return 1;
    case 42: return 1;
    case 44: return 1;
    case 47: return 1;
    case 48: return 1;
    case 49: return 1;
    case 50: return 2;
    case 51: return 1;
    case 52: return 68;
    case 54: return 1;
    case 56: return 1;
    default: return 0;
  }
}

/** Its greatest value. */
export function configMost(word: u32): u32 {
  switch (word) {
    case 9: return 65535;
    case 10: return 2097151;
    case 11: return 65535;
    case 12: return 2097151;
    case 13: return 255;
    case 14: return 1073741823;
    case 15: return 1073741823;
    case 16: return 65535;
    case 17: return 65535;
    case 18: return 32767;
    case 19: return 32767;
    case 20: return 32767;
    case 21: return 255;
    case 22: return 65535;
    case 23: return 65535;
    case 24: return 1023;
    case 25: return 1048575;
    case 26: return 131071;
    case 27: return 255;
    case 29: return 255;
    case 31: return 3;
    case 32: return 65535;
    case 33: return 127;
    case 34: return 65535;
    case 35: return 65535;
    case 36: return 1048575;
    case 37: return 2147483647;
    case 38: return 2147483647;
    case 39: return 511;
    case 40: return 134217727;
    case 41: return 134217727;
    case 42: return 65535;
    case 43: return 15;
    case 44: return 4194303;
    case 45: return 255;
    case 46: return 65535;
    case 47: return 134217727;
    case 48: return 65535;
    case 49: return 65535;
    case 50: return 255;
    case 51: return 255;
    case 52: return 65535;
    case 53: return 1048575;
    case 54: return 1023;
    case 55: return 1048575;
    case 56: return 1023;
    case 57: return 1048575;
    case 58: return 65535;
    case 59: return 134217727;
    default: return u32.MAX_VALUE;
  }
}
