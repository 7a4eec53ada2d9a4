import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import test from 'node:test';
import { damage, filesBelow, objectsOf } from './objects.ts';
import { createDemo, eventOf, git, succeeded } from './projects.ts';
import { loadRows } from '../../src/store/memo-file.ts';
import { createRig, rigAt } from '../rig.ts';
import type { Rig } from '../rig.ts';

const NOTHING = 'Nothing to remove: everything in the cache is referred to.\n';

function ageRuns(rig: Rig): void {
  const old = new Date('2020-01-01T00:00:00Z');
  for (const file of filesBelow(rig.path('.lockstep/runs'))) utimesSync(file, old, old);
}

test('what lock and run cache name stays; with the results the objects of the past go, when asked twice', async () => {
  const rig = await createDemo();
  rig.write('in.txt', 'four\n');
  succeeded(await rig.lockstep(['repro']));
  const all = objectsOf(rig.path('.lockstep')).length;
  assert.equal((await rig.lockstep(['gc', '--delete'])).stdout, NOTHING, 'the run cache names the past');
  ageRuns(rig);
  const dry = succeeded(await rig.lockstep(['gc', '--runs-older-than', '30']));
  // Gone would be the old copy, three parts, their manifest and the old count.
  assert.match(
    dry.stdout,
    /^Would remove 6 objects, \d+ B, and 6 run-cache results; "lockstep gc --runs-older-than 30 --delete" does it\.\n$/,
  );
  assert.equal(objectsOf(rig.path('.lockstep')).length, all);
  const rows = loadRows(rig.path('.lockstep/memo')).count;
  const ran = succeeded(await rig.lockstep(['gc', '--runs-older-than', '30', '--delete', '--json']));
  assert.equal(eventOf(ran, 'garbage')['objects'], 6);
  assert.equal(objectsOf(rig.path('.lockstep')).length, all - 6);
  assert.deepEqual(filesBelow(rig.path('.lockstep/runs')), []);
  assert.ok(loadRows(rig.path('.lockstep/memo')).count < rows, 'what is known of them goes with them');
  assert.equal((await rig.lockstep(['gc'])).stdout, NOTHING);
  assert.equal((await rig.lockstep(['status'])).stdout, 'Everything is fresh: 3 stages, nothing to do.\n');
  for (const name of ['copy.txt', 'parts', 'count.txt']) rig.remove(name);
  succeeded(await rig.lockstep(['checkout']));
});

test('the history of runs goes when it is asked to, and what it told of; the cache stays', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['repro']));
  const old = '20200101T000000000-1a2b';
  rig.write(`.lockstep/history/${old}.ndjson`, '');
  rig.write(`.lockstep/history/${old}/copy.log`, 'what it printed\n');
  const before = filesBelow(rig.path('.lockstep'));
  const dry = succeeded(await rig.lockstep(['gc', '--history-older-than', '30']));
  assert.equal(
    dry.stdout,
    'Would remove the history of 1 run; "lockstep gc --history-older-than 30 --delete" does it.\n',
  );
  assert.deepEqual(filesBelow(rig.path('.lockstep')), before);
  const ran = succeeded(await rig.lockstep(['gc', '--history-older-than', '30', '--delete']));
  assert.equal(ran.stdout, 'Removed the history of 1 run.\n');
  const left = before.filter((path) => !path.includes(old));
  assert.equal(left.length, before.length - 2);
  assert.deepEqual(filesBelow(rig.path('.lockstep')), left);
  for (const days of ['1e300', '9e99999'])
    assert.notEqual((await rig.lockstep(['gc', '--history-older-than', days, '--delete'])).code, 70);
  assert.deepEqual(filesBelow(rig.path('.lockstep')), left);
});

test("what HEAD's lock names stays, so that git can go back", async () => {
  const rig = await createDemo();
  git(rig, 'init', '-q');
  git(rig, 'add', '.');
  git(rig, 'commit', '-q', '-m', 'three lines');
  rig.write('in.txt', 'four\n');
  succeeded(await rig.lockstep(['repro']));
  ageRuns(rig);
  const ran = succeeded(await rig.lockstep(['gc', '--runs-older-than', '0', '--delete', '--json']));
  assert.equal(eventOf(ran, 'garbage')['objects'], 0);
  git(rig, 'checkout', '-q', '.');
  succeeded(await rig.lockstep(['checkout']));
  assert.equal(rig.read('count.txt'), '3\n');
});

