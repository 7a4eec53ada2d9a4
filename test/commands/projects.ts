import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { CLI, cleanEnv, copyRig, createRig, rigAt } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';

/**
 * `copy` copies in.txt, `split` makes a folder of its lines, `count` counts its files; each needs only a shell.
 */
export const PIPELINE = `name: demo
params: [params.yaml]
stages:
  copy:
    cmd: cat in.txt > copy.txt
    deps: [in.txt]
    outs: [copy.txt]
  split:
    cmd: i=0; while read -r line; do i=$((i+1)); echo "$line" > parts/$i.txt; done < copy.txt
    deps: [copy.txt]
    params: [width]
    outs: [parts/]
  count:
    cmd: ls parts | wc -l | tr -d ' ' > count.txt
    deps: [parts]
    outs: [count.txt]
`;

export const FILES: Files = {
  'pipeline.yaml': PIPELINE,
  'params.yaml': 'width: 1\n',
  'in.txt': 'one\ntwo\nthree\n',
};

/** A stage that makes 300 files of 200 kB: enough to be interrupted on the way to a remote or back. */
export const MANY = `name: a
stages:
  many:
    cmd: for i in $(seq 1 300); do head -c 200000 /dev/zero > many/$i; echo $i >> many/$i; done
    outs: [many/]
`;

type Files = Readonly<Record<string, string>>;

/** The demo pipeline as one that has run, with a folder remote `origin` in `remote/` (which no stage reads). */
export function createDemo(files: Files = {}): Promise<Rig> {
  return copyOf(files, ['repro']);
}

/** The same, and it was pushed with its past results. */
export function createPushed(files: Files = {}): Promise<Rig> {
  return copyOf(files, ['repro'], ['push', '--run-cache']);
}

/** Projects that have run, by what makes them; outside of any test, because what a test makes goes with it. */
const made = new Map<string, Promise<Rig>>();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-made-')));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the project after these commands, which run once in a test file. */
async function copyOf(files: Files, ...commands: readonly (readonly string[])[]): Promise<Rig> {
  const key = JSON.stringify([files, commands]);
  const project = made.get(key) ?? makeDemo(join(folder, String(made.size)), files, commands);
  made.set(key, project);
  return copyRig(await project);
}

async function makeDemo(root: string, files: Files, commands: readonly (readonly string[])[]): Promise<Rig> {
  const rig = rigAt(root, { ...FILES, 'remotes.yaml': 'remotes:\n  origin: { url: remote }\n', ...files });
  for (const args of commands) succeeded(await rig.lockstep(args));
  return rig;
}

/** A second machine: the files that git would bring, no cache, no outs, and the same remotes under the same names. */
export function cloneOf(rig: Rig, outs: readonly string[] = ['copy.txt', 'parts', 'count.txt']): Rig {
  const clone = createRig();
  cpSync(rig.root, clone.root, {
    recursive: true,
    filter: (from) =>
      ![...outs, '.lockstep', 'node_modules', 'remote', 'backup'].some(
        (name) => from === join(rig.root, name),
      ),
  });
  if (rig.read('remotes.yaml').includes('url: remote'))
    clone.write(
      'remotes.yaml',
      rig.read('remotes.yaml').replace('url: remote', `url: ${rig.path('remote')}`),
    );
  return rigAt(clone.root);
}

/** Asserts that a command ended well, showing what it said if not. */
export function succeeded(ran: Ran): Ran {
  assert.equal(ran.code, 0, `${ran.stdout}${ran.stderr}`);
  return ran;
}

/** The JSON values of a `--json` output; every line must be one. */
export function jsonOf(ran: Ran): readonly Readonly<Record<string, unknown>>[] {
  assert.ok(ran.stdout === '' || ran.stdout.endsWith('\n'), 'the last line has its end');
  return ran.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

/** The first value of a type in a `--json` output. */
export function eventOf(ran: Ran, type: string): Readonly<Record<string, unknown>> {
  const found = jsonOf(ran).find((value) => value['type'] === type);
  assert.ok(found, `no "${type}" in:\n${ran.stdout}${ran.stderr}`);
  return found;
}

/** Runs git in the project, away from any configuration of the machine. */
export function git(rig: Rig, ...args: readonly string[]): string {
  return execFileSync('git', [...args], { cwd: rig.root, encoding: 'utf8', env: cleanEnv() });
}

/** Puts what a shell finds as "lockstep" into `bin/` of a project. */
export function putCommand(rig: Rig): void {
  rig.write('bin/lockstep', `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  chmodSync(rig.path('bin/lockstep'), 0o755);
}

/** The environment of a shell that finds it there. */
export function shellEnv(rig: Rig, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', ...env } = cleanEnv(extra);
  return { ...env, PATH: `${rig.path('bin')}:${PATH}` };
}
