export const FLAGS: string[];
export function native(dir: string, cc?: string): string;
