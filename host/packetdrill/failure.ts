/** What a script expected, and what came instead. */
export class Failure extends Error {
  constructor(readonly line: number, readonly expected: string, readonly got: string) {
    super(`line ${line}: ${expected} was expected, ${got}`);
  }
}