test("a lock of git's HEAD that cannot be read is told as that one, and a right one that is committed helps", async () => {
  const rig = await createDemo();
  git(rig, 'init', '-q');
  const right = rig.read('pipeline.lock');
  const cases: readonly (readonly [text: string, message: string, hint: string])[] = [
    [`<<<<<<< HEAD\n${right}`, "lock.conflict]: in git's HEAD, pipeline.lock has", 'commit a pipeline.lock'],
    [
      right.replace('stages:', 'stgaes:'),
      "lock.invalid]: in git's HEAD, pipeline.lock is",
      'commit a pipeline.lock',
    ],
    [
      right.replace('lockfile: 1', 'lockfile: 2'),
      "lock.version]: in git's HEAD, pipeline.lock has",
      'use the newer',
    ],
  ];
  for (const [text, message, hint] of cases) {
    rig.write('pipeline.lock', text);
    git(rig, 'add', '-f', 'pipeline.lock');
    git(rig, 'commit', '-q', '-m', 'wrong');
    rig.write('pipeline.lock', right);
    const { code, stderr } = await rig.lockstep(['gc']);
    assert.equal(code, 2);
    // No place: what stands in the file here is right.
    assert.ok(stderr.startsWith(`error[${message}`) && stderr.includes(`\n = hint: ${hint}`), stderr);
  }
  git(rig, 'commit', '-q', '-a', '-m', 'right');
  succeeded(await rig.lockstep(['gc']));
});

test("what HEAD's lock names stays in a hook of git, too, where the project is a folder of the repository", async () => {
  const repository = createRig({});
  git(repository, 'init', '-q');
  const rig = rigAt(repository.path('sub'), { 'pipeline.yaml': 'data: [in]\nstages: {}\n', in: 'old' });
  succeeded(await rig.lockstep(['commit']));
  git(rig, 'add', '.');
  git(rig, 'commit', '-q', '-m', 'old');
  rig.write('in', 'new');
  succeeded(await rig.lockstep(['commit']));
  // As git sets it for the hooks of a linked work tree.
  succeeded(await rig.lockstep(['gc', '--delete'], { env: { GIT_DIR: repository.path('.git') } }));
  git(rig, 'checkout', '-q', '--', 'pipeline.lock');
  succeeded(await rig.lockstep(['checkout']));
  assert.equal(rig.read('in'), 'old');
});

test('tracked inputs of another branch, a tag or a stash stay: no run makes them again', async () => {
  // The project is a folder of the repository.
  const repository = createRig({});
  git(repository, 'init', '-q', '-b', 'main');
  const rig = rigAt(repository.path('sub'), {
    'pipeline.yaml': 'data: [in]\nstages:\n  s: { cmd: ls in > out, deps: [in], outs: [out] }\n',
    'in/a': 'a\n',
  });
  const record = async (file: string, ...how: readonly string[]): Promise<void> => {
    rig.write(`in/${file}`, `${file}\n`);
    succeeded(await rig.lockstep(['repro']));
    git(rig, ...how);
    succeeded(await rig.lockstep(['repro']));
  };
  succeeded(await rig.lockstep(['repro']));
  git(rig, 'add', '.');
  git(rig, 'commit', '-q', '-m', 'base');
  await record('stashed', 'stash', '-q');
  await record('later', 'stash', '-q');
  git(rig, 'checkout', '-q', '-b', 'side');
  await record('tagged', 'commit', '-q', '-a', '-m', 'tagged');
  git(rig, 'tag', '-a', 'v1', '-m', 'v1');
  await record('branched', 'commit', '-q', '-a', '-m', 'branched');
  git(rig, 'checkout', '-q', '--orphan', 'damaged');
  rig.write('pipeline.lock', '<<<<<<< HEAD\n');
  git(rig, 'commit', '-q', '-a', '-m', 'nobody can check out by this lock');
  git(rig, 'checkout', '-q', 'main');
  succeeded(await rig.lockstep(['repro']));
  assert.deepEqual(readdirSync(rig.path('in')), ['a']);
  succeeded(await rig.lockstep(['gc', '--runs-older-than', '0', '--delete']));
  // A branch that has no commit yet takes nothing from the others.
  git(rig, 'symbolic-ref', 'HEAD', 'refs/heads/new');
  succeeded(await rig.lockstep(['gc', '--runs-older-than', '0', '--delete']));
  for (const [name, files] of [
    ['v1', ['a', 'tagged']],
    ['side', ['a', 'branched', 'tagged']],
    ['stash@{1}', ['a', 'stashed']],
    ['stash@{0}', ['a', 'later']],
  ] as const) {
    git(rig, 'checkout', '-q', name, '--', 'pipeline.lock');
    succeeded(await rig.lockstep(['checkout', 'in']));
    assert.deepEqual(readdirSync(rig.path('in')), files, name);
  }
});

for (const { state, prepare, env } of [
  {
    state: 'without a commit',
    prepare: (rig: Rig): void => {
      git(rig, 'init', '-q');
    },
  },
  {
    state: 'whose HEAD has no lock',
    prepare: (rig: Rig): void => {
      git(rig, 'init', '-q');
      git(rig, 'commit', '-q', '-m', 'nothing', '--allow-empty');
    },
  },
  { state: 'that is no repository, where there is no git', prepare: (): void => {}, env: { PATH: '' } },
])
  test(`gc keeps to the lock that is here in a folder ${state}`, async () => {
    const rig = await createDemo();
    prepare(rig);
    assert.equal(succeeded(await rig.lockstep(['gc'], { env: env ?? {} })).stdout, NOTHING);
  });

