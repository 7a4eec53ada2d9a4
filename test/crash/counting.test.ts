import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { CLI, cleanEnv } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { TRACED, kernelCalls, unseenCalls } from './kernel.ts';
import { SCENARIOS, copyProject, freshPlace } from './project.ts';
import type { Scenario } from './project.ts';
import { sampleOf } from './seeded.ts';
import type { ShimOrder } from './shim.ts';
import { readState } from './state.ts';
import { SHIM, assertHealed, assertIntact, callsOf, createStage, disturbed } from './trial.ts';
import type { Stage } from './trial.ts';

const NAMES = ['rename', 'link'] as const;
/** Of these, each call of the shim is one of the kernel. */
const EXACT = [...NAMES, 'fsync'] as const;

/** Runs a command under strace: the kernel's own account of its calls, or its death at the n-th of them. */
function traced(
  rig: Rig,
  stage: Stage,
  options: readonly string[],
  order?: ShimOrder,
): ReturnType<typeof spawnSync> {
  return spawnSync(
    'strace',
    [
      '-f',
      '-qq',
      ...options,
      process.execPath,
      ...(order ? ['--import', SHIM] : []),
      CLI,
      ...stage.scenario.args,
    ],
    {
      cwd: rig.root,
      env: cleanEnv({
        // The cache of compiled code is written by renames of the runtime's own.
        NODE_DISABLE_COMPILE_CACHE: '1',
        ...(order && { LOCKSTEP_SHIM: JSON.stringify(order) }),
      }),
      encoding: 'utf8',
    },
  );
}

/**
 * A project's state without the process ids in the names of temp files, and without saying which of the run-cache entries
 * is on the remote: several go there at once, and any may be the first.
 */
async function ownerless(rig: Rig): Promise<unknown> {
  const { lock, outs, rights, cache, remote } = await readState(rig.root);
  const names = (paths: readonly string[]): readonly string[] =>
    paths.map((path) => path.replace(/\d+-[0-9A-Za-z]+(\.[0-9a-z]+\.tmp(\/|$))/, 'owner$1'));
  const anyOf = (paths: readonly string[]): readonly string[] =>
    paths.map((path) => path.replace(/^runs\/.*|[0-9a-z]+\.tmp$/, 'any'));
  return { lock, outs, rights, cache: names(cache), remote: anyOf(names(remote)) };
}

const isHere = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;
const skip = isHere ? false : 'strace is missing here, or may not trace';

const chosen = (...names: readonly string[]): readonly Scenario[] =>
  SCENARIOS.filter(({ name }) => names.includes(name));

const COUNTED = chosen('a first repro', 'a repro over old outs', 'commit', 'checkout', 'push', 'gc --delete');

for (const scenario of COUNTED.slice(0, sampleOf(process.env, 1) ?? COUNTED.length))
  test(`the shim sees every change that ${scenario.name} asks the kernel for`, { skip }, async (t) => {
    const stage = await createStage(scenario);
    try {
      const rig = copyProject(stage.origin.root, freshPlace(stage.folder, 'watched'));
      const [trace, log] = [join(stage.folder, 'strace'), join(stage.folder, 'watched calls')];
      const ran = traced(rig, stage, ['-y', '-e', `trace=${TRACED}`, '-o', trace], {
        mode: 'count',
        at: 0,
        log,
      });
      assert.equal(ran.status, 0, String(ran.stderr));
      const { calls } = callsOf(readFileSync(log, 'utf8'));
      const kernel = kernelCalls(readFileSync(trace, 'utf8'), rig.root);
      assert.deepEqual(unseenCalls(kernel, calls), []);
      for (const name of EXACT) {
        const seen = calls.filter((call) => call.startsWith(`${name} `));
        const asked = kernel.filter(({ kind }) => kind === name);
        assert.equal(asked.length, seen.length, `${name}: ${asked.map(({ line }) => line).join('\n')}`);
      }
      t.diagnostic(`${calls.length} calls of the shim, ${kernel.length} of the kernel`);
    } finally {
      stage.close();
    }
  });

for (const scenario of chosen('checkout', 'push')) {
  test(
    `a kill of ${scenario.name} by the kernel leaves what a kill by the shim leaves`,
    { skip },
    async (t) => {
      const stage = await createStage(scenario);
      try {
        for (const name of NAMES) {
          const seen = stage.calls.filter((call) => call.startsWith(`${name} `)).length;
          for (let at = 1; at <= Math.min(seen, sampleOf(process.env, 1) ?? seen); at++) {
            const byKernel = copyProject(stage.origin.root, freshPlace(stage.folder, `kernel-${name}-${at}`));
            const killed = traced(byKernel, stage, [
              '-o',
              '/dev/null',
              '-e',
              `inject=${name}:signal=KILL:when=${at}`,
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
