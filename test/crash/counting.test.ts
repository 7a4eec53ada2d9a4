import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { REPOSITORY, cleanEnv } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { SCENARIOS, copyProject, freshPlace } from './project.ts';
import { sampleOf } from './seeded.ts';
import { readState } from './state.ts';
import { assertHealed, assertIntact, createStage, disturbed } from './trial.ts';
import type { Stage } from './trial.ts';

const NAMES = ['rename', 'link'] as const;
const SYSCALLS = { rename: 'rename,renameat,renameat2', link: 'link,linkat' } as const;

/** Runs a command under strace: the kernel's own account of its calls, or its death at the n-th of them. */
function traced(rig: Rig, stage: Stage, options: readonly string[]): ReturnType<typeof spawnSync> {
  return spawnSync(
    'strace',
    ['-f', '-qq', ...options, process.execPath, join(REPOSITORY, 'bin/lockstep.cjs'), ...stage.scenario.args],
    // The cache of compiled code is written by renames of the runtime's own.
    { cwd: rig.root, env: cleanEnv({ NODE_DISABLE_COMPILE_CACHE: '1' }), encoding: 'utf8' },
  );
}

/** A project's state without the process ids in the names of temp files. */
async function ownerless(rig: Rig): Promise<unknown> {
  const { lock, outs, cache, remote } = await readState(rig.root);
  const names = (paths: readonly string[]): readonly string[] =>
    paths.map((path) => path.replace(/\d+-[0-9A-Za-z]+(\.[0-9a-z]+\.tmp)$/, 'owner$1'));
  return { lock, outs, cache: names(cache), remote: names(remote) };
}

const isHere = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;
const skip = isHere ? false : 'strace is missing here, or may not trace';

for (const scenario of SCENARIOS.filter(({ name }) => name === 'checkout' || name === 'push')) {
  test(
    `the kernel counts the calls of ${scenario.name} as the shim does, and a kill by either leaves the same`,
    { skip },
    async (t) => {
      const stage = await createStage(scenario);
      try {
        for (const name of NAMES) {
          const seen = stage.calls.filter((call) => call.startsWith(`${name} `)).length;
          const log = join(stage.folder, `strace-${name}`);
          const rig = copyProject(stage.origin.root, freshPlace(stage.folder, `counted-${name}`));
          traced(rig, stage, ['-e', `trace=${SYSCALLS[name]}`, '-o', log]);
          const lines = readFileSync(log, 'utf8')
            .split('\n')
            .filter((line) => line.includes(rig.root));
          assert.equal(lines.length, seen, `${name}: ${lines.join('\n')}\n${stage.calls.join('\n')}`);
          for (let at = 1; at <= Math.min(seen, sampleOf(process.env, 1) ?? seen); at++) {
            const byKernel = copyProject(stage.origin.root, freshPlace(stage.folder, `kernel-${name}-${at}`));
            const [first] = SYSCALLS[name].split(',');
            const killed = traced(byKernel, stage, [
              '-o',
              '/dev/null',
              '-e',
              `inject=${first}:signal=KILL:when=${at}`,
            ]);
            assert.equal(killed.signal, 'SIGKILL', `${name} ${at}: ${String(killed.stderr)}`);
            const byShim = copyProject(stage.origin.root, freshPlace(stage.folder, `shim-${name}-${at}`));
            const ran = await disturbed(byShim, scenario.args, { mode: 'kill-before', at, only: [name] });
            assert.equal(ran.signal, 'SIGKILL', `${name} ${at}: ${ran.stderr}`);
            assert.deepEqual(await ownerless(byKernel), await ownerless(byShim), `${name} ${at}`);
            await assertIntact(byKernel, stage);
            await assertHealed(byKernel, stage);
          }
          t.diagnostic(`${name}: ${seen}`);
        }
      } finally {
        stage.close();
      }
    },
  );
}
