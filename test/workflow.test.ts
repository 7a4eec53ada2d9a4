import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cron } from 'croner';
import { parse } from 'yaml';
import { REPOSITORY } from './rig.ts';
import { createSandbox, readWorkflow } from './workflow-rig.ts';
import type { StepRan, Workflow } from './workflow-rig.ts';

const pipeline = readWorkflow('pipeline');
const check = readWorkflow('check');
const crash = readWorkflow('crash');

const PROJECT = {
  '.gitignore': 'node_modules/\n.lockstep/\n',
  'pipeline.yaml': `name: demo
stages:
  sort:
    cmd: sort words.txt > data/sorted.txt
    deps: [words.txt]
    outs: [data/sorted.txt]
  count:
    cmd: grep -c . data/sorted.txt | tee data/count.txt > reports/count.json
    deps: [data/sorted.txt]
    outs: [data/count.txt, { reports/count.json: { metric: true, cache: false } }]
`,
  'remotes.yaml': 'default: shelf\nremotes: { shelf: { url: ../shelf } }\n',
  'words.txt': 'pear\napple\n',
  'data/.gitkeep': '',
};
const nightly = { event: 'schedule', branch: 'main' } as const;

test('the pipeline runs when pipeline.yaml says, at six in the morning in India on weekdays, or by hand', () => {
  assert.deepEqual(Object.keys(pipeline.on).sort(), ['schedule', 'workflow_dispatch']);
  const { schedule } = parse(readFileSync(join(REPOSITORY, 'pipeline.yaml'), 'utf8')) as {
    schedule: { cron: string; tz: string };
  };
  assert.deepEqual(schedule, { cron: '0 6 * * 1-5', tz: 'Asia/Kolkata' });
  const [{ cron } = { cron: '' }] = pipeline.on['schedule'] as readonly { cron: string }[];
  const from = new Date('2026-03-13T12:00:00Z');
  const runs = new Cron(cron, { timezone: 'UTC' }).nextRuns(6, from);
  assert.deepEqual(runs, new Cron(schedule.cron, { timezone: schedule.tz }).nextRuns(6, from));
  assert.equal(runs[0]?.toISOString(), '2026-03-16T00:30:00.000Z');
});

test('each workflow may do only what it needs, and only trusted code sees secrets', () => {
  assert.deepEqual(pipeline.permissions, { contents: 'write' });
  for (const { permissions } of [check, crash]) assert.deepEqual(permissions, { contents: 'read' });
  assert.equal(pipeline.concurrency['cancel-in-progress'], false);
  assert.ok('pull_request' in check.on && !('pull_request_target' in check.on));
  assert.doesNotMatch(JSON.stringify(check), /secrets\./);
});

