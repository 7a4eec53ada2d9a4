import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';

export const FILES = { 'in.txt': 'in', 'other.txt': 'other', 'data/a.txt': 'a' };

export function moduleOf(code: string): string {
  return `import * as fs from 'node:fs';\nexport default async ({ deps, outs }) => {\n${code}\nfs.writeFileSync(outs.out, 'done');\n};\n`;
}

/** A project with one module stage, `s`, and some files. */
export function moduleRig(
  code: string,
  more: { deps?: string; flags?: string; files?: Record<string, string> } = {},
): Rig {
  const { deps = '{ in: in.txt }', flags = '', files = {} } = more;
  return createRig({
    'pipeline.yaml': `stages:\n  s:\n    run: stages/m.ts\n${flags}    deps: ${deps}\n    outs: { out: out.txt }\n`,
    'stages/m.ts': moduleOf(code),
    ...FILES,
    ...files,
  });
}
