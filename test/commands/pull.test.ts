import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import test from 'node:test';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { filesBelow, objectWith, objectsOf } from './objects.ts';
import { cloneOf, createDemo, createPushed, eventOf, jsonOf, succeeded } from './projects.ts';

const MARKETS = `name: markets
data: [lists]
stages:
  fetch: { cmd: "mkdir -p raw/eu; for t in TCS.NS TCS.BO INFY.NS; do echo $t > raw/$t.csv; done; echo 1 > raw/eu/SAP.csv", outs: [raw/] }
  clean: { cmd: "cat raw/*.csv > clean.csv", deps: [raw], outs: [clean.csv] }
  count: { cmd: "wc -l < clean.csv > count.txt; cat lists/a.txt >> count.txt", deps: [clean.csv, lists/a.txt], outs: [count.txt] }
`;

/** Two machines: one that has run and pushed, and a clone without any outs. */
async function createMarkets(): Promise<{ readonly rig: Rig; readonly clone: Rig }> {
  const rig = await createPushed({
    'pipeline.yaml': MARKETS,
    'lists/a.txt': 'a\n',
    'lists/b.txt': 'b\n',
  });
  return { rig, clone: cloneOf(rig, ['raw', 'clean.csv', 'count.txt', 'lists']) };
}

const filesIn = (rig: Rig, folder: string): readonly string[] =>
  filesBelow(rig.path(folder)).map((file) => relative(rig.root, file));

test('--for brings what a stage reads, of directories only those files, and neither its own outs nor anything further up', async () => {
  const { clone } = await createMarkets();
  const dry = succeeded(await clone.lockstep(['pull', '--for', 'count', '--dry-run', '--json']));
  assert.equal(eventOf(dry, 'transfer-finished')['objects'], 2, 'clean.csv and lists/a.txt');
  const ran = succeeded(await clone.lockstep(['pull', '--for', 'count']));
  assert.equal(
    ran.stdout,
    'checked out 1 file of lists\nlists is incomplete: 1 of 2 files here; "lockstep pull lists" brings the rest\nchecked out clean.csv\n',
  );
  assert.ok(!existsSync(clone.path('raw')) && !existsSync(clone.path('count.txt')));
  const both = succeeded(await clone.lockstep(['fetch', '--for', 'clean', '--json']));
  assert.equal(eventOf(both, 'transfer-finished')['objects'], 5, 'four files and the manifest of raw/');
  const wrong = await clone.lockstep(['pull', '--for', 'cuont']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^error\[stage\.unknown\].*\n = hint: did you mean "count"\?/);
});

const PICKERS = `name: pickers
data: [lists, other]
stages:
  make: { cmd: "mkdir -p raw/eu; echo 1 > raw/TCS.csv; echo 2 > raw/INFY.csv; echo 3 > raw/eu/SAP.csv; echo 4 > raw/eu/BMW.csv", outs: [raw/] }
  pick: { cmd: "cat raw/TCS.csv lists/a.txt > pick.txt", deps: [raw/TCS.csv, lists/a.txt], outs: [pick.txt] }
  eu: { cmd: "cat raw/eu/*.csv > eu.txt", deps: [raw/eu], outs: [eu.txt] }
  all: { cmd: "cat raw/*.csv > all.txt", deps: [raw], outs: [all.txt] }
  names: { cmd: "ls lists > names.txt", deps: [lists], outs: [names.txt] }
  rest: { cmd: "cp other/o.txt rest.txt", deps: [other], outs: [rest.txt] }
`;

async function createPickers(): Promise<{ readonly rig: Rig; readonly clone: Rig }> {
  const data = { 'lists/a.txt': 'a\n', 'lists/b.txt': 'b\n', 'other/o.txt': 'o\n' };
  const rig = await createPushed({ 'pipeline.yaml': PICKERS, ...data });
  const outs = ['raw', 'pick.txt', 'eu.txt', 'all.txt', 'names.txt', 'rest.txt'];
  return { rig, clone: cloneOf(rig, [...outs, 'lists', 'other']) };
}

