export interface Segment { at: number; bytes: Uint8Array }
export function joinSegments(module: Uint8Array): Uint8Array;
export function withSegments(module: Uint8Array, change: (body: Uint8Array) => Segment[] | undefined): Uint8Array;
