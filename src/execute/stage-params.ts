import type { Json, Stage } from '../base/types.ts';

/** What a module gets as `params`: `{file, key: "a.b", value}` → `{ a: { b: value } }`; a file tracked whole is its own value. */
export function nestParams(stage: Stage): Record<string, Json> {
  const nested: Record<string, Json> = {};
  for (const { key, value } of stage.params) {
    if (key === null) Object.assign(nested, value);
    else setPath(nested, key.split('.'), value);
  }
  return nested;
}

function setPath(target: Record<string, Json>, path: readonly string[], value: Json): void {
  const [head = '', ...rest] = path;
  if (rest.length === 0) target[head] = value;
  else {
    const below = { ...(target[head] as Record<string, Json> | undefined) };
    setPath(below, rest, value);
    target[head] = below;
  }
}
