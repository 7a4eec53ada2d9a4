import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Emit } from '../../src/base/event.ts';
import { createJournal } from '../../src/execute/journal.ts';
import { openProject } from '../../src/project.ts';
import { CLI, REPOSITORY, cleanEnv } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';
import { copyProject, freshPlace, prepare, textOf } from './project.ts';
import type { Scenario } from './project.ts';
import type { ShimOrder } from './shim.ts';
import { contentOf, filesBelow, isTemp, leftovers, readState, wrongObjects } from './state.ts';
import type { State } from './state.ts';

/** The module to preload. */
export const SHIM: string = join(REPOSITORY, 'test/crash/shim.ts');
/** No command of these projects takes a tenth of it, on a slow machine either. */
const HANG_MS = 120_000;

/** A scenario made ready, and how it ends when nothing disturbs it. */
export interface Stage {
  readonly scenario: Scenario;
  /** Where trials work. */
  readonly folder: string;
  readonly origin: Rig;
  readonly before: State;
  readonly after: State;
  /** The calls of the undisturbed command that change the disk: `<name> <path>`. */
  readonly calls: readonly string[];
  /** Which of them worker threads made, by their places in `calls`. */
  readonly byThreads: ReadonlySet<number>;
}

/** Makes a scenario ready below a temp folder of its own, and counts its calls; `close` removes it. */
export async function createStage(
  scenario: Scenario,
  order: Pick<ShimOrder, 'noSync' | 'flushesAtEnd'> = {},
): Promise<Stage & { close(): void }> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-crash-')));
  const origin = await prepare(scenario, join(folder, 'origin'));
  const before = await readState(origin.root, scenario.outs);
  const twin = copyProject(origin.root, join(folder, 'twin'));
  const { calls, byThreads } = await countCalls(twin, scenario.args, {
    ...order,
    log: join(folder, 'calls'),
  });
  const after = await readState(twin.root, scenario.outs);
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  return { scenario, folder, origin, before, after, calls, byThreads, close };
}

/** Runs a command to its good end and tells its calls. */
export async function countCalls(
  rig: Rig,
  args: readonly string[],
  order: Omit<ShimOrder, 'mode' | 'at'> & { readonly log: string },
): Promise<Pick<Stage, 'calls' | 'byThreads'>> {
  const ran = await disturbed(rig, args, { ...order, mode: 'count', at: 0 });
  assert.equal(ran.code, 0, `${args.join(' ')} undisturbed: ${ran.stdout}${ran.stderr}`);
  return callsOf(textOf(order.log));
}

/** The calls that a log of the shim tells. */
export function callsOf(log: string): Pick<Stage, 'calls' | 'byThreads'> {
  const lines = log.split('\n').slice(0, -1);
  return {
    calls: lines.map((line) => line.slice(line.indexOf(' ') + 1)),
    byThreads: new Set(lines.flatMap((line, index) => (line.startsWith('0 ') ? [] : [index]))),
  };
}

/** Runs the command line under the shim. A command that hangs is ended and told by its signal. */
export function disturbed(rig: Rig, args: readonly string[], order: ShimOrder): Promise<Ran> {
  const child = spawn(process.execPath, ['--import', SHIM, CLI, ...args], {
    cwd: rig.root,
    env: cleanEnv({ LOCKSTEP_SHIM: JSON.stringify(order) }),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: HANG_MS,
    killSignal: 'SIGTERM',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // A stage that outlives its runner keeps the pipes open.
    child.once('exit', (code, signal) => setImmediate(() => resolve({ code, signal, stdout, stderr })));
  });
}

