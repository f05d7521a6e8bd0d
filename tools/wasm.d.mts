export const SMALL: string[];
export const FAST: string[];
export function optimized(module: string, out: string, optimize: string[], names?: boolean): string;
export function compile(entry: string | string[], target: string, out: string, optimize: string[], options?: { without?: string[]; names?: boolean; plain?: boolean; config?: string }): string;
export function lowered(module: string, out: string): string;
