/** Cuts a stream into pieces of the length of a buffer; the last may be shorter, behind it comes 0. */
export function fillParts(stream: AsyncIterable<Uint8Array>): { fill(buffer: Buffer): Promise<number> } {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async fill(buffer) {
      let filled = 0;
      while (filled < buffer.length) {
        if (rest.length === 0) {
          const next = await chunks.next();
          if (next.done === true) break;
          rest = next.value;
        }
        const taken = rest.subarray(0, buffer.length - filled);
        buffer.set(taken, filled);
        filled += taken.length;
        rest = rest.subarray(taken.length);
      }
      return filled;
    },
  };
}