test('actions are named with their major version, and no expression is pasted into a script', () => {
  for (const workflow of [pipeline, check, crash]) {
    for (const step of stepsOf(workflow)) {
      if (step.uses !== undefined) assert.match(step.uses, /^actions\/[a-z-]+@v\d+$/);
      assert.doesNotMatch(step.run ?? '', /\$\{\{/);
    }
  }
});

test('a change is checked by a fresh install and all checks', () => {
  const commands = stepsOf(check).flatMap(({ run }) => run ?? []);
  assert.deepEqual(commands, ['.ci/run', 'npm ci', 'node scripts/test.ts']);
  // Only the project's own CI has to have the servers.
  assert.equal(stepsOf(check).find(({ run }) => run !== undefined)?.env?.['LOCKSTEP_SERVERS_REQUIRED'], '1');
  const script = readFileSync(join(REPOSITORY, '.ci/run'), 'utf8');
  assert.match(script, /^npm ci$[\s\S]*^npm run check$/m);
  assert.ok('push' in check.on);
});

test('the oldest Node that is allowed, and the newest with long support, are tried as well', () => {
  const { engines } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  const oldest = `${/^\^([\d.]+) /.exec(engines.node)?.[1]}.0`;
  assert.deepEqual(check.jobs['nodes']?.strategy?.matrix['node'], [oldest, 'lts/*']);
});

test('every week the crash tests try all they can, with a seed of their own that is told', () => {
  assert.deepEqual(Object.keys(crash.on).sort(), ['schedule', 'workflow_dispatch']);
  const [{ cron } = { cron: '' }] = crash.on['schedule'] as readonly { cron: string }[];
  const [first, second] = new Cron(cron, { timezone: 'UTC' }).nextRuns(2, new Date('2026-03-13T12:00:00Z'));
  assert.equal(Number(second) - Number(first), 7 * 24 * 3600 * 1000);
  const scripts = { 'test:crash': 'echo tried with $LOCKSTEP_SEED' };
  const sandbox = createSandbox({ 'package.json': JSON.stringify({ scripts }) });
  const [ran] = sandbox.run(crash, { ...nightly, runNumber: 41 });
  assert.equal(ran?.code, 0, ran?.output);
  assert.match(ran.output, /^To repeat it: LOCKSTEP_SEED=41 npm run test:crash$[^]*^tried with 41$/m);
});

test('the first run commits the lock and stores the bytes, the second finds nothing to do', () => {
  const sandbox = createSandbox(PROJECT);
  succeed(sandbox.run(pipeline, nightly));
  assert.deepEqual(sandbox.git(['log', '--format=%s', 'main']).split('\n').slice(0, 2), [
    'Run the pipeline',
    'A change',
  ]);
  assert.deepEqual(changedFiles(sandbox.git(['show', '--format=', '--name-only', 'main'])), [
    'data/.gitignore',
    'pipeline.lock',
    'reports/count.json',
  ]);
  assert.equal(sandbox.git(['show', 'main:reports/count.json']), '2\n');
  assert.ok(filesBelow(join(sandbox.root, 'shelf')).some((file) => file.startsWith('runs/')));
  const head = sandbox.git(['rev-parse', 'main']);

  const again = sandbox.run(pipeline, nightly);
  succeed(again);
  assert.match(outputOf(again, 'Repro'), /Everything is fresh: 2 stages, nothing to do\./);
  assert.equal(outputOf(again, 'Commit'), 'Nothing new.\n');
  assert.equal(sandbox.git(['rev-parse', 'main']), head);
});

test('a remote that lost everything is filled again', () => {
  const sandbox = createSandbox(PROJECT);
  succeed(sandbox.run(pipeline, nightly));
  const shelf = join(sandbox.root, 'shelf');
  const before = filesBelow(shelf);
  rmSync(shelf, { recursive: true });
  const again = sandbox.run(pipeline, nightly);
  succeed(again);
  assert.match(outputOf(again, 'Repro'), /ran in/);
  assert.deepEqual(filesBelow(shelf), before);
});

test('a remote that cannot be had, or holds other bytes, fails the job before anything is made again', () => {
  const sandbox = createSandbox(PROJECT);
  succeed(sandbox.run(pipeline, nightly));
  const shelf = join(sandbox.root, 'shelf');
  const [object = ''] = filesBelow(shelf).filter((file) => file.startsWith('files/'));
  chmodSync(join(shelf, object), 0o644);
  appendFileSync(join(shelf, object), 'more');
  const altered = sandbox.run(pipeline, nightly);
  assert.deepEqual(namesAndCodes(altered).at(-1), ['Pull', 1]);
  assert.match(outputOf(altered, 'Pull'), /"code":"remote\.corrupt"/);
  sandbox.commit('main', { 'remotes.yaml': 'default: shelf\nremotes: { shelf: { url: ../no/shelf } }\n' });
  const gone = sandbox.run(pipeline, nightly);
  assert.deepEqual(namesAndCodes(gone).at(-1), ['Pull', 1]);
  assert.match(outputOf(gone, 'Pull'), /"code":"remote\.unreachable"/);
});

test('a run whose branch moved meanwhile lands on top of it', () => {
  const sandbox = createSandbox(PROJECT);
  const before = { Commit: () => sandbox.commit('main', { 'notes.txt': 'meanwhile\n' }) };
  succeed(sandbox.run(pipeline, { ...nightly, before }));
  assert.equal(sandbox.git(['show', 'main:notes.txt']), 'meanwhile\n');
  assert.equal(sandbox.git(['log', '-1', '--format=%s', 'main']), 'Run the pipeline\n');
});

test('past results are shared from the default branch only', () => {
  const sandbox = createSandbox(PROJECT);
  sandbox.commit('trial', { 'words.txt': 'fig\n' });
  succeed(sandbox.run(pipeline, { event: 'workflow_dispatch', branch: 'trial' }));
  const shared = filesBelow(join(sandbox.root, 'shelf'));
  assert.ok(shared.length > 0 && shared.every((file) => file.startsWith('files/')), shared.join('\n'));
  assert.equal(sandbox.git(['log', '-1', '--format=%s', 'trial']), 'Run the pipeline\n');
  assert.equal(sandbox.git(['log', '-1', '--format=%s', 'main']), 'A change\n');

  succeed(sandbox.run(pipeline, { event: 'workflow_dispatch', branch: 'main' }));
  assert.ok(filesBelow(join(sandbox.root, 'shelf')).some((file) => file.startsWith('runs/')));
});

test('a project without a remote runs and commits all the same', () => {
  const { 'remotes.yaml': _, ...files } = PROJECT;
  const ours = readFileSync(join(REPOSITORY, 'remotes.yaml'), 'utf8');
  for (const sandbox of [createSandbox(files), createSandbox({ ...files, 'remotes.yaml': ours })]) {
    const ran = sandbox.run(pipeline, nightly);
    succeed(ran);
    assert.equal(outputOf(ran, 'Pull'), 'No remote: nothing to pull.\n');
    assert.equal(outputOf(ran, 'Push'), 'No remote: nothing to push.\n');
    assert.equal(sandbox.git(['log', '-1', '--format=%s', 'main']), 'Run the pipeline\n');
  }
});

test('a remotes.yaml that is wrong, or a stage that fails, fails the job and commits nothing', () => {
  const wrong = createSandbox({ ...PROJECT, 'remotes.yaml': 'default: nowhere\n' });
  assert.deepEqual(namesAndCodes(wrong.run(pipeline, nightly)).at(-1), ['Pull', 2]);
  const failing = createSandbox({
    ...PROJECT,
    'pipeline.yaml': PROJECT['pipeline.yaml'].replace('sort words', 'false; sort words'),
  });
  failing.commit('main', { 'pipeline.yaml': 'name: x\nstages: { a: { cmd: "false", outs: [a] } }\n' });
  assert.deepEqual(namesAndCodes(failing.run(pipeline, nightly)).at(-1), ['Repro', 1]);
  assert.equal(failing.git(['log', '-1', '--format=%s', 'main']), 'A change\n');
});

test('a key is kept outside of the checkout, for its owner only, and told to the steps that follow', () => {
  const sandbox = createSandbox({
    ...PROJECT,
    'pipeline.yaml': `name: demo
stages: { a: { cmd: 'cat "$GOOGLE_APPLICATION_CREDENTIALS" | wc -c > a.txt', outs: [a.txt] } }
`,
  });
  const ran = sandbox.run(pipeline, { ...nightly, key: '{"private_key":"hush"}' });
  succeed(ran);
  const file = join(sandbox.temp, 'google-key.json');
  assert.equal(readFileSync(file, 'utf8'), '{"private_key":"hush"}');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(ran.every(({ output }) => !output.includes('hush')));
  assert.match(sandbox.git(['show', 'main:pipeline.lock']), /path: a\.txt/);
  assert.doesNotMatch(sandbox.git(['ls-tree', '-r', '--name-only', 'main']), /key/);
});

test('the folder that the repository names is where results are kept and looked for', () => {
  const url = 'default: shelf\nremotes: { shelf: { url: "../${env:GOOGLE_DRIVE_FOLDER_ID}" } }\n';
  const sandbox = createSandbox({ ...PROJECT, 'remotes.yaml': url });
  const named = { ...nightly, folderId: '1AbC' } as const;
  succeed(sandbox.run(pipeline, named));
  assert.ok(filesBelow(join(sandbox.root, '1AbC')).some((file) => file.startsWith('runs/')));
  assert.match(outputOf(sandbox.run(pipeline, named), 'Repro'), /2 stages, nothing to do/);
});

function stepsOf(workflow: Workflow): Workflow['jobs'][string]['steps'] {
  return Object.values(workflow.jobs).flatMap((job) => job.steps);
}

function succeed(ran: readonly StepRan[]): void {
  assert.deepEqual(
    ran.map(({ code }) => code),
    ran.map(() => 0),
    ran.map(({ name, output }) => `${name}:\n${output}`).join('\n'),
  );
}

function namesAndCodes(ran: readonly StepRan[]): readonly (readonly [string, number | null])[] {
  return ran.map(({ name, code }) => [name, code]);
}

function outputOf(ran: readonly StepRan[], name: string): string {
  return ran.find((step) => step.name === name)?.output ?? '';
}

function changedFiles(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Files below a folder, sorted; `[]` when there is no such folder. */
function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
