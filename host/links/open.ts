/** Links by what the user writes: tap:NAME, if:NAME, stream:PATH, udp:LOCALPORT,HOST:PORT, nat:WORD,WORD, … */
import { formatIp, parseIp } from "../address.js";
import { openInterface } from "./interface.js";
import { LinkError, type Link } from "./link.js";
import { nat } from "./nat/nat.js";
import { openPasst, type PasstOptions } from "./passt.js";
import { openStream } from "./stream.js";
import { openTap } from "./tap.js";
import { openUdp } from "./udp.js";

/** What there is. */
export const LINK_FORMS = "tap:NAME, if:NAME, nat, passt, nat:everywhere, passt:everywhere, nat:host-loopback, "
  + "passt:host-loopback, stream:PATH or udp:LOCALPORT,HOST:PORT";
const FORMS = `write ${LINK_FORMS}`;

/**
 * Opens a link by its name, as the command's `--link` has it: `tap:NAME`, `if:NAME`, `nat`, `passt`, `stream:PATH`
 * or `udp:LOCALPORT,HOST:PORT`; `nat` and `passt` may be followed by `:everywhere` and `:host-loopback`, with a comma
 * between. Rejects with a LinkError.
 */
export function openLink(text: string, passt: PasstOptions): Promise<Link> {
  const colon = text.indexOf(":");
  const kind = colon < 0 ? text : text.slice(0, colon), rest = colon < 0 ? "" : text.slice(colon + 1);
  switch (kind) {
    case "tap":
      return openTap(rest, passt.user);
    case "if":
      return openInterface(rest);
    case "stream":
      if (rest === "") throw new LinkError(`"${text}" names no socket; ${FORMS}`);
      return openStream(rest);
    case "udp": {
      const parts = /^(\d{1,5}),([^:]+):(\d{1,5})$/.exec(rest);
      const ports = [parts?.[1], parts?.[3]].map(Number);
      if (!parts || ports.some((p) => p < 1 || p > 65535)) throw new LinkError(`"${text}" is no UDP link; ${FORMS}`);
      return openUdp(ports[0]!, parts[2]!, ports[1]!);
    }
    case "nat":
      return openNat({ ...passt, ...wordsOf(rest, text) });
    case "passt":
      return openPasst({ ...passt, ...wordsOf(rest, text) });
    default:
      throw new LinkError(`"${text}" is no link; ${FORMS}`);
  }
}

/** The gateway that stands where the stack looks for its router. */
async function openNat({ ip, prefix, gateway, ports, everywhere, hostLoopback }: PasstOptions): Promise<Link> {
  let at: string | undefined;
  if (ip !== undefined) {
    const own = parseIp(ip), base = own - (own % 2 ** (32 - prefix));
    at = `${gateway ?? formatIp(own === base + 2 ? base + 1 : base + 2)}/${prefix}`;
  }
  const host = everywhere ? "0.0.0.0" : undefined;
  const link = nat({ gateway: at, hostLoopback, forward: ports.map((port) => ({ port, host })) });
  await link.ready;
  return link;
}

function wordsOf(rest: string, text: string): Partial<PasstOptions> {
  const words = rest === "" ? [] : rest.split(",");
  if (words.some((w) => w !== "everywhere" && w !== "host-loopback"))
    throw new LinkError(`"${text}" is no link; ${FORMS}`);
  return { everywhere: words.includes("everywhere"), hostLoopback: words.includes("host-loopback") };
}
