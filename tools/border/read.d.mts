/** Fields of an unmanaged class of the module, and its size in bytes. */
export function record(
  path: string, name: string,
): { fields: { name: string; type: string; offset: number; width: number; text: string }[]; size: number };
/** The whole border; here what tests ask of it. */
export function border(): { functions: { name: string; text: string }[] };
/** What is wrong with the table of what `tcp_info` copies from the TCB. */
export function copiedWrong(
  fields: { name: string; offset: number; width: number }[], tcb: { name: string; offset: number; width: number }[],
  numbers: string[], end: number, written: string[],
): string[];
