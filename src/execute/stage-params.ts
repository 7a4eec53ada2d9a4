import { sortKeys } from '../base/hash.ts';
import type { Json, Stage } from '../base/types.ts';

/**
 * What a module gets as `params`: `{file, key: "a.b", value}` → `{ a: { b: value } }`; a file tracked whole is its own
 * value. Keys come sorted: the order in which someone wrote them is not fingerprinted, so no out may depend on it.
 */
export function nestParams(stage: Stage): Record<string, Json> {
  const nested: Record<string, Json> = {};
  for (const { key, value } of stage.params) {
    if (key === null) Object.assign(nested, value);
    else setPath(nested, key.split('.'), value);
  }
  return sortKeys(nested) as Record<string, Json>;
}

function setPath(target: Record<string, Json>, path: readonly string[], value: Json): void {
  const [head = '', ...rest] = path;
  if (rest.length === 0) target[head] = value;
  // A list that is selected holds what is below it.
  else if (!Array.isArray(target[head])) {
    const below = { ...(target[head] as Record<string, Json> | undefined) };
    setPath(below, rest, value);
    target[head] = below;
  }
}
