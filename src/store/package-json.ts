/** What a package.json says; nothing where Node could not read it either: the stage's own error will tell. */
export function parsePackageJson(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    return asMap(JSON.parse(bytes.toString('utf8')));
  } catch {
    return {};
  }
}

/** A field that should be a map: an empty one where it is something else. */
export function asMap(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
