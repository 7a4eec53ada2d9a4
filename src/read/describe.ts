/** A file, and what its named things are: `pipeline` and `stage`, each of which stands below `stages`. */
export interface Described {
  readonly area: string;
  readonly item: string;
}

/** A place of a file in the user's words: `"deps[1]" of stage "fetch"`, `stage "fetch"`, `"pools.yahoo"`. */
export function describePlace(path: readonly string[], { area, item }: Described): string {
  const [top, name, ...rest] = path;
  if (top === undefined) return `${area}.yaml`;
  if (top !== `${item}s` || name === undefined) return `"${joinKeys(path)}"`;
  const whole = `${item} "${name}"`;
  return rest.length === 0 ? whole : `"${joinKeys(rest)}" of ${whole}`;
}

function joinKeys(path: readonly string[]): string {
  return path.map((part, i) => (/^\d+$/.test(part) ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}
