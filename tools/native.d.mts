
export function native(dir: string, cc?: string, level?: string): string;
