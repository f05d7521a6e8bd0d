/** How a stack is brought to rest: whoever has its clock polls it for as long as it asks to be polled at once. */

/** There is no rest. */
export class Restless extends Error {}

/**
 * Polls until nothing is due now: `poll` returns the µs to the next call, as `StackModule.poll` does, and `turn`, which
 * comes after each, whether it changed something, so that the stack has to be polled again. Returns the last wait.
 * Throws Restless when there is none within `most` polls: a livelock is an error.
 */
export function rest(poll: () => number, turn: () => boolean | void = () => {}, most = 1000): number {
  for (let i = 0; i < most; i++) {
    const wait = poll(), changed = turn() === true;
    if (wait !== 0 && !changed) return wait;
  }
  throw new Restless(`the stack does not come to rest in ${most} polls`);
}
