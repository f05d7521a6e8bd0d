export function hashOf(folders: string[], kinds: RegExp, files: string[]): string;
export function unlessMade(stamp: string, made: string, outputs: string[], work: () => unknown): Promise<boolean>;
