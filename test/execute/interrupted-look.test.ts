import assert from 'node:assert/strict';
import { existsSync, readdirSync, readlinkSync, truncateSync } from 'node:fs';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { succeeded } from '../commands/projects.ts';
import { leftovers } from '../crash/state.ts';
import { createRig } from '../rig.ts';
import type { Running } from '../rig.ts';

/** Resolves when the process has a file open. */
async function opened({ process: { pid } }: Running, file: string): Promise<void> {
  const isOpen = (fd: string): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === file;
    } catch {
      return false;
    }
  };
  while (!readdirSync(`/proc/${pid}/fd`).some(isOpen)) await setTimeout(20);
}

/** One that is deaf would read for hours: this ends the test, and the process with it. */
const HANG_MS = 120_000;

for (const [line, name] of [
  ['status', 'dep'],
  ['repro', 'dep'],
  ['repro', 'data'],
  ['commit', 'out'],
  ['verify --read-data', 'out'],
] as const)
  test(
    `Ctrl-C is heeded by ${line} while the terabytes of ${name} are hashed`,
    { timeout: HANG_MS },
    async (t) => {
      if (!existsSync('/proc/self/fd')) return t.skip('there is no /proc');
      const rig = createRig({
        'pipeline.yaml': 'data: [data]\nstages: { s: { cmd: "echo x > out", deps: [dep], outs: [out] } }\n',
        data: '',
        dep: '',
      });
      succeeded(await rig.lockstep(['repro']));
      rig.remove(name);
      rig.write(name, '');
      truncateSync(rig.path(name), 4 * 1024 ** 4);
      const running = rig.start(line.split(' '));
      await opened(running, rig.path(name));
      running.process.kill('SIGINT');
      const { code, stderr } = await running.ended;
      assert.equal(code, 130, stderr);
      assert.deepEqual(leftovers(rig.root), []);
    },
  );
