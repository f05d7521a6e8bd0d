/** What a lab's run says: its connections, with the states that its hosts were really in. */
import { analyze, type Connection, type Segment } from "./analyze.js";
import type { Lab } from "./lab.js";
import { ladderOf, type Ladder } from "./ladder.js";

/** The ladder of each connection that the lab's hosts opened; spoofed ones are left out. */
export function laddersOf(lab: Lab, title: string, connections: readonly Connection[] = analyze(lab.frames)): Ladder[] {
  return lab.flows.flatMap((flow, n) => {
    const names = [`${lab.hosts[flow.a]!.ip}:${flow.aPort}`, `${lab.hosts[flow.b]!.ip}:${flow.bPort}`] as const;
    // A four-tuple may have been used before: by the flow before it in the list.
    const earlier = lab.flows
      .slice(0, n)
      .filter((f) => f.a === flow.a && f.aPort === flow.aPort && f.b === flow.b && f.bPort === flow.bPort).length;
    const found = connections.filter((c) => names.every((x) => c.names.includes(x)))[earlier];
    if (!found) return [];
    const stateAt = (host: number, us: number): string =>
      lab.changes.filter((c) => c.flow === n && c.host === host && c.timeUs <= us).at(-1)?.state ?? "CLOSED";
    const ladder = ladderOf(found, title), sides = found.names[0] === names[0] ? [flow.a, flow.b] : [flow.b, flow.a];
    const first = (host: number): string => lab.changes.find((c) => c.flow === n && c.host === host)?.state ?? "CLOSED";
    return [
      {
        ...ladder,
        names: sides.map((h, i) => `${lab.hosts[h]!.name} ${found.names[i]!}`) as [string, string],
        startUs: lab.startUs,
        before: [first(sides[0]!), first(sides[1]!)] as [string, string],
        lines: ladder.lines.map(({ segment }) => {
          const at = (i: number): string =>
            stateAt(sides[i]!, segment.from === i ? segment.timeUs : (segment.arrivesUs ?? segment.timeUs));
          return { segment, states: [at(0), at(1)] as [string, string] };
        }),
      },
    ];
  });
}

/** One ladder of all that passed between a lab's client and server, whoever sent it: other hosts are the client's. */
export function wholeLadder(lab: Lab, segments: readonly (Segment | null)[], title: string): Ladder {
  const server = lab.host("server"), ip = lab.hosts[server]!.ip;
  const stateAt = (host: number, us: number): string =>
    lab.changes.filter((c) => c.host === host && c.timeUs <= us).at(-1)?.state ?? "";
  const first = (host: number): string => lab.changes.find((c) => c.host === host)?.state ?? "";
  // Segments that cross do not take a host back to a state that it has left.
  const reached = [0, 0], client = lab.host("client");
  return {
    title, names: ["client", "server"], before: [first(client), first(server)], startUs: lab.startUs,
    lines: segments.filter((s) => s !== null).map((s) => {
      const from = s.tcp.source === ip ? 1 : 0;
      const at = (side: number): number =>
        reached[side] = Math.max(reached[side]!, side === from ? s.timeUs : (s.arrivesUs ?? 0));
      return { segment: { ...s, from }, states: [stateAt(client, at(0)), stateAt(server, at(1))] };
    }),
  };
}
