/** Path and text of each file that follows from the border. */
export function files(): Record<string, string>;
/** The files that are not as they would be made. */
export function stale(): string[];
