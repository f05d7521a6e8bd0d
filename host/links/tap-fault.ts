/** Why a TAP device cannot be had, and what to do. */

export type TapFault = "in use" | "closed" | "not permitted" | "missing" | "no TAP device";

/** For the end of a line that names the device; `name` is for the command that makes one. */
export function tapFault(fault: TapFault, name: string): string {
  switch (fault) {
    case "in use":
      return "it is in use by another program";
    case "closed":
      return "/dev/net/tun is for root alone on this machine; be root, or let everybody use devices of their own: "
        + "chmod 666 /dev/net/tun";
    case "not permitted":
      return `that takes root, or a device of your own: ip tuntap add dev ${name} mode tap user NAME`;
    case "missing":
      return "this machine has no /dev/net/tun: modprobe tun";
    case "no TAP device":
      return "it is no TAP device";
  }
}
