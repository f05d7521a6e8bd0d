/** RFC 9293's state diagram (figure 5), with the states of both ends. */
const BOXES: Record<string, [number, number]> = {
  CLOSED: [200, 16], LISTEN: [80, 66], "SYN-SENT": [320, 66], "SYN-RECEIVED": [80, 126], ESTABLISHED: [200, 176],
  "FIN-WAIT-1": [90, 236], "CLOSE-WAIT": [320, 236], "FIN-WAIT-2": [60, 296], CLOSING: [190, 296],
  "LAST-ACK": [320, 296], "TIME-WAIT": [125, 352],
};
const EDGES: [string, string][] = [
  ["CLOSED", "LISTEN"], ["CLOSED", "SYN-SENT"], ["LISTEN", "SYN-RECEIVED"], ["LISTEN", "SYN-SENT"],
  ["SYN-SENT", "SYN-RECEIVED"], ["SYN-SENT", "ESTABLISHED"], ["SYN-RECEIVED", "ESTABLISHED"],
  ["SYN-RECEIVED", "FIN-WAIT-1"], ["ESTABLISHED", "FIN-WAIT-1"], ["ESTABLISHED", "CLOSE-WAIT"],
  ["FIN-WAIT-1", "FIN-WAIT-2"], ["FIN-WAIT-1", "CLOSING"], ["FIN-WAIT-2", "TIME-WAIT"], ["CLOSING", "TIME-WAIT"],
  ["CLOSE-WAIT", "LAST-ACK"], ["LAST-ACK", "CLOSED"], ["TIME-WAIT", "CLOSED"],
];

/** `paths`: the states that each end has been in, in their order. */
export function machineSvg(names: readonly [string, string], paths: readonly [string[], string[]]): string {
  const now = paths.map((p) => p.at(-1) ?? ""), last = paths.map((p) => p.slice(-2));
  const lit = (a: string, b: string): boolean => last.some((p) => p.length === 2 && p[0] === a && p[1] === b);
  const edges = EDGES.map(
    ([a, b]) =>
      `<line x1="${BOXES[a]![0]}" y1="${BOXES[a]![1]}" x2="${BOXES[b]![0]}" y2="${BOXES[b]![1]}" `
        + `class="${lit(a, b) ? "lit" : ""}"/>`,
  ).join("");
  const boxes = Object.entries(BOXES)
    .map(([state, [x, y]]) => {
      const who = now.flatMap((s, i) => (s === state ? [i] : []));
      return (
        `<g class="${who.map((i) => `on${i}`).join(" ")}"><rect x="${x - 52}" y="${y - 12}" width="104" height="24" `
          + `rx="5"/><text x="${x}" y="${y + 4}" text-anchor="middle">${state}</text>`
        + `${who.map((i, k) => `<text class="who" x="${x + 56}" `
          + `y="${y - 1 + k * 11}">${names[i]}</text>`).join("")}</g>`
      );
    })
    .join("");
  return `<svg viewBox="0 0 440 372" role="img" aria-label="${names[0]} is in ${now[0] || "no state"}, `
    + `${names[1]} in ${now[1] || "no state"}">${edges}${boxes}</svg>`;
}
