// A wire between two stacks in one program: the examples need neither a network nor root.

/** Two links; what one sends the other gets, a moment later. */
export function wire() {
  const end = () => ({ send() {}, onFrame() {}, onClose() {}, close() {} });
  const a = end(), b = end();
  const carry = (from, to) => {
    // The bytes are the stack's again when `send` returns.
    from.send = (frame) => {
      const copy = Uint8Array.from(frame);
      setImmediate(() => to.onFrame(copy));
    };
  };
  carry(a, b);
  carry(b, a);
  return [a, b];
}
