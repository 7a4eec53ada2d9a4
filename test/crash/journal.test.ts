import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { sha256Hex } from '../../src/base/hash.ts';
import { parseStep } from '../../src/execute/journal-step.ts';
import { createJournal } from '../../src/execute/journal.ts';
import { createRig } from '../rig.ts';
import { copyProject } from './project.ts';
import { filesBelow, leftovers } from './state.ts';
import { recover } from './trial.ts';
import { DEAD, PIPELINE, crashed, recordOf } from './crashed.ts';

test('a workspace that was copied after a crash cleans up itself, and never the one it was copied from', async () => {
  const rig = crashed();
  const copy = copyProject(rig.root, join(rig.root, '..', `${rig.root.split('/').at(-1)}-copy`));
  await recover(copy);
  assert.equal(copy.read('out'), 'old');
  assert.equal(rig.read('out'), 'half');
  await recover(rig);
  assert.equal(rig.read('out'), 'old');
  copy.remove('.');
});

for (const [what, had, isAside, out, failed] of [
  ['an old out that waits aside comes back, and what was begun is kept', true, true, 'old', 'half'],
  ['an old out that had not been moved yet stays', true, false, 'half', undefined],
  ['what was begun where there was none is taken away and kept', false, false, undefined, 'half'],
] as const)
  test(`where a runner died, ${what}`, async () => {
    const rig = crashed('out', DEAD, had);
    if (!isAside) rig.remove(`.lockstep/staging/${DEAD}/aside`);
    // Of an attempt before.
    if (failed !== undefined) rig.write('.lockstep/failed/s/out/earlier', '');
    await recover(rig);
    const read = (name: string): string | undefined =>
      existsSync(rig.path(name)) ? rig.read(name) : undefined;
    assert.deepEqual([read('out'), read('.lockstep/failed/s/out')], [out, failed]);
    assert.deepEqual(leftovers(rig.root), []);
  });

test('a record with any bit flipped is never acted upon as if it were whole', async () => {
  const rig = crashed();
  const bytes = readFileSync(recordOf(rig));
  const whole = createJournal(rig.path('.lockstep')).orphans();
  assert.equal(whole.length, 1);
  for (let at = 0; at < bytes.length * 8; at++) {
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8((flipped[at >> 3] ?? 0) ^ (1 << (at & 7)), at >> 3);
    writeFileSync(recordOf(rig), flipped);
    const orphans = createJournal(rig.path('.lockstep')).orphans();
    assert.deepEqual(orphans, [{ id: DEAD, phase: 'lost' }], `bit ${at}`);
  }
});

test('the record and the name of an attempt that is over serve the next one, and are gone at the end', () => {
  const rig = createRig();
  const journal = createJournal(rig.path('.lockstep'));
  const begin = (id: string): void => journal.begin(id, { id, outs: [], folders: [] }, { durable: false });
  const [first, second] = [journal.newId(), journal.newId()];
  assert.notEqual(first, second);
  for (const id of [first, second]) begin(id);
  journal.remove(first);
  assert.deepEqual(
    journal.unfinished().map(({ id }) => id),
    [second],
  );
  assert.equal(journal.newId(), first);
  begin(first);
  assert.equal(journal.unfinished().length, 2);
  assert.notEqual(journal.newId(), first, 'nobody else has it meanwhile');
  journal.remove(first);
  journal.close();
  assert.deepEqual(readdirSync(rig.path('.lockstep/attempts')), [`${second}.ndjson`]);
});

test('the name of an attempt of which something cannot be removed serves no other: it would take that for its own', () => {
  const rig = createRig();
  const journal = createJournal(rig.path('.lockstep'));
  const id = journal.newId();
  journal.begin('a', { id, outs: [], folders: [] }, { durable: false });
  rig.write(`.lockstep/staging/${id}/aside/0/out`, 'old');
  journal.spoil(id);
  journal.remove(id);
  assert.deepEqual(journal.unfinished(), [], 'nor has it lost its record, whoever dies then');
  assert.notEqual(journal.newId(), id);
  journal.close();
  assert.deepEqual(readdirSync(rig.path('.lockstep/attempts')), []);
});

