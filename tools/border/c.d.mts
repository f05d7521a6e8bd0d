/** The name of an export in C. */
export function cName(name: string): string;
/** The symbol of it in a native program. */
export function symbolName(name: string): string;