test('what --for brought is enough to run that stage, to the same lock', async () => {
  const { rig, clone } = await createPickers();
  succeeded(await clone.lockstep(['pull', '--for', 'pick']));
  assert.deepEqual([...filesIn(clone, 'raw'), ...filesIn(clone, 'lists')], ['raw/TCS.csv', 'lists/a.txt']);
  succeeded(await clone.lockstep(['repro', 'pick', '--single', '--force']));
  assert.equal(clone.read('pick.txt'), '1\na\n');
  assert.equal(clone.read('pipeline.lock'), rig.read('pipeline.lock'));
  assert.equal((await clone.lockstep(['status', 'pick', '--single', '--quiet'])).code, 1, 'other is missing');
  succeeded(await clone.lockstep(['pull', 'other']));
  succeeded(await clone.lockstep(['status', 'pick', '--single', '--quiet']));
  // A folder in a directory is a part of it too.
  succeeded(await clone.lockstep(['pull', '--for', 'eu']));
  succeeded(await clone.lockstep(['repro', 'eu', '--single', '--force']));
  assert.equal(clone.read('eu.txt'), rig.read('eu.txt'));
  assert.equal(clone.read('pipeline.lock'), rig.read('pipeline.lock'));
});

test('--for brings the whole of a directory of which an older state stands in its place', async () => {
  const { rig, clone } = await createPickers();
  succeeded(await clone.lockstep(['pull']));
  rig.write('lists/b.txt', 'new\n');
  succeeded(await rig.lockstep(['repro']));
  succeeded(await rig.lockstep(['push']));
  clone.write('pipeline.lock', rig.read('pipeline.lock'));
  const { stdout } = succeeded(await clone.lockstep(['pull', '--for', 'pick']));
  assert.match(stdout, /^checked out lists$/m);
  assert.equal(clone.read('lists/b.txt'), 'new\n');
  succeeded(await clone.lockstep(['repro', 'pick', '--single']));
});

test('a stage does not run on less of a directory than it reads, nor on data that are not here', async () => {
  const { rig, clone } = await createPickers();
  const lock = rig.read('pipeline.lock');
  const refusal = async (stage: string, flags: readonly string[] = []): Promise<string> => {
    const ran = await clone.lockstep(['repro', stage, '--single', ...flags]);
    assert.notEqual(ran.code, 0, stage);
    return ran.stderr.split('\n')[0] ?? '';
  };
  succeeded(await clone.lockstep(['pull', '--for', 'pick']));
  succeeded(await clone.lockstep(['pull', 'raw/eu/SAP.csv']));
  const raw = 'error[incomplete.part]: "raw" is here only in part: 2 of 4 files';
  assert.equal(await refusal('all'), raw);
  assert.equal(await refusal('eu'), raw);
  assert.equal(await refusal('names'), 'error[incomplete.part]: "lists" is here only in part: 1 of 2 files');
  const other = 'error[data.missing]: the tracked input "other" is neither here nor in the cache';
  assert.equal(await refusal('rest'), other);
  assert.equal(await refusal('rest', ['--dry-run']), other);
  // What was changed in a part cannot be recorded: nobody could make the whole of it again.
  clone.write('lists/a.txt', 'mine\n');
  assert.equal(await refusal('pick'), 'error[incomplete.part]: "lists" is here only in part: 1 of 2 files');
  assert.equal(clone.read('pipeline.lock'), lock);
  assert.ok(!existsSync(clone.path('all.txt')) && !existsSync(clone.path('names.txt')));
  const [run] = jsonOf(await clone.lockstep(['log', '--json']));
  assert.equal(run?.['outcome'], 'failed', 'nobody has cut it off');
});

test('data that are kept to one machine are to be copied from there, not pulled', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'data: [{ path: own.csv, push: false }]\nstages:\n  size: { cmd: "wc -c < own.csv > size.txt", deps: [own.csv], outs: [size.txt] }\n',
    'own.csv': '1\n',
  });
  succeeded(await rig.lockstep(['repro']));
  rig.remove('own.csv');
  rig.remove('.lockstep');
  const { stderr } = await rig.lockstep(['repro']);
  assert.match(stderr, /^error\[data\.missing\]/);
  assert.match(stderr, / = hint: copy it from the machine that has it \("push: false"\)\n$/);
});

test('data that come back are there for a stage that reads one file of them', async () => {
  const { clone } = await createPickers();
  succeeded(await clone.lockstep(['fetch']));
  succeeded(await clone.lockstep(['repro', 'pick']));
  assert.equal(clone.read('pick.txt'), '1\na\n');
  const { clone: other } = await createPickers();
  succeeded(await other.lockstep(['repro', 'rest', '--single', '--pull', '--dry-run']));
  succeeded(await other.lockstep(['repro', 'pick', '--pull']));
  assert.equal(other.read('lists/a.txt'), 'a\n');
  assert.ok(!existsSync(other.path('other')), 'nobody asked for it');
});

