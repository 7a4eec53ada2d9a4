import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import test, { after } from 'node:test';
import { createClock } from '../../src/io/clock.ts';
import { acquireMutex } from '../../src/io/mutex.ts';
import { ownerMark, processStart } from '../../src/io/process-id.ts';
import { ignorePaths } from '../../src/record/gitignore.ts';
import { createRig } from '../rig.ts';
import { copyProject, freshPlace } from './project.ts';
import { disturbed, recover } from './trial.ts';

const PIPELINE = 'stages:\n  s: { cmd: echo x > made/out, outs: [made/out] }\n';

test('a .gitignore that a killed command did not finish leaves nothing beside the outs', async () => {
  const origin = createRig({ 'pipeline.yaml': PIPELINE, 'made/kept': 'mine' });
  let rig = origin;
  // Renames in order: the two notes of the locks, then the first .gitignore.
  for (let at = 1; !readdirSync(rig.path('made')).some((name) => name.endsWith('.tmp')); at++) {
    assert.ok(at < 20, 'no kill left a temp file');
    rig = copyProject(origin.root, freshPlace(`${origin.root}-killed`, ''));
    const ran = await disturbed(rig, ['repro'], { mode: 'kill-before', at, only: ['rename'] });
    assert.equal(ran.signal, 'SIGKILL', ran.stderr);
  }
  after(() => rig.remove('.'));
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.deepEqual(readdirSync(rig.path('made')).sort(), ['.gitignore', 'kept', 'out']);
});

test('what dead processes had not finished is removed by whoever takes the workspace, what living ones are at stays', async (t) => {
  // Without outs: who adds lines to a .gitignore sweeps its folder, too.
  const rig = createRig({ 'pipeline.yaml': 'stages: {}\n' });
  const alive = spawn('sleep', ['20'], { stdio: 'ignore' });
  t.after(() => alive.kill('SIGKILL'));
  const filesOf = (owner: string): readonly string[] => [
    // A lockfile on its way.
    `.${owner}.0.tmp`,
    ...['', 'files/', 'files/.incoming/0/', 'runs/ab/', 'staging/', 'attempts/'].map(
      (folder) => `.lockstep/${folder}.${owner}.0.tmp`,
    ),
    `.lockstep/files/.incoming/.${owner}.0.tmp/ab/x`,
    `.lockstep/staging/${owner}.0/tmp/x`,
    ...['workspace', 'cache'].flatMap((name) =>
      [owner, `.${owner}.0.tmp`].map((note) => `.lockstep/${name}.mutex.d/${note}`),
    ),
  ];
  const dead = filesOf('4999999-1');
  const living = [
    ...filesOf(`${alive.pid}-${processStart(alive.pid ?? 0)}`),
    '.lockstep/workspace.mutex.d/README',
  ];
  for (const name of [...dead, ...living]) rig.write(name, '{}');
  await recover(rig);
  assert.deepEqual(
    [...dead, ...living].filter((name) => existsSync(rig.path(name))),
    living,
  );
});

test('temp files of the cache are swept only while nobody holds it: who fetches in another container looks dead', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s: { cmd: date +%s%N > out, outs: [out], always: true }\n',
  });
  const temps = [
    '.lockstep/files/.incoming/3/.4999999-1.0.tmp',
    '.lockstep/files/.incoming/.4999999-1.2.tmp/ab/cd',
    '.lockstep/runs/ab/.4999999-1.1.tmp',
  ];
  for (const temp of temps) rig.write(temp, 'half an object');
  const fetching = await acquireMutex({
    path: rig.path('.lockstep/cache.mutex'),
    mode: 'shared',
    command: 'lockstep fetch',
    waitMs: 0,
    clock: createClock(),
    signal: new AbortController().signal,
    onWait: () => undefined,
  });
  await recover(rig);
  assert.deepEqual(
    temps.map((temp) => rig.read(temp)),
    temps.map(() => 'half an object'),
  );
  fetching[Symbol.dispose]();
  await recover(rig);
  assert.deepEqual(
    temps.filter((temp) => existsSync(rig.path(temp))),
    [],
  );
});

test('lines are added to a .gitignore beside the temp file of a living process', () => {
  const rig = createRig();
  const mine = `.${ownerMark()}.zz.tmp`;
  rig.write(`made/${mine}`, '');
  rig.write('made/.4999999-1.0.tmp', '');
  assert.deepEqual(ignorePaths(rig.root, ['made/out']), ['made/.gitignore']);
  assert.deepEqual(readdirSync(rig.path('made')).sort(), [mine, '.gitignore'].sort());
});
