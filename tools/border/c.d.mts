/** The name of an export in C. */
export function cName(name: string): string;
