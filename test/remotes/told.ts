import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { filesBelow } from '../commands/objects.ts';
import { cloneOf, succeeded } from '../commands/projects.ts';
import type { Ran, Rig } from '../rig.ts';

type Env = Readonly<Record<string, string>>;

const COMMANDS = [
  ['push', '-v'],
  ['pull', '--run-cache', '--json'],
  ['status', '--remote'],
  ['verify', '--remote', 'cloud'],
  ['repro', '--pull', '-v'],
  ['remote', 'check', '-v'],
  ['remote', 'list', '--json'],
  ['doctor', '--remotes'],
  ['log'],
] as const;

/** All that every command says that has to do with the remote `cloud`; `heed` sees each by itself. */
export async function tellAll(
  rig: Rig,
  env: Env,
  heed: (told: string, command: string) => void = () => undefined,
): Promise<string> {
  let all = '';
  for (const words of COMMANDS) {
    // Without the cache there is something to ask the remote for.
    if (words[0] === 'pull' || words[0] === 'repro') rig.remove('.lockstep/files');
    if (words[0] === 'repro') rig.remove('copy.txt');
    const ran = await rig.lockstep(words, { env });
    assert.notEqual(ran.code, 70, ran.stderr);
    const told = ran.stdout + ran.stderr;
    heed(told, words.join(' '));
    all += told;
  }
  return all;
}

/** Pushes a demo, pulls it into a clone and checks the remote; gives the clone and all that was said. */
export async function thereAndBack(
  rig: Rig,
  env: Env,
): Promise<{ readonly clone: Rig; readonly told: string }> {
  const pushed = succeeded(await rig.lockstep(['push', '-v'], { env }));
  assert.match(pushed.stderr, /^pushed 6 objects/m);
  const clone = cloneOf(rig);
  const pulled = succeeded(await clone.lockstep(['pull', '-v'], { env }));
  assert.equal(clone.read('parts/2.txt'), 'two\n');
  const checked = succeeded(await rig.lockstep(['remote', 'check', '-v'], { env }));
  return { clone, told: [pushed, pulled, checked].map(({ stdout, stderr }) => stdout + stderr).join('') };
}

/** The files of a project that have these names, or lie in folders that do. */
export function filesOf(rig: Rig, names: readonly string[]): readonly string[] {
  return names.flatMap((name) =>
    statSync(rig.path(name)).isFile() ? [rig.path(name)] : filesBelow(rig.path(name)),
  );
}

/** Pushes, lets `refuse` take the right to do so away, pulls in a clone and gives what pushing from there comes to. */
export async function pushAsReader(
  rig: Rig,
  env: Env,
  refuse: () => void,
): Promise<{ readonly clone: Rig; readonly pushed: Ran }> {
  succeeded(await rig.lockstep(['push'], { env }));
  refuse();
  const clone = cloneOf(rig);
  succeeded(await clone.lockstep(['pull'], { env }));
  clone.write('in.txt', 'four\n');
  succeeded(await clone.lockstep(['repro']));
  const pushed = await clone.lockstep(['push'], { env });
  assert.equal(pushed.code, 1, pushed.stderr);
  return { clone, pushed };
}
