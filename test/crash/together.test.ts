import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { createRig } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';
import { FILES, OUTS, copyProject } from './project.ts';
import { dangling, lackingOf } from './references.ts';
import { createSeeded, sampleOf, seedOf } from './seeded.ts';
import type { Seeded } from './seeded.ts';
import { leftovers, readState, wrongObjects } from './state.ts';
import type { State } from './state.ts';
import { recover } from './trial.ts';

const SEED = seedOf(process.env);
const ROUNDS = sampleOf(process.env, 6) ?? 500;

/** Nothing goes on from its own old out here: how often a stage ran must not show. */
const PIPELINE = (FILES['pipeline.yaml'] ?? '')
  .replace('persist: true', 'desc: counts lines')
  .replace('>>', '>');

const COMMANDS: readonly (readonly string[])[] = [
  ['repro'],
  ['repro', '--force'],
  ['push', '--run-cache'],
  ['pull'],
  ['fetch', '--run-cache'],
  ['checkout'],
  ['gc', '--delete'],
  ['status'],
  ['repro', '--pull'],
  ['verify', '--read-data'],
];

/** Records what stands there, whatever its stages would make: only for who has just run. */
const COMMIT: readonly string[] = ['commit'];

/** How a project ends for each text of `in.txt`, found by a run that is alone. */
async function endings(origin: Rig, texts: readonly string[]): Promise<ReadonlyMap<string, State>> {
  const found = new Map<string, State>();
  for (const [index, text] of texts.entries()) {
    const twin = copyProject(origin.root, `${origin.root}-alone-${index}`);
    after(() => twin.remove('.'));
    twin.write('in.txt', text);
    const ran = await twin.lockstep(['repro']);
    assert.equal(ran.code, 0, ran.stderr);
    found.set(text, await readState(twin.root, OUTS));
  }
  return found;
}

interface Round {
  readonly remote: string;
  readonly rigs: readonly Rig[];
  readonly texts: readonly string[];
  readonly alone: ReadonlyMap<string, State>;
  readonly seeded: Seeded;
  readonly told: string;
}

/** Two to eight commands at once, over two workspaces with one remote; then one repro and one push in each, alone. */
async function playRound({ remote, rigs, texts, alone, seeded, told }: Round): Promise<void> {
  const wanted = rigs.map((rig) => {
    const text = seeded.pick([...texts, rig.read('in.txt')]);
    const commands = hasRun(rig, text) ? [...COMMANDS, COMMIT] : COMMANDS;
    rig.write('in.txt', text);
    return { text, commands };
  });
  const count = 2 + seeded.below(7);
  const lines = Array.from({ length: count }, () => {
    const rig = seeded.below(rigs.length);
    return { rig, args: seeded.pick(wanted[rig]?.commands ?? []) };
  });
  const script = `${told}: ${lines.map(({ rig, args }) => `${rig}:${args.join(' ')}`).join(', ')}`;
  const ended = await Promise.all(
    lines.map(async ({ rig, args }) => ({
      args,
      ran: await (rigs[rig] as Rig).lockstep([...args, '--wait', '300']),
    })),
  );
  for (const { args, ran } of ended) assertPlausible(args, ran, script);
  assert.deepEqual(wrongObjects(remote), [], script);
  // Nothing is ever taken out of it, so all that something in it refers to must have come before.
  assert.deepEqual(dangling(remote), [], script);
  for (const [index, rig] of rigs.entries()) {
    assert.deepEqual(wrongObjects(rig.path('.lockstep')), [], script);
    const last = await rig.lockstep(['repro']);
    assert.equal(last.code, 0, `${script}: ${last.stderr}`);
    const now = await readState(rig.root, OUTS);
    const twin = alone.get(wanted[index]?.text ?? '');
    assert.equal(now.lock, twin?.lock, script);
    assert.deepEqual([...now.outs], [...(twin?.outs ?? [])], script);
    assert.deepEqual([...now.rights], [...(twin?.rights ?? [])], script);
    const pushed = await rig.lockstep(['push', '--run-cache']);
    assert.equal(pushed.code, 0, `${script}: ${pushed.stderr}`);
    assert.deepEqual(await lackingOf(now.lock, remote), [], script);
    assert.deepEqual(dangling(remote), [], script);
    await recover(rig);
    assert.deepEqual(leftovers(rig.root), [], script);
  }
}

/** Whether the outs of a workspace are those of a text. */
function hasRun(rig: Rig, text: string): boolean {
  return existsSync(rig.path('pipeline.lock')) && rig.read('in.txt') === text;
}

/** A command ends well, or says that what it needs is not there (yet, or any more); it never fails for its neighbours. */
function assertPlausible(args: readonly string[], ran: Ran, script: string): void {
  const said = `${script}\n${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`;
  assert.equal(ran.signal, null, said);
  assert.doesNotMatch(ran.stderr, /internal\.bug|corrupt|^\s+at /m, said);
  // Who waits is told for whom, unless the other one has just ended.
  for (const line of ran.stderr.split('\n').filter((one) => one.startsWith('waiting for')))
    assert.match(line, /^waiting for the (workspace|cache): .+ holds it/, said);
  if (ran.code === 0) return;
  assert.equal(ran.code, 1, said);
  assert.match(
    ran.stderr,
    /\[(object\.(missing|lacking)|remote\.[a-z-]+|dep\.missing|transfer\.[a-z-]+)\]/,
    said,
  );
}

test(`commands at once in two workspaces over one remote leave what one alone leaves: ${ROUNDS} rounds`, async (t) => {
  t.diagnostic(`LOCKSTEP_SEED=${SEED}`);
  const seeded = createSeeded(SEED);
  const origin = createRig({ ...FILES, 'pipeline.yaml': PIPELINE });
  const texts = ['one\ntwo\nthree\n', 'one\n2\nthree\nfour\n', 'x\n'];
  const alone = await endings(origin, texts);
  const remote = join(origin.root, 'shared');
  mkdirSync(remote);
  const rigs = [0, 1].map((index) => {
    const rig = copyProject(origin.root, `${origin.root}-${index}`);
    after(() => rig.remove('.'));
    writeFileSync(rig.path('remotes.yaml'), `remotes:\n  origin: { url: ${remote} }\n`);
    return rig;
  });
  for (let round = 0; round < ROUNDS; round++) {
    await playRound({ remote, rigs, texts, alone, seeded, told: `round ${round}, LOCKSTEP_SEED=${SEED}` });
  }
});
