// Tables of the module itself that follow from declarations elsewhere in it.

/** assembly/api/info-fields.ts: where the TCB has each field that `TcpInfo` copies. */
export function infoFields(b) {
  const names = b.info.fields.slice(b.info.fields.findIndex((f) => f.name === "timerAt"), b.info.fields.findIndex((f) => f.name === "ttl") + 1).map((f) => f.name);
  const runs = [8, 4, 2, 1].map((width) => names.filter((n) => b.tcb.fields.find((f) => f.name === n)?.width === width));
  if (runs.flat().join() !== names.join()) throw new Error("TcpInfo: the fields that are copied have to be the TCB's, those of 8 bytes first, then 4, 2 and 1");
  const lines = runs.map((run) => {
    const items = [...run.map((n) => `<u8>offsetof<Tcb>("${n}") + 1`), "0"], out = [];
    for (let i = 0; i < items.length; i += 3) out.push(`  ${items.slice(i, i + 3).join(", ")},`);
    return out.join("\n");
  });
  return `// Made by tools/border. Where the TCB has each field that \`TcpInfo\` copies, plus 1: those of 8 bytes, of 4, of 2, of 1; 0 ends each run.

import { Tcb } from "../tcp/tcb";

export const INFO_FIELDS: usize = memory.data<u8>([
${lines.join("\n")}
]);
`;
}