test('an empty record that a dead runner kept for its next attempt is nothing to recover, and is swept', async () => {
  const rig = createRig({ 'pipeline.yaml': PIPELINE, out: 'mine' });
  rig.write(`.lockstep/attempts/${DEAD}.ndjson`, '');
  assert.deepEqual(createJournal(rig.path('.lockstep')).orphans(), []);
  await recover(rig);
  assert.equal(rig.read('out'), 'mine');
  assert.deepEqual(readdirSync(rig.path('.lockstep/attempts')), []);
});

test('beside an out on another device, a damaged record leaves only old outs that wait there, and tells where', async () => {
  const rig = createRig({ 'pipeline.yaml': PIPELINE.replace('[out]', '[a/b/out]') });
  rig.write(`.lockstep/attempts/${DEAD}.ndjson`, 'damaged');
  rig.write(`a/.lockstep-${DEAD}/aside/0/out`, 'old');
  mkdirSync(rig.path(`a/b/.lockstep-${DEAD}/outs/0`), { recursive: true });
  const told: string[] = [];
  await recover(rig, (event) => void (event.type === 'warned' && told.push(event.problem.message)));
  assert.deepEqual(told, [
    `the record of an earlier run is damaged; outs that it had moved aside are in a/.lockstep-${DEAD}/aside`,
  ]);
  assert.equal(rig.read(`a/.lockstep-${DEAD}/aside/0/out`), 'old');
  assert.deepEqual(
    readdirSync(rig.path('a/b')).filter((name) => name.startsWith('.lockstep')),
    [],
  );
});

for (const [what, link] of [
  ['the folder above an out', 'd'],
  ['the folder where its old out waits', `.lockstep/staging/${DEAD}/aside`],
  ['the folder that keeps failed outs', '.lockstep/failed/s'],
  ['the folder that keeps those of all stages', '.lockstep/failed'],
] as const)
  test(`${what} has become a link: recovery moves nothing through it, says so, and ends its work once it is gone`, async () => {
    const rig = crashed('d/out');
    const names = ['out', 'd/out', '0/out', 's/d/out'];
    for (const name of names) rig.write(`elsewhere/${name}`, 'mine');
    const real = rig.path('real');
    const hasReal = existsSync(rig.path(link));
    if (hasReal) renameSync(rig.path(link), real);
    mkdirSync(dirname(rig.path(link)), { recursive: true });
    symlinkSync(rig.path('elsewhere'), rig.path(link));
    await assert.rejects(recover(rig), { code: 'out.linked', message: new RegExp(`behind "${link}"`) });
    for (const name of names) assert.equal(rig.read(`elsewhere/${name}`), 'mine');
    assert.equal(existsSync(recordOf(rig)), true);
    unlinkSync(rig.path(link));
    if (hasReal) renameSync(real, rig.path(link));
    await recover(rig);
    assert.equal(rig.read('d/out'), 'old');
    assert.deepEqual(leftovers(rig.root), []);
  });

test('for a damaged record nothing is moved or removed through a link either', async () => {
  for (const link of [`.lockstep/staging/${DEAD}`, '.lockstep/failed', 'd']) {
    const rig = crashed('d/out');
    rig.write('pipeline.yaml', PIPELINE.replace('[out]', '[d/out]'));
    writeFileSync(recordOf(rig), 'damaged');
    for (const name of ['aside/mine', `.lockstep-${DEAD}/outs/mine`]) rig.write(`elsewhere/${name}`, 'mine');
    rig.remove(link);
    symlinkSync(rig.path('elsewhere'), rig.path(link));
    const before = filesBelow(rig.path('elsewhere'));
    await assert.rejects(recover(rig), { code: 'out.linked', message: new RegExp(`behind "${link}"`) });
    assert.deepEqual(filesBelow(rig.path('elsewhere')), before, link);
  }
});

/** A record as its writer would seal it, which is no secret. */
function sealed(step: unknown): string {
  const text = JSON.stringify(step);
  return `${sha256Hex(text).slice(0, 32)} ${text}\n`;
}

