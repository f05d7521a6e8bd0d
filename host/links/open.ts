/** Links by what the user writes: tap:NAME, stream:PATH, udp:LOCALPORT,HOST:PORT, passt or passt:WORD,WORD. */
import { LinkError, type Link } from "./link.js";
import { openPasst, type PasstOptions } from "./passt.js";
import { openStream } from "./stream.js";
import { openTap } from "./tap.js";
import { openUdp } from "./udp.js";

const FORMS = "write tap:NAME, passt, passt:everywhere, passt:host-loopback, stream:PATH or udp:LOCALPORT,HOST:PORT";

/**
 * Opens a link by its name, as the command's `--link` has it: `tap:NAME`, `passt`, `passt:everywhere`,
 * `passt:host-loopback`, `stream:PATH` or `udp:LOCALPORT,HOST:PORT`. Rejects with a LinkError.
 */
export function openLink(text: string, passt: PasstOptions): Promise<Link> {
  const colon = text.indexOf(":");
  const kind = colon < 0 ? text : text.slice(0, colon), rest = colon < 0 ? "" : text.slice(colon + 1);
  switch (kind) {
    case "tap":
      return openTap(rest, passt.user);
    case "stream":
      if (rest === "") throw new LinkError(`"${text}" names no socket; ${FORMS}`);
      return openStream(rest);
    case "udp": {
      const parts = /^(\d{1,5}),([^:]+):(\d{1,5})$/.exec(rest);
      const ports = [parts?.[1], parts?.[3]].map(Number);
      if (!parts || ports.some((p) => p < 1 || p > 65535)) throw new LinkError(`"${text}" is no UDP link; ${FORMS}`);
      return openUdp(ports[0]!, parts[2]!, ports[1]!);
    }
    case "passt":
      return openPasst({ ...passt, ...passtWords(rest, text) });
    default:
      throw new LinkError(`"${text}" is no link; ${FORMS}`);
  }
}

function passtWords(rest: string, text: string): Partial<PasstOptions> {
  const words = rest === "" ? [] : rest.split(",");
  if (words.some((w) => w !== "everywhere" && w !== "host-loopback"))
    throw new LinkError(`"${text}" is no link; ${FORMS}`);
  return { everywhere: words.includes("everywhere"), hostLoopback: words.includes("host-loopback") };
}