for (const { fault, spoil, env, why } of [
  {
    fault: 'the repository is damaged',
    spoil: (rig: Rig): void => {
      rig.remove('.git/objects');
    },
    why: /\(fatal: not a git repository/,
  },
  {
    fault: 'the commit is lost',
    spoil: (rig: Rig): void => {
      rig.remove('.git/objects');
      mkdirSync(rig.path('.git/objects'));
    },
    why: /\(fatal: /,
  },
  {
    fault: 'a power cut has emptied the branch',
    spoil: (rig: Rig): void => {
      for (const name of readdirSync(rig.path('.git/refs/heads'))) rig.write(`.git/refs/heads/${name}`, '');
    },
    why: /\(warning: ignoring broken ref refs\/heads\//,
  },
  {
    fault: 'git is not here',
    spoil: (): void => {},
    env: { PATH: '' },
    why: /\(there is a repository, but no git\)/,
  },
])
  test(`what HEAD's lock names is no garbage when ${fault}`, async () => {
    const rig = await createDemo();
    git(rig, 'init', '-q');
    git(rig, 'add', '.');
    git(rig, 'commit', '-q', '-m', 'three lines');
    rig.write('in.txt', 'four\n');
    succeeded(await rig.lockstep(['repro']));
    const before = objectsOf(rig.path('.lockstep')).length;
    spoil(rig);
    const ran = await rig.lockstep(['gc', '--runs-older-than', '0', '--delete'], { env: env ?? {} });
    assert.equal(ran.code, 1, ran.stderr);
    assert.match(ran.stderr, /^error\[git\.failed\]: the locks in git cannot be read \(/);
    assert.match(ran.stderr, why);
    assert.equal(objectsOf(rig.path('.lockstep')).length, before);
  });

test('gc waits until nobody uses the cache, and then sees what was recorded meanwhile', async () => {
  const rig = await createDemo();
  execFileSync('mkfifo', [rig.path('fifo')]);
  rig.write(
    'pipeline.yaml',
    `${rig.read('pipeline.yaml')}  slow: { cmd: "echo holding; cat fifo > slow.txt", outs: [{ slow.txt: { persist: true } }] }\n`,
  );
  const repro = rig.start(['repro', 'slow']);
  await repro.seen('holding');
  const collect = rig.start(['gc', '--delete']);
  await collect.seen('waiting for the cache');
  rig.write('fifo', 'the result\n');
  succeeded(await repro.ended);
  succeeded(await collect.ended);
  rig.remove('slow.txt');
  succeeded(await rig.lockstep(['checkout']));
  assert.equal(
    rig.read('slow.txt'),
    'the result\n',
    'a persisted out is in no run cache, only in the new lock',
  );
});

test('a lock that cannot be read stops gc before anything goes', async () => {
  const rig = await createDemo();
  const before = objectsOf(rig.path('.lockstep')).length;
  rig.write('pipeline.lock', '<<<<<<< ours\n=======\n>>>>>>> theirs\n');
  const ran = await rig.lockstep(['gc', '--delete']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^error\[lock\.conflict\]/);
  assert.equal(objectsOf(rig.path('.lockstep')).length, before);
  assert.ok(existsSync(rig.path('.lockstep/runs')));
});

test('where the list of files of a folder is damaged, gc removes nothing; where it is gone, gc says what that means', async () => {
  const rig = createRig({
    'pipeline.yaml': 'data: [data]\nstages: { s: { cmd: "cat in > out", deps: [in], outs: [out] } }\n',
    'data/a': 'a',
    'data/b': 'b',
    in: '1',
  });
  succeeded(await rig.lockstep(['repro']));
  const [manifest = ''] = objectsOf(rig.path('.lockstep')).filter((path) => path.endsWith('.dir'));
  const before = objectsOf(rig.path('.lockstep'));
  const whole = readFileSync(manifest, 'utf8');
  damage(manifest, `${whole} `);
  for (const args of [['gc'], ['gc', '--delete']]) {
    const ran = await rig.lockstep(args);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /^error\[gc\.damaged\]: the list of files of "data" is damaged/);
    assert.deepEqual(objectsOf(rig.path('.lockstep')), before);
  }
  damage(manifest, whole);
  assert.equal((await rig.lockstep(['gc'])).stdout, NOTHING);
  rmSync(manifest);
  const ran = succeeded(await rig.lockstep(['gc']));
  assert.match(ran.stdout, /^The cache has no list of the files of data: /);
  assert.match(ran.stdout, /\nWould remove 2 objects, 2 B;/);
});

test('a number of days must be one', async () => {
  const rig = await createDemo();
  const ran = await rig.lockstep(['gc', '--runs-older-than', 'a month', '--delete']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^error\[cli\.value\]: "--runs-older-than" takes a number of days, not "a month"/);
});