/** What must hold at every instant, so also right after a kill: nothing on the disk is wrong, and nothing is lost. */
export async function assertIntact(rig: Rig, stage: Stage): Promise<void> {
  const now = await readState(rig.root, stage.scenario.outs);
  for (const [key, entry] of now.entries) {
    const known = [stage.before.entries.get(key), stage.after.entries.get(key)];
    assert.ok(known.includes(entry), `the lock has another ${key}: ${entry}`);
  }
  for (const key of stage.before.entries.keys())
    assert.ok(now.entries.has(key) || !stage.after.entries.has(key), `the lock lost ${key}`);
  assert.deepEqual(wrongObjects(rig.path('.lockstep')), [], 'objects of the cache');
  assert.deepEqual(wrongObjects(rig.path('remote')), [], 'objects of the remote');
  for (const [out, content] of now.outs) {
    if (isOldOrNew(stage, out, content) || isBegun(rig, out)) continue;
    const aside = filesBelow(rig.root, '.lockstep/staging').map((path) =>
      path.split('/').slice(0, 6).join('/'),
    );
    const copies = aside.filter((path) => path.endsWith(`/${out}`)).map((path) => contentOf(rig.path(path)));
    assert.ok(
      copies.some((copy) => isOldOrNew(stage, out, copy)),
      `${out} is neither old nor new, and neither is kept aside: ${content.slice(0, 200)}`,
    );
  }
}

/** A stage that wrote to the workspace was ended with its runner: of an out that was not there before, a part is. */
function isBegun(rig: Rig, out: string): boolean {
  const attempts = createJournal(rig.path('.lockstep')).unfinished();
  return attempts.some(
    (one) => one.phase === 'running' && one.outs.some(({ path, had }) => path === out && !had),
  );
}

function isOldOrNew({ before, after }: Stage, out: string, content: string): boolean {
  return content === before.outs.get(out) || content === after.outs.get(out);
}

/** Cleans up after a dead runner, as every command that takes the workspace does first, and does nothing else. */
export async function recover(rig: Rig, emit: Emit = () => {}): Promise<void> {
  const project = await openProject({
    dir: rig.root,
    env: cleanEnv(),
    command: 'recover',
    emit,
    signal: new AbortController().signal,
    waitMs: 10_000,
  });
  using _workspace = await project.takeWorkspace();
  await project.close();
}

/** Once cleaned up, each out is old or new as a whole, at its place. */
export async function assertRecovered(rig: Rig, stage: Stage): Promise<void> {
  await assertIntact(rig, stage);
  const now = await readState(rig.root, stage.scenario.outs);
  for (const [out, content] of now.outs)
    assert.ok(isOldOrNew(stage, out, content), `${out} is neither old nor new: ${content.slice(0, 200)}`);
  assert.deepEqual(leftovers(rig.root), [], 'leftovers after the cleaning up');
}

/** The command, undisturbed, ends as it does in a project that nothing ever disturbed; `rights`: down to who may write to its outs. */
export async function assertHealed(rig: Rig, stage: Stage, rights = true): Promise<void> {
  const { scenario, after } = stage;
  const next = await rig.lockstep(scenario.args);
  assert.equal(next.code, 0, `the next ${scenario.name}: ${next.stdout}${next.stderr}`);
  const healed = await readState(rig.root, scenario.outs);
  assert.equal(healed.lock, after.lock, 'pipeline.lock');
  assert.deepEqual([...healed.outs], [...after.outs], 'outs');
  if (rights) assert.deepEqual([...healed.rights], [...after.rights], 'rights of outs');
  assert.deepEqual(
    healed.remote.filter((name) => !after.remote.includes(name) && !isTemp(name)),
    [],
  );
  assert.deepEqual(
    after.remote.filter((name) => !healed.remote.includes(name)),
    [],
  );
  assert.deepEqual(wrongObjects(rig.path('.lockstep')), []);
  assert.deepEqual(wrongObjects(rig.path('remote')), []);
  assert.deepEqual(
    after.cache.filter((name) => !healed.cache.includes(name)),
    [],
  );
  if (scenario.name.startsWith('gc')) assert.deepEqual(healed.cache, after.cache);
}

/** One trial in a fresh copy of the scenario's project; told is what it was when it fails. */
export async function tryOnce<T>(stage: Stage, what: string, trial: (rig: Rig) => Promise<T>): Promise<T> {
  const name = what.replaceAll(/[^a-z0-9]+/gi, '-');
  const rig = copyProject(stage.origin.root, freshPlace(stage.folder, name));
  try {
    const result = await trial(rig);
    rmSync(rig.root, { recursive: true, force: true });
    return result;
  } catch (error) {
    throw new Error(`${stage.scenario.name}, ${what}`, { cause: error });
  }
}
