import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { findPeer } from '../../bench/harness/peers.ts';
import { REPOSITORY, cleanEnv, createRig } from '../rig.ts';

/** A scenario that runs `true`, or would on a disk of that size. */
const scenarioOf = (diskBytes: number): string => `export default {
  title: 'nothing',
  rounds: 1,
  diskBytes: () => ${diskBytes},
  prepare: ({ dir }) => ({
    trials: [{ name: 'true', contenders: [{ name: 'lockstep', command: () => ({ argv: ['true'], cwd: dir }) }] }],
    warmUp: 'done',
  }),
};
`;

interface Asked {
  readonly args?: readonly string[];
  readonly diskBytes?: number;
}

/** How the benchmark ends, over a scenario and the most that it may take. */
function benchCode(ms: number, { args = ['--check'], diskBytes = 0 }: Asked = {}): number | null {
  const rig = createRig({
    'package.json': '{ "type": "module" }\n',
    'bench/scenarios/tiny.ts': scenarioOf(diskBytes),
    'bench/budgets.json': JSON.stringify({ tiny: { true: [{ atMost: { ms }, margin: 0 }] } }),
  });
  for (const part of ['bench.ts', 'harness', 'generate'])
    cpSync(join(REPOSITORY, 'bench', part), rig.path(`bench/${part}`), { recursive: true });
  symlinkSync(join(REPOSITORY, 'scripts'), rig.path('scripts'));
  const words = ['bench/bench.ts', ...args, '--dir', rig.root, '--package', rig.root];
  return spawnSync(process.execPath, words, { cwd: rig.root, env: cleanEnv() }).status;
}

test(
  '--check ends with 0 only where all ran and every budget is kept; without it budgets are told, no more',
  { skip: findPeer('python3') === undefined && 'needs python3' },
  () => {
    const [impossible, easy] = [0, 1e9];
    assert.equal(benchCode(easy), 0);
    assert.equal(benchCode(impossible), 1);
    assert.equal(benchCode(impossible, { args: [] }), 0);
    assert.equal(benchCode(easy, { diskBytes: 1e18 }), 1);
  },
);
