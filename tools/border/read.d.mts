/** Fields of an unmanaged class of the module, and its size in bytes. */
export function record(
  path: string, name: string,
): { fields: { name: string; type: string; offset: number; width: number; text: string }[]; size: number };
/** The whole border; here what tests ask of it. */
export function border(): { functions: { name: string; text: string }[] };
