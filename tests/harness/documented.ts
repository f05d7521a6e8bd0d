/**
 * The library as the documents' examples see it: a TAP device here is one end of a cable in this process. At the other
 * end a peer, 10.0.0.1, echoes what comes to port 7, over TCP and UDP.
 */
import * as library from "../../host/index.js";
import { A, Cable } from "./cable.js";

export * from "../../host/index.js";

/** Stacks that examples opened, and the peers of their links; whoever runs an example closes them. */
export const opened: library.Stack[] = [], peers: library.Stack[] = [];

export async function openTap(): Promise<library.Link> {
  const cable = new Cable(), peer = await library.Stack.open({ link: cable.ends[0], ip: `${A}/24` });
  peer.listen({ port: 7 }).on("connection", (c: library.Connection) => c.pipe(c));
  const udp = peer.udp({ port: 7 });
  udp.on("message", (data: Uint8Array, from: { address: string; port: number }) =>
    udp.send(data, from.port, from.address),
  );
  peers.push(peer);
  return cable.ends[1];
}

export const Stack = {
  async open(options: library.OpenOptions): Promise<library.Stack> {
    const stack = await library.Stack.open(options);
    opened.push(stack);
    return stack;
  },
};
