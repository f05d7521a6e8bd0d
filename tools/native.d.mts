
export function nativeC(dir: string): void;
export function native(dir: string, cc?: string, level?: string, made?: string): string;