test('a part gives way to the whole, and what was changed in it is kept', async () => {
  const { clone } = await createPickers();
  succeeded(await clone.lockstep(['pull', 'lists/a.txt', 'raw/TCS.csv']));
  assert.equal((await clone.lockstep(['pull', 'lists', 'raw'])).stderr.includes('warning'), false);
  const { clone: other } = await createPickers();
  succeeded(await other.lockstep(['pull', 'lists/a.txt']));
  other.write('lists/a.txt', 'mine\n');
  const { stderr } = succeeded(await other.lockstep(['pull', 'lists']));
  assert.match(stderr, /warning\[out\.kept\]: "lists" had content that was recorded nowhere/);
  assert.ok(objectWith(other.path('.lockstep'), 'mine\n'));
  // Nor is one told that its own stage makes anew, where nobody has fetched the whole.
  succeeded(await other.lockstep(['pull', 'raw/TCS.csv']));
  other.write('pipeline.yaml', PICKERS.replace('echo 1 >', 'echo 5 >'));
  const ran = succeeded(await other.lockstep(['repro', 'eu']));
  assert.equal(ran.stderr.includes('warning'), false);
  assert.equal(other.read('eu.txt'), '4\n3\n');
});

test('what is kept from the remote is no failure of a pull, unless it is asked for by name', async () => {
  const rig = await createDemo({
    'pipeline.yaml': `name: kept
stages:
  mine: { cmd: echo mine > mine.txt, outs: [{ mine.txt: { push: false } }] }
  theirs: { cmd: echo theirs > theirs.txt, outs: [{ theirs.txt: { remote: cold } }] }
  ours: { cmd: echo ours > ours.txt, outs: [ours.txt] }
  reader: { cmd: cat mine.txt > /dev/null, deps: [mine.txt] }
`,
    'remotes.yaml': 'default: origin\nremotes:\n  origin: { url: remote }\n  cold: { url: cold }\n',
  });
  succeeded(await rig.lockstep(['push']));
  const clone = cloneOf(rig, ['mine.txt', 'theirs.txt', 'ours.txt']);
  const only = succeeded(await clone.lockstep(['pull', '--remote', 'origin']));
  assert.equal(
    only.stdout,
    'mine.txt is not here: it is kept to the machine that made it ("push: false")\n' +
      'theirs.txt is not here: it is kept to the remote "cold" alone\nchecked out ours.txt\n',
  );
  const all = succeeded(await clone.lockstep(['pull', '--json']));
  assert.deepEqual(eventOf(all, 'kept'), { type: 'kept', path: 'mine.txt' });
  const named = await clone.lockstep(['pull', 'mine.txt']);
  assert.equal(named.code, 1);
  assert.match(
    named.stderr,
    /^error\[cli\.arguments\]: "mine\.txt" cannot be fetched: it is kept to the machine that made it/m,
  );
  // So is what a stage reads that was named.
  const read = await clone.lockstep(['pull', '--for', 'reader']);
  assert.equal(read.code, 1);
  assert.match(read.stderr, /^error\[cli\.arguments\]: "mine\.txt" cannot be fetched/m);
});

test('status of a clone says what of its data is not here, and judges stages by what is recorded of them', async () => {
  const { clone } = await createPickers();
  succeeded(await clone.lockstep(['pull', 'rest.txt', 'lists/a.txt']));
  const { stdout } = succeeded(await clone.lockstep(['status']));
  assert.match(stdout, /^data lists is here in part\ndata other is missing\n/);
  assert.match(stdout, /^names +would run +out names.txt is missing$/m);
  assert.match(stdout, / 1 fresh\n$/);
  clone.write('lists/a.txt', 'mine\n');
  assert.match((await clone.lockstep(['status', 'names'])).stdout, /^names +would run +dep lists modified$/m);
});

