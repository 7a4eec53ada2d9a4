/** The longest beginning of a text that takes at most `limit` bytes in UTF-8, whole characters only. */
export function capText(text: string, limit: number): { readonly text: string; readonly bytes: number } {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return { text, bytes };
  const { read, written } = new TextEncoder().encodeInto(text, new Uint8Array(limit));
  return { text: text.slice(0, read), bytes: written };
}
