// An application with work to do: a request is 16 bytes, the answer a hash over it and 32 KiB more.
import { createHash } from "node:crypto";

const EVENT_ACCEPT = 2, WORK = Buffer.alloc(32768, 1);

export function serve(stack) {
  const listener = stack.listen(80, 64);
  const answer = (handle) => {
    while (stack.receivable(handle) >= 16) {
      const request = stack.receive(handle, 16);
      stack.send(handle, createHash("sha256").update(request).update(WORK).digest());
    }
  };
  return () => {
    let did = false;
    stack.drainEvents((handle, bits) => {
      did = true;
      if (handle === listener && bits & EVENT_ACCEPT)
        for (let c = stack.accept(listener); c !== undefined && c > 0; c = stack.accept(listener)) answer(c);
      else answer(handle);
    });
    return did;
  };
}