test('a pattern or a path inside a directory brings only those files, and says that the directory is incomplete', async () => {
  const { rig, clone } = await createMarkets();
  const first = succeeded(await clone.lockstep(['pull', 'raw/TCS*.csv']));
  assert.match(first.stderr, /^fetched 2 objects /m);
  assert.equal(
    first.stdout,
    'checked out 2 files of raw\nraw is incomplete: 2 of 4 files here; "lockstep pull raw" brings the rest\n',
  );
  assert.deepEqual(filesIn(clone, 'raw'), ['raw/TCS.BO.csv', 'raw/TCS.NS.csv']);
  const second = succeeded(await clone.lockstep(['pull', './raw/eu/', '--json']));
  assert.deepEqual(eventOf(second, 'checked-out-part'), {
    type: 'checked-out-part',
    path: 'raw',
    made: ['raw/eu/SAP.csv'],
    files: 3,
    of: 4,
  });
  assert.equal(clone.read('raw/TCS.NS.csv'), 'TCS.NS\n');
  const again = succeeded(await clone.lockstep(['pull', 'raw/TCS.NS.csv']));
  assert.match(again.stdout, /^raw is incomplete: 3 of 4 files here/);
  const last = succeeded(await clone.lockstep(['pull', '**/INFY*']));
  assert.match(last.stdout, /raw is complete: 4 files\n$/);
  const status = await clone.lockstep(['status', 'fetch']);
  assert.match(status.stdout, /fresh/, status.stdout + status.stderr);
  assert.deepEqual(filesIn(clone, 'raw'), filesIn(rig, 'raw'));
});

test('a directory that is incomplete is not fresh, not pushed, and not recorded by commit or repro', async () => {
  const { rig, clone } = await createMarkets();
  const lock = rig.read('pipeline.lock');
  succeeded(await clone.lockstep(['pull', 'raw/TCS.NS.csv', 'lists/b.txt']));
  assert.match((await clone.lockstep(['status', 'fetch'])).stdout, /^fetch +would run +out raw/m);
  // A remote that lost everything does not get the part as the whole.
  rmSync(rig.path('remote/files'), { recursive: true });
  const pushed = await clone.lockstep(['push', 'raw']);
  assert.equal(pushed.code, 1);
  assert.ok(
    !existsSync(rig.path('remote/files')) ||
      !objectsOf(rig.path('remote')).some((file) => file.endsWith('.dir')),
  );
  succeeded(await rig.lockstep(['push']));

  succeeded(await clone.lockstep(['pull', 'clean.csv']));
  clone.write('count.txt', 'counted by hand\n');
  const data = await clone.lockstep(['commit', 'count', '--single']);
  assert.equal(data.code, 1);
  assert.match(
    data.stderr,
    /^error\[incomplete\.part\]: "lists" is here only in part: 1 of 2 files\n = hint: bring the rest with "lockstep pull lists"/,
  );
  succeeded(await clone.lockstep(['pull', 'lists']));
  const out = await clone.lockstep(['commit', 'fetch']);
  assert.match(out.stderr, /^error\[incomplete\.part\]: "raw" is here only in part: 1 of 4 files/);
  assert.equal(clone.read('pipeline.lock'), lock);
  assert.ok(!clone.read('pipeline.lock').includes('files: 1\n'));

  succeeded(await clone.lockstep(['pull', 'raw']));
  assert.deepEqual(filesIn(clone, 'raw'), filesIn(rig, 'raw'));
  // What the user takes away from the whole is the user's to record.
  clone.remove('raw/eu');
  succeeded(await clone.lockstep(['commit', 'fetch']));
  assert.match(clone.read('pipeline.lock'), /files: 3$/m);
});

test('a part is not recorded as the whole once the lock has moved either, nor after a gc', async () => {
  const yaml = (files: string): string =>
    `data: [lists]\nstages: { make: { cmd: touch ${files}, outs: [raw/] } }\n`;
  const rig = await createDemo({ 'pipeline.yaml': yaml('raw/a raw/b'), 'lists/a': 'a\n', 'lists/b': 'b\n' });
  succeeded(await rig.lockstep(['push']));
  const clone = cloneOf(rig, ['raw', 'lists']);
  succeeded(await clone.lockstep(['pull', 'raw/a', 'lists/a']));
  rig.write('pipeline.yaml', yaml('raw/a raw/b raw/c'));
  rig.write('lists/c', 'c\n');
  succeeded(await rig.lockstep(['repro']));
  for (const name of ['pipeline.yaml', 'pipeline.lock']) clone.write(name, rig.read(name));
  succeeded(await clone.lockstep(['gc', '--delete']));
  const committed = await clone.lockstep(['commit']);
  assert.equal(committed.code, 1);
  assert.match(committed.stderr, /^error\[incomplete\.part\]: "raw" is here only in part: 1 of 2 files/);
  // Nothing that the stage reads is only in part.
  succeeded(await clone.lockstep(['repro']));
  assert.equal(clone.read('pipeline.lock'), rig.read('pipeline.lock'));
  assert.equal(
    succeeded(await clone.lockstep(['status'])).stdout.split('\n')[0],
    'data lists is as it was before pipeline.lock changed',
  );
});

