// What firmware calls in place of `init` when its memory was laid out as it was built, and what that asks for
// (tools/board/image.ts).

export { stackFixed as fixed, entropyTake as seed } from "../stack";
