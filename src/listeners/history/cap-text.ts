/** The longest beginning of a text that takes at most `limit` bytes in UTF-8, whole characters only. */
export function capText(text: string, limit: number): { readonly text: string; readonly bytes: number } {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return { text, bytes };
  const data = Buffer.from(text);
  let end = limit;
  while (end > 0 && ((data[end] ?? 0) & 0xc0) === 0x80) end--;
  return { text: data.toString('utf8', 0, end), bytes: end };
}