test('a folder of which a part was pulled is the whole again once that is made or recorded, and what is taken away from it is an edit', async () => {
  const { rig, clone } = await createMarkets();
  succeeded(await clone.lockstep(['pull', 'raw/TCS.NS.csv', 'lists/a.txt']));
  succeeded(await clone.lockstep(['repro', 'fetch']));
  clone.remove('raw/eu');
  succeeded(await clone.lockstep(['commit', 'fetch']));
  assert.match(clone.read('pipeline.lock'), /files: 3$/m);
  clone.write('lists/c.txt', 'c\n');
  assert.match(succeeded(await clone.lockstep(['repro', 'fetch'])).stderr, /^recorded lists$/m);
  assert.notEqual(clone.read('pipeline.lock'), rig.read('pipeline.lock'));
  clone.remove('lists/c.txt');
  assert.match(succeeded(await clone.lockstep(['repro', 'fetch'])).stderr, /^recorded lists$/m);
  assert.deepEqual(filesIn(clone, 'lists'), ['lists/a.txt']);
});

test('what says which directories are incomplete is not believed when it is damaged', async () => {
  const { clone } = await createMarkets();
  succeeded(await clone.lockstep(['pull', 'raw/TCS.NS.csv', 'lists/b.txt']));
  clone.write('.lockstep/incomplete', clone.read('.lockstep/incomplete').replace('lists', 'lasts'));
  const refused = await clone.lockstep(['commit', 'fetch']);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^error\[incomplete\.damaged\].*\n = hint: run "rm \S+\/\.lockstep\/incomplete"/,
  );
  clone.remove('.lockstep/incomplete');
  succeeded(await clone.lockstep(['pull']));
  assert.equal(filesIn(clone, 'lists').length, 2);
});

test('whoever asks what is incomplete ends with 1 where that is damaged: nothing that is written is wrong', async () => {
  const { clone } = await createPickers();
  succeeded(await clone.lockstep(['pull', '--for', 'pick']));
  clone.write('.lockstep/incomplete', 'damaged\n');
  for (const line of ['status pick', 'status --quiet', 'repro pick --dry-run', 'repro pick --single']) {
    const ran = await clone.lockstep(line.split(' '));
    assert.match(ran.stderr, /^error\[incomplete\.damaged\]/, line);
    assert.equal(ran.code, 1, line);
  }
});

test('a part is not mixed into a directory of other content', async () => {
  const { clone } = await createMarkets();
  clone.write('raw/mine.csv', 'mine\n');
  const ran = await clone.lockstep(['pull', 'raw/TCS.NS.csv']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /error\[cli\.arguments\]: "raw" holds something else than pipeline\.lock says/);
  assert.deepEqual(filesIn(clone, 'raw'), ['raw/mine.csv']);
});

test('a pattern takes outs that are files too, and one that means nothing is refused', async () => {
  const { clone } = await createMarkets();
  const ran = succeeded(await clone.lockstep(['pull', 'c*.{csv,txt}']));
  assert.equal(ran.stdout, 'checked out clean.csv\nchecked out count.txt\n');
  const none = await clone.lockstep(['pull', 'raw/WIPRO*']);
  assert.equal(none.code, 2);
  assert.match(
    none.stderr,
    /error\[cli\.arguments\]: no file of "raw" is meant by "raw\/WIPRO\*"\n = hint: there are \d+ files, such as "raw\/[^"]+"; "\*\*" goes through folders\n$/,
  );
  assert.ok(!existsSync(clone.path('raw')));
  assert.equal((await clone.lockstep(['pull', 'nothing/*.csv'])).code, 2);
});

