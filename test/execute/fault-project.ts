import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import type { TestContext } from 'node:test';
import type { Rig } from '../rig.ts';
import { treeOf } from './tools.ts';

/** A shell stage and a module, whose outs are as large as the file `size` says. */
const PIPELINE = `stages:
  shell:
    cmd: head -c $(cat size) /dev/zero > big; echo small > small
    deps: [size]
    outs: [big, small]
  module:
    run: m.ts
    deps: { size: size }
    outs: { dir: dir/ }
`;

export const MODULE = `import { readFileSync, writeFileSync } from 'node:fs';
export default ({ deps, outs }) => {
  for (let file = 0; file < 4; file++) writeFileSync(outs.dir + '/' + file, Buffer.alloc(Number(readFileSync(deps.size, 'utf8')) / 4, file));
};`;

export const FILES: Readonly<Record<string, string>> = {
  'pipeline.yaml': PIPELINE,
  'm.ts': MODULE,
  size: '1000',
};

export function outsOf(rig: Rig): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(treeOf(rig.root)).filter(([path]) => /^(big|small|dir)/.test(path)),
  );
}

/** A file system of 3 MiB of its own; `undefined` where this machine does not let us make one. */
export function mountTmpfs(t: TestContext): string | undefined {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-disk-')));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder]).status === 0;
  t.after(() => {
    if (isMounted) execFileSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  return isMounted ? folder : undefined;
}
