export function amalgamate(out: string): string;