test('a part of which the remote lacks a file brings the others and names that one', async () => {
  const { rig, clone } = await createMarkets();
  rmSync(objectWith(rig.path('remote'), 'TCS.BO\n'));
  const ran = await clone.lockstep(['pull', 'raw/TCS*', '--json']);
  assert.equal(ran.code, 1);
  const told = jsonOf(ran).filter((event) => event['type'] === 'warned');
  assert.deepEqual(
    told.map((event) => (event['problem'] as { message: string }).message),
    ['"raw/TCS.BO.csv" is in pipeline.lock, but the remote does not have all of it'],
  );
  assert.deepEqual(filesIn(clone, 'raw'), ['raw/TCS.NS.csv']);
});

test('a file of a directory that is kept from the remote is refused for that reason', async () => {
  const { rig, clone } = await createMarkets();
  const one = ['pull', 'raw/TCS.NS.csv'];
  clone.write('pipeline.yaml', MARKETS.replace('outs: [raw/]', 'outs: [{ raw/: { push: false } }]'));
  const never = await clone.lockstep(one);
  assert.equal(never.code, 2);
  assert.equal(
    never.stderr,
    'error[cli.arguments]: "raw/TCS.NS.csv" cannot be fetched: "raw" is kept to the machine that made it ("push: false")\n' +
      ' = hint: copy it from the machine that has it; what a stage makes, "lockstep repro" can make again\n',
  );
  clone.write('pipeline.yaml', MARKETS.replace('outs: [raw/]', 'outs: [{ raw/: { remote: cold } }]'));
  const url = rig.path('remote');
  clone.write('remotes.yaml', `default: cold\nremotes:\n  cold: { url: ${url} }\n  other: { url: ${url} }\n`);
  const elsewhere = await clone.lockstep([...one, '--remote', 'other']);
  assert.equal(elsewhere.code, 2);
  assert.equal(
    elsewhere.stderr,
    'error[cli.arguments]: "raw/TCS.NS.csv" cannot be fetched: "raw" is kept to the remote "cold" alone\n' +
      ' = hint: leave --remote out, or name that one\n',
  );
  succeeded(await clone.lockstep(one));
  assert.deepEqual(filesIn(clone, 'raw'), ['raw/TCS.NS.csv']);
});

test('a remote that cannot be had stops nothing of the others: what they have is pushed, pulled and checked out', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n' +
      '  theirs: { cmd: echo theirs > theirs.txt, outs: [{ theirs.txt: { remote: backup } }] }\n' +
      '  ours: { cmd: echo ours > ours.txt, outs: [ours.txt] }\n' +
      '  mine: { cmd: echo mine > mine.txt, outs: [{ mine.txt: { remote: attic } }] }\n',
    'remotes.yaml':
      'default: origin\nremotes:\n  origin: { url: "${env:ORIGIN}" }\n  backup: { url: "${env:BACKUP}" }\n  attic: { url: "${env:ATTIC}" }\n',
  });
  const gone = rig.path('no/such');
  const here = { ORIGIN: rig.path('remote'), BACKUP: rig.path('backup'), ATTIC: rig.path('attic') };
  const unreachable = (name: string): string => `error[remote.unreachable]: remote "${name}": `;
  const half = await rig.lockstep(['push'], { env: { ...here, ORIGIN: gone } });
  assert.equal(half.code, 1);
  assert.ok(half.stderr.includes(unreachable('origin')), half.stderr);
  assert.equal(objectsOf(rig.path('backup')).length, 1);
  assert.equal(objectsOf(rig.path('attic')).length, 1);
  succeeded(await rig.lockstep(['push'], { env: here }));

  const env = { ...here, BACKUP: gone };
  const clone = cloneOf(rig, ['theirs.txt', 'ours.txt', 'mine.txt', 'attic']);
  const pulled = await clone.lockstep(['pull'], { env });
  assert.equal(pulled.code, 1);
  assert.equal(clone.read('ours.txt'), 'ours\n');
  // Each is told, and nothing that is lost with one is told again.
  assert.deepEqual(pulled.stderr.match(/^(error|warning).*?: remote "\w+"|^(error|warning).*/gm), [
    'error[remote.unreachable]: remote "backup"',
  ]);
  const status = await clone.lockstep(['status', '--remote'], { env });
  assert.equal(status.code, 1);
  assert.match(status.stdout, /^Cache and origin are equal/m);
  const verified = await clone.lockstep(['verify', '--remote', 'backup'], { env });
  assert.equal(verified.code, 1);
  assert.equal(verified.stdout, '');
  assert.equal((await clone.lockstep(['fetch', '--json'], { env })).code, 1);
});
