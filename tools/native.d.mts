
export function native(dir: string, cc?: string): string;
