import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { cloneOf, eventOf, jsonOf, succeeded } from './projects.ts';
import { createRig } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';

/** The same names at the root and in a folder, and a stage that is called as an out is. */
async function createProject(): Promise<Rig> {
  const rig = createRig({
    'pipeline.yaml': `name: demo
data: [de/in.txt]
stages:
  all: { cmd: echo all > report.csv, outs: [report.csv] }
  german: { cmd: cat de/in.txt > de/report.csv, deps: [de/in.txt], outs: [de/report.csv] }
  parts: { cmd: "echo 1 > 'de[1]/raw/1.csv'; echo 2 > 'de[1]/raw/2.csv'", outs: ["de[1]/raw/"] }
  named: { cmd: echo n > de/all, outs: [de/all] }
`,
    'de/in.txt': 'de\n',
    'remotes.yaml': 'remotes:\n  origin: { url: remote }\n',
  });
  succeeded(await rig.lockstep(['repro']));
  return rig;
}

function inFolder(rig: Rig, cwd: string, ...args: readonly string[]): Promise<Ran> {
  return rig.lockstep(args, { cwd });
}

test('a path is taken from the folder it is typed in, by every command that takes one', async () => {
  const rig = await createProject();
  const stagesOf = async (cwd: string, ...args: readonly string[]): Promise<readonly unknown[]> =>
    jsonOf(succeeded(await inFolder(rig, cwd, ...args, '--json'))).map(({ stage }) => stage);
  assert.deepEqual(await stagesOf('de', 'dag', 'report.csv'), ['german']);
  assert.deepEqual(await stagesOf('de', 'dag', '../report.csv'), ['all']);
  assert.deepEqual(await stagesOf('de', 'dag', '../de/report.csv'), ['german']);
  assert.deepEqual(await stagesOf('.', '-C', 'de', 'dag', 'report.csv'), ['german']);
  assert.deepEqual(await stagesOf('.', 'dag', 'report.csv'), ['all']);
  assert.deepEqual(await stagesOf('de', 'status', 'report.csv'), ['german']);
  assert.deepEqual(await stagesOf('de', 'repro', '--dry-run', '--force', 'report.csv'), ['german']);
  const forced = succeeded(await inFolder(rig, 'de', 'repro', '--force', 'report.csv', '--json'));
  assert.equal(eventOf(forced, 'stage-started')['stage'], 'german');

  rig.remove('report.csv');
  rig.remove('de/report.csv');
  succeeded(await inFolder(rig, 'de', 'checkout', 'report.csv'));
  assert.deepEqual([existsSync(rig.path('report.csv')), rig.read('de/report.csv')], [false, 'de\n']);
  rig.remove('de/report.csv');
  rig.write('de/report.csv', 'mine\n');
  const committed = succeeded(await inFolder(rig, 'de', 'commit', 'report.csv', '--json'));
  assert.deepEqual(eventOf(committed, 'committed')['stages'], ['german']);
  succeeded(await inFolder(rig, 'de', 'verify', 'report.csv'));
  assert.equal((await inFolder(rig, 'de', 'verify', '../report.csv')).code, 1);

  const pushed = succeeded(await inFolder(rig, 'de', 'push', 'report.csv', '--json'));
  assert.equal(eventOf(pushed, 'transfer-finished')['objects'], 1);
  const clone = cloneOf(rig, ['report.csv', 'de/report.csv', 'de[1]']);
  succeeded(await inFolder(clone, 'de', 'fetch', 'report.csv'));
  succeeded(await inFolder(clone, 'de', 'pull', 'report.csv'));
  assert.equal(clone.read('de/report.csv'), 'mine\n');
});

test('a name is the name of a stage in every folder, but for commands that move outs, which take the exact path of one first', async () => {
  const rig = await createProject();
  const made = async (word: string): Promise<readonly string[]> => {
    for (const path of ['report.csv', 'de/all']) rig.remove(path);
    succeeded(await inFolder(rig, 'de', 'checkout', word));
    return ['report.csv', 'de/all'].filter((path) => existsSync(rig.path(path)));
  };
  assert.deepEqual(await made('all'), ['de/all']);
  assert.deepEqual(await made('named'), ['de/all']);
  assert.deepEqual(await made('..'), ['report.csv', 'de/all']);
  const stages = jsonOf(succeeded(await inFolder(rig, 'de', 'dag', 'all', '--json')));
  assert.deepEqual(
    stages.map(({ stage }) => stage),
    ['all'],
  );
});

test('files of a directory and patterns are taken from a folder whose name is a pattern itself', async () => {
  const rig = await createProject();
  succeeded(await rig.lockstep(['push']));
  for (const [cwd, word, files] of [
    ['de[1]', 'raw/1.csv', ['1.csv']],
    ['de[1]', 'raw/*.csv', ['1.csv', '2.csv']],
    ['de', '../de[[]1]/raw/2*', ['2.csv']],
  ] as const) {
    const clone = cloneOf(rig, ['report.csv', 'de/report.csv', 'de/all', 'de[1]']);
    clone.write('de[1]/note.txt', '');
    succeeded(await inFolder(clone, cwd, 'pull', word));
    assert.deepEqual(readdirSync(clone.path('de[1]/raw')), files, word);
  }
});

test('a word that means nothing is helped by one that means something where it is typed', async () => {
  const rig = await createProject();
  succeeded(await rig.lockstep(['push']));
  for (const [cwd, word, said] of [
    ['de', 'reprot.csv', 'did you mean "report.csv"?'],
    ['de', '../reprot.csv', 'did you mean "../report.csv"?'],
    ['de[1]', 'raw/l.csv', 'did you mean "raw/1.csv"?'],
    ['de[1]/raw', '3.txt', 'there are 2 files, such as "1.csv"'],
  ] as const) {
    const { code, stderr } = await inFolder(rig, cwd, 'pull', word);
    assert.equal(code, 2, word);
    assert.ok(stderr.includes(` = hint: ${said}`), `${word}: ${stderr}`);
  }
});

test('paths are completed as they are typed', async () => {
  const rig = await createProject();
  const offered = async (cwd: string, start: string): Promise<string> =>
    (await inFolder(rig, cwd, 'completion', '--words', '--', 'pull', start)).stdout;
  assert.equal(await offered('de', 're'), 'report.csv\n');
  assert.equal(await offered('de', '../r'), '../report.csv\n');
  assert.equal(await offered('.', 'de/r'), 'de/report.csv\n');
});