const out = { path: 'out', made: 'out', aside: `.lockstep/staging/${DEAD}/aside/0/out`, had: true };
const step = { id: DEAD, stage: 's', phase: 'running', outs: [out], folders: [`.lockstep/staging/${DEAD}`] };

for (const [what, hostile] of Object.entries({
  'a home above the project': { ...step, outs: [{ ...out, path: '../victim', made: '../victim' }] },
  'an absolute home': { ...step, outs: [{ ...out, path: '/tmp/victim' }] },
  'a home inside .git': { ...step, outs: [{ ...out, path: '.git/config', made: '.git/config' }] },
  'a home inside .LOCKSTEP': { ...step, outs: [{ ...out, path: '.LOCKSTEP/memo', made: '.LOCKSTEP/memo' }] },
  'an out kept aside outside its staging folder': { ...step, outs: [{ ...out, aside: 'victim' }] },
  'an out made outside its staging folder': { ...step, outs: [{ ...out, made: 'victim' }] },
  'a staging folder that is the project': { ...step, folders: ['.'] },
  'a staging folder above the project': { ...step, folders: ['..'] },
  'a staging folder of someone else': { ...step, folders: ['victim'] },
  'another id': { ...step, id: '1-1.0' },
  'a stage that is no text': { ...step, stage: ['s'] },
  'a stage that is a way up': { ...step, stage: '..' },
  'outs that are no list': { ...step, outs: { length: 1 } },
  'no outs': { ...step, outs: null },
  'a process that is everyone': { ...step, process: { pid: -1, start: '' } },
  'a process 0': { ...step, process: { pid: 0, start: '' } },
  'a process that is no number': { ...step, process: { pid: '1', start: '' } },
  'a phase of its own': { ...step, phase: 'done' },
  'a result that is none': { ...step, phase: 'committing', result: { outs: [{ path: '../victim' }] } },
  'a list instead of a map': [step],
  'text instead of a map': 'text',
})) {
  test(`a record with ${what} moves and removes nothing outside its staging folder`, async () => {
    const rig = createRig({ 'pipeline.yaml': PIPELINE, out: 'mine', victim: 'mine' });
    rig.write(`.lockstep/staging/${DEAD}/aside/0/out`, 'theirs');
    mkdirSync(rig.path('.lockstep/attempts'), { recursive: true });
    appendFileSync(recordOf(rig), sealed(hostile));
    const before = readdirSync(rig.root).sort();
    await recover(rig);
    assert.equal(rig.read('victim'), 'mine');
    assert.equal(rig.read('out'), 'mine');
    // Every command that takes the workspace keeps its outs out of git.
    const now = readdirSync(rig.root).filter((name) => name !== '.gitignore');
    assert.deepEqual(now.sort(), before);
    assert.equal(existsSync(recordOf(rig)), false);
  });
}

test('one thing wrong in a step that is whole otherwise is enough not to believe it', () => {
  const where = { root: '/project', id: DEAD };
  const read = (one: unknown): unknown => parseStep(sealed(one).trimEnd(), where);
  const at = (path: string, folder = `.lockstep/staging/${DEAD}`): unknown => ({
    ...step,
    outs: [
      { path, made: path, aside: `${folder}/aside/0/${path.slice(path.lastIndexOf('/') + 1)}`, had: true },
    ],
  });
  for (const good of [
    step,
    at('victim'),
    at('a/victim', `.lockstep-${DEAD}`),
    at('a/victim', `a/.lockstep-${DEAD}`),
  ])
    assert.notEqual(read(good), undefined, JSON.stringify(good));
  for (const wrong of [
    at('../victim'),
    at('/tmp/victim'),
    at('.git/config'),
    at('victim', `../.lockstep-${DEAD}`),
    at('victim', '.lockstep/staging/other'),
    { ...step, outs: [{ ...out, aside: `.lockstep/staging/${DEAD}` }] },
    { ...step, folders: [1] },
    { ...step, stage: '.' },
    { ...step, process: { pid: 2.5, start: '' } },
    { ...step, process: [] },
  ])
    assert.equal(read(wrong), undefined, JSON.stringify(wrong));
});
