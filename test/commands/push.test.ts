import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import test from 'node:test';
import { dangling } from '../crash/references.ts';
import { fakeS3Yaml, startFakeS3 } from '../remotes/fake-s3.ts';
import { createRig } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';
import { damage, filesBelow, objectWith, objectsOf } from './objects.ts';
import { FILES, MANY, cloneOf, createDemo, eventOf, jsonOf, succeeded } from './projects.ts';

/** Removes an object of the cache, whose outs stay as they are. */
function forget(rig: Rig, text: string): void {
  rmSync(objectWith(rig.path('.lockstep'), text));
}

test('a push sends everything the lock names once, and says so the second time', async () => {
  const rig = await createDemo();
  // copy.txt, three parts and their manifest, count.txt: six objects.
  const first = succeeded(await rig.lockstep(['push']));
  assert.match(
    first.stderr,
    /^pushing 6 objects \((\d+ B)\) to origin\npushed 6 objects \(\1\) to origin\n$/,
  );
  assert.equal(objectsOf(rig.path('remote')).length, 6);
  const second = succeeded(await rig.lockstep(['push']));
  assert.equal(second.stderr, 'nothing pushed to origin, 6 there already\n');
});

test('a dry push counts and sends nothing', async () => {
  const rig = await createDemo();
  const ran = succeeded(await rig.lockstep(['push', '--dry-run', '--json']));
  assert.equal(eventOf(ran, 'transfer-finished')['objects'], 6);
  assert.equal(eventOf(ran, 'transfer-finished')['dryRun'], true);
  const told = succeeded(await rig.lockstep(['push', '--dry-run']));
  // "one\ntwo\nthree\n" as a whole and in three parts, "3\n", and a manifest of three entries.
  const size = 14 + 14 + 2 + 3 * ('{"sha256": "", "relpath": "1.txt"}'.length + 64) + '[, , ]'.length;
  assert.equal(told.stderr, `would push 6 objects (${size} B) to origin\n`);
  assert.throws(() => readdirSync(rig.path('remote')));
});

test('what remotes.yaml takes from the environment is asked for each time and is nowhere on the disk', async () => {
  const rig = await createDemo({ 'remotes.yaml': 'remotes: { store: { url: "${env:STORE}" } }\n' });
  for (const STORE of ['./first-place', './second-place']) {
    succeeded(await rig.lockstep(['push'], { env: { STORE } }));
    assert.equal(objectsOf(rig.path(STORE)).length, 6);
    assert.doesNotMatch(readFileSync(rig.path('.lockstep/snapshot'), 'latin1'), /-place/);
  }
});

test('--jobs says how many objects are under way at once, whatever remotes.yaml says', async () => {
  await using fake = await startFakeS3();
  const rig = await createDemo({ 'remotes.yaml': `${fakeS3Yaml(fake.url)}    jobs: 1\n` });
  const three = Promise.withResolvers<void>();
  fake.hold = () => {
    if (fake.most === 3) three.resolve();
    return three.promise;
  };
  // One at a time would wait for ever: a request that is not answered is not followed by another.
  succeeded(await rig.lockstep(['push', '--jobs', '3'], { env: { FAKE_SECRET: 'x' } }));
  assert.equal(fake.most, 3);
  assert.equal(fake.objects.size, 6);
  const wrong = await rig.lockstep(['push', '--jobs', '0']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^error\[cli\.value\]: "--jobs" takes a whole number from 1 to 1024, not "0"/);
});

test('a push of a stage or a path sends only its objects', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push', 'copy', 'count.txt']));
  assert.equal(objectsOf(rig.path('remote')).length, 2);
  succeeded(await rig.lockstep(['push', './parts/']));
  assert.equal(objectsOf(rig.path('remote')).length, 6);
});

test('an out with push: false never leaves, and one with a remote of its own goes there only', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n' +
      '  mine: { cmd: echo mine > mine.txt, outs: [{ mine.txt: { push: false } }] }\n' +
      '  theirs: { cmd: echo theirs > theirs.txt, outs: [{ theirs.txt: { remote: backup } }] }\n' +
      '  ours: { cmd: echo ours > ours.txt, outs: [ours.txt] }\n',
    'remotes.yaml': 'default: origin\nremotes:\n  origin: { url: remote }\n  backup: { url: backup }\n',
  });
  succeeded(await rig.lockstep(['push', '--run-cache']));
  const texts = (folder: string): readonly string[] =>
    objectsOf(rig.path(folder)).map((file) => readFileSync(file, 'utf8'));
  assert.deepEqual(texts('remote'), ['ours\n']);
  assert.deepEqual(texts('backup'), ['theirs\n']);
  // Their run-cache results keep to the same places: one each, none for the out that never leaves.
  assert.equal(readdirSync(rig.path('remote/runs')).length, 1);
  assert.equal(readdirSync(rig.path('backup/runs')).length, 1);
  rmSync(rig.path('backup'), { recursive: true });
  succeeded(await rig.lockstep(['push', '--remote', 'origin']));
  assert.throws(() => readdirSync(rig.path('backup')));
});

test('a past result that the remote has otherwise is replaced, whatever its size, and one that is damaged is told and healed', async () => {
  const rig = createRig({
    'pipeline.yaml': 'name: a\nstages:\n  a: { cmd: cat in > out, deps: [in], outs: [out] }\n',
    'remotes.yaml': 'remotes:\n  origin: { url: remote }\n',
    in: 'hi',
  });
  succeeded(await rig.lockstep(['repro']));
  succeeded(await rig.lockstep(['push', '--run-cache']));
  const [entry = ''] = filesBelow(rig.path('remote/runs'));
  const before = readFileSync(entry, 'utf8');
  rig.remove('out');
  rig.write('out', 'HI');
  succeeded(await rig.lockstep(['commit', 'a']));
  const again = succeeded(await rig.lockstep(['push', '--run-cache']));
  assert.match(again.stderr, /^pushed 2 objects .*$/m);
  const sent = readFileSync(entry, 'utf8');
  assert.equal(sent.length, before.length);
  assert.notEqual(sent, before);
  assert.match(succeeded(await rig.lockstep(['push', '--run-cache'])).stderr, /^nothing pushed/);

  const key = relative(rig.path('remote'), entry);
  const told = `the past result "${key}" is not what its name says (remote "origin")`;
  damage(entry, sent.replace('cat in', 'cat on'));
  const verified = await rig.lockstep(['verify', '--remote', 'origin', '--read-data']);
  assert.equal(verified.code, 1);
  assert.ok(verified.stderr.startsWith(`error[remote.corrupt]: ${told}\n`), verified.stderr);
  assert.match(verified.stdout, /1 past result, .*: 1 problem\.\n$/);
  assert.equal(succeeded(await rig.lockstep(['verify', '--remote', 'origin'])).stderr, '');
  const clone = cloneOf(rig, ['out']);
  const fetched = succeeded(await clone.lockstep(['fetch', '--run-cache']));
  assert.ok(fetched.stderr.includes(`warning[remote.corrupt]: ${told}\n`), fetched.stderr);
  succeeded(await rig.lockstep(['push', '--run-cache']));
  assert.equal(readFileSync(entry, 'utf8'), sent);
  assert.match(
    succeeded(await rig.lockstep(['verify', '--remote', 'origin', '--read-data'])).stdout,
    /1 past result, .*: all good\.\n$/,
  );
});

test('what is kept from the remote is refused where it alone is named, whatever is to be done there', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n' +
      '  mine: { cmd: echo mine > mine.txt, outs: [{ mine.txt: { push: false } }] }\n' +
      '  theirs: { cmd: echo theirs > theirs.txt, outs: [{ theirs.txt: { remote: backup } }] }\n' +
      '  both: { cmd: echo a > a.txt && echo b > b.txt, outs: [a.txt, { b.txt: { push: false } }] }\n',
    'remotes.yaml': 'default: origin\nremotes:\n  origin: { url: remote }\n  backup: { url: backup }\n',
  });
  const refusals: readonly (readonly [args: readonly string[], told: string])[] = [
    [['mine.txt'], '"mine.txt" cannot be X: it is kept to the machine that made it ("push: false")'],
    [['a.txt', './mine.txt'], 'mine.txt" cannot be X: '],
    [['theirs.txt', '-r', 'origin'], '"theirs.txt" cannot be X: it is kept to the remote "backup" alone'],
  ];
  const clone = cloneOf(rig, ['mine.txt', 'theirs.txt', 'a.txt', 'b.txt']);
  for (const [args, told] of refusals) {
    const pushed = await rig.lockstep(['push', ...args]);
    assert.equal(pushed.code, 2, args.join(' '));
    assert.ok(pushed.stderr.includes(told.replace('X', 'pushed')), pushed.stderr);
    const fetched = await clone.lockstep(['fetch', ...args]);
    assert.equal(fetched.code, 1, args.join(' '));
    assert.ok(fetched.stderr.includes(told.replace('X', 'fetched')), fetched.stderr);
    const dry = await clone.lockstep(['pull', '--dry-run', ...args]);
    assert.equal(dry.code, 1, args.join(' '));
    assert.ok(dry.stderr.includes(told.replace('X', 'fetched')), dry.stderr);
    const verified = await rig.lockstep([
      'verify',
      '-r',
      'origin',
      ...args.filter((word) => word.endsWith('.txt')),
    ]);
    assert.equal(verified.code, 2, args.join(' '));
    assert.ok(verified.stderr.includes(told.replace('X', 'verified there')), verified.stderr);
  }
  assert.match((await rig.lockstep(['push', 'mine'])).stderr, /"mine" cannot be pushed: "mine\.txt" is kept/);
  assert.throws(() => readdirSync(rig.path('remote/files')), 'before anything moves');
  succeeded(await rig.lockstep(['push', 'both', 'theirs']));
  assert.equal(objectsOf(rig.path('remote')).length, 1);
  // Whoever has it need not be told.
  succeeded(await rig.lockstep(['fetch', 'mine.txt']));
});

test('where nothing has been recorded, that is said', async () => {
  const rig = createRig({ ...FILES, 'remotes.yaml': 'remotes:\n  origin: { url: remote }\n' });
  for (const command of ['push', 'fetch', 'pull']) {
    const { stderr } = succeeded(await rig.lockstep([command]));
    assert.match(
      stderr,
      /^warning\[lock\.empty\]: pipeline\.lock names no outs and no data of this pipeline/m,
      command,
    );
  }
});

test('an object that was cut off on the remote is sent again', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push']));
  const cut = objectWith(rig.path('remote'), 'one\ntwo\nthree\n');
  damage(cut, 'one\n');
  assert.match((await rig.lockstep(['status', '--remote'])).stdout, /^copy\.txt +only here +1 object /);
  const ran = succeeded(await rig.lockstep(['push', '--json']));
  assert.equal(eventOf(ran, 'transfer-finished')['objects'], 1);
  assert.equal(readFileSync(cut, 'utf8'), 'one\ntwo\nthree\n');
});

test('a corrupted local object is not sent, nor the manifest that names it; the rest is', async () => {
  const rig = await createDemo();
  damage(objectWith(rig.path('.lockstep'), 'two\n'), 'TWO\n');
  const ran = await rig.lockstep(['push']);
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /warning\[push\.missing\]: "parts" is in pipeline\.lock, but neither/);
  const sent = objectsOf(rig.path('remote'));
  assert.equal(sent.length, 4, 'copy.txt, two parts, count.txt');
  assert.ok(!sent.some((file) => file.endsWith('.dir')));
});

test('a local object that was cut off says nothing against the one that the remote has', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push']));
  rig.write('in.txt', 'two\nthree\nfour\n');
  succeeded(await rig.lockstep(['repro']));
  damage(objectWith(rig.path('.lockstep'), 'two\n'), 't');
  const ran = succeeded(await rig.lockstep(['push']));
  assert.match(
    ran.stderr,
    /^warning\[object\.corrupt\]: .*\n.*\npushed 3 objects \([^)]*\) to origin, 2 there already\n$/m,
  );
  assert.deepEqual(dangling(rig.path('remote')), []);
  objectWith(rig.path('remote'), 'two\n');
});

test('what is missing here and there is named, exit 1; what is missing only here is no concern', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push', 'copy']));
  forget(rig, 'one\ntwo\nthree\n');
  forget(rig, 'three\n');
  const ran = await rig.lockstep(['push', '--json']);
  assert.equal(ran.code, 1);
  const warned = jsonOf(ran).filter((event) => event['type'] === 'warned');
  assert.deepEqual(
    warned.map((event) => (event['problem'] as { message: string }).message),
    [`"parts" is in pipeline.lock, but neither this machine's cache nor the remote has all of it`],
  );
});

test('what neither side has is had again as the hint and then verify say, and pushed', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\ndata: [data/]\nstages:\n  copy: { cmd: cat data/* > copy.txt, deps: [data/], outs: [copy.txt] }\n',
    'data/a.txt': 'a\n',
    'data/b.txt': 'b\n',
  });
  rig.remove('.lockstep/files');
  const ran = await rig.lockstep(['push']);
  assert.equal(ran.code, 1);
  const told = [...ran.stderr.matchAll(/ = hint: "lockstep (verify \S+)" says how/g)].map(
    (one) => one[1] ?? '',
  );
  assert.deepEqual(told.sort(), ['verify copy.txt', 'verify data']);
  for (const words of told) {
    const { stderr } = await rig.lockstep(words.split(' '));
    const repro = /"lockstep (repro [^"]*)" makes it again/.exec(stderr)?.[1];
    if (repro === undefined) assert.match(stderr, /its bytes were put back/);
    else succeeded(await rig.lockstep(repro.split(' ')));
  }
  succeeded(await rig.lockstep(['push']));
  assert.equal(objectsOf(rig.path('remote')).length, 4);
});

test('without a remote, with an unset variable, or where nothing can be written, the error says why', async () => {
  const rig = await createDemo({ 'remotes.yaml': '' });
  assert.match(
    (await rig.lockstep(['push'])).stderr,
    /^error\[remote\.none\]: this project has no remote\n = hint: add one/,
  );
  rig.write('remotes.yaml', 'remotes:\n  a: { url: "${env:NO_SUCH_PLACE}" }\n  b: { url: remote }\n');
  const none = await rig.lockstep(['push']);
  assert.equal(none.code, 2);
  assert.match(
    none.stderr,
    /^error\[remote\.none\]: remotes\.yaml names no default remote\n = hint: name one with --remote \(a, b\)/,
  );
  const unset = await rig.lockstep(['push', '--remote', 'a']);
  assert.equal(unset.code, 2);
  assert.match(unset.stderr, /NO_SUCH_PLACE/);
  assert.match(unset.stderr, /--> remotes\.yaml:2:/);
  succeeded(await rig.lockstep(['push', '--remote', 'b']));
  rig.write('remotes.yaml', 'remotes:\n  c: { url: no/such/share }\n');
  const gone = await rig.lockstep(['push']);
  assert.equal(gone.code, 1);
  assert.match(
    gone.stderr,
    /^error\[remote\.unreachable\]: remote "c": there is no folder ".*no\/such\/share"\n = hint: mount the share it belongs to, make the folder above it, or correct the url in remotes\.yaml\n/,
  );
  rig.write('remotes.yaml', 'remotes:\n  d: { url: in.txt }\n');
  const file = await rig.lockstep(['push']);
  assert.equal(file.code, 1);
  assert.match(
    file.stderr,
    /^error\[remote\.unreachable\]: remote "d": ".*in\.txt" is a file\n = hint: correct the url/,
  );
  rig.write('remotes.yaml', 'remotes:\n  d: { url: in.txt/store }\n');
  assert.match(
    (await rig.lockstep(['push'])).stderr,
    /^error\[remote\.unreachable\]: remote "d": there is no folder/,
  );
});

test('a folder that the project keeps its own files in, or that nobody meant, is no remote', async () => {
  const rig = await createDemo({ 'remotes.yaml': 'remotes: { store: { url: "${env:REM}" } }\n' });
  const before = readdirSync(rig.root);
  const refused: readonly (readonly [REM: string, told: string, env?: Record<string, string>])[] = [
    ['.', 'its folder is the project itself'],
    [`${rig.root}/`, 'its folder is the project itself'],
    ['.lockstep', 'its folder lies in ".lockstep"'],
    ['./parts/../.lockstep/store', 'its folder lies in ".lockstep"'],
    ['parts', 'its folder lies in "parts"'],
    [rig.path('parts/store'), 'its folder lies in "parts"'],
    ['~/store', 'its url begins with "~", and HOME is not set', { HOME: '' }],
    ['~', 'its folder is the project itself', { HOME: rig.root }],
  ];
  for (const [REM, told, env] of refused) {
    const ran = await rig.lockstep(['push'], { env: { REM, ...env } });
    assert.equal(ran.code, 2, REM);
    assert.ok(ran.stderr.startsWith(`error[remote.option]: remote "store": ${told}\n`), ran.stderr);
  }
  assert.deepEqual(readdirSync(rig.root), before);
  // No name that only begins alike.
  succeeded(await rig.lockstep(['push'], { env: { REM: 'parts-store' } }));
});

test('what is wrong with one remote is told before anything moves to another', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n' +
      '  ours: { cmd: echo ours > ours.txt, outs: [ours.txt] }\n' +
      '  theirs: { cmd: echo theirs > theirs.txt, outs: [{ theirs.txt: { remote: constructor } }] }\n',
    'remotes.yaml': 'default: origin\nremotes:\n  origin: { url: remote }\n',
  });
  // A name that every object inherits is none of remotes.yaml.
  const unknown = await rig.lockstep(['push']);
  assert.match(unknown.stderr, /^error\[remote\.unknown\]: there is no remote "constructor"/);
  rig.write('remotes.yaml', `${rig.read('remotes.yaml')}  constructor: { url: "\${env:NO_SUCH_PLACE}" }\n`);
  const unset = await rig.lockstep(['push']);
  assert.match(unset.stderr, /^error\[remotes\.env\]: the remote "constructor" needs/);
  assert.throws(() => readdirSync(rig.path('remote')));
});

test('a read-only remote refuses a push before anything is asked of it', async () => {
  const rig = await createDemo({ 'remotes.yaml': 'remotes:\n  web: { url: "http://127.0.0.1:9/none" }\n' });
  const ran = await rig.lockstep(['push']);
  assert.equal(ran.code, 2);
  assert.equal(
    ran.stderr,
    'error[remote.read-only]: the remote "web" can only be read\n = hint: name another one with --remote\n',
  );
});

test('a push that is interrupted or killed midway leaves no manifest without its files, and the next one ends it', async () => {
  const rig = await createDemo({ 'pipeline.yaml': MANY });
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const running = rig.start(['push', '--json']);
    await running.seen('"transfer-progressed"');
    running.process.kill(signal);
    const ran = await running.ended;
    assert.equal(signal === 'SIGINT' ? ran.code : ran.signal, signal === 'SIGINT' ? 130 : 'SIGKILL');
    assert.ok(!objectsOf(rig.path('remote')).some((file) => file.endsWith('.dir')), signal);
  }
  const before = objectsOf(rig.path('remote')).length;
  assert.ok(before > 0 && before < 300, `what was sent before Ctrl-C stays sent: ${before} of 300`);
  const rest = succeeded(await rig.lockstep(['push', '--json']));
  assert.equal(eventOf(rest, 'transfer-finished')['objects'], 301 - before);
  assert.equal(objectsOf(rig.path('remote')).length, 301);
  const clone = cloneOf(rig, ['many']);
  succeeded(await clone.lockstep(['pull']));
  assert.equal(readdirSync(clone.path('many')).length, 300);
  assert.deepEqual(clone.bytes('many/123'), rig.bytes('many/123'));
  for (const file of objectsOf(rig.path('remote')))
    assert.equal(statSync(file).nlink, 1, 'a remote shares no inode with the cache');
});

test('an out that git keeps need be in no cache, so a fresh clone is not blamed for it', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  both:
    cmd: echo kept > metric.json && echo sent > data.txt
    outs: [{ metric.json: { cache: false } }, data.txt]
`,
    'remotes.yaml': 'remotes: { store: { url: ./remote } }\n',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal((await rig.lockstep(['push'])).code, 0);
  const metric = rig.read('metric.json');
  for (const name of ['.lockstep', 'data.txt', 'remote']) rig.remove(name);
  rig.write('metric.json', metric);

  const pushed = await rig.lockstep(['push']);
  assert.equal(pushed.code, 1);
  assert.match(pushed.stderr, /"data\.txt" is in pipeline\.lock/);
  assert.doesNotMatch(pushed.stderr, /metric\.json/);
});

test('one large object to or from a folder is told of while it is on its way', async () => {
  const rig = await createDemo({
    'pipeline.yaml': 'name: a\nstages:\n  big: { cmd: "head -c 6291456 /dev/zero > big", outs: [big] }\n',
  });
  const steps = (ran: Ran): readonly unknown[] =>
    jsonOf(ran).flatMap((event) => (event['type'] === 'transfer-progressed' ? [event['size']] : []));
  const inSteps = [1, 2, 3, 4, 5, 6, 6].map((mib) => mib * 1024 * 1024);
  assert.deepEqual(steps(succeeded(await rig.lockstep(['push', '--json']))), inSteps);
  const clone = cloneOf(rig, ['big']);
  assert.deepEqual(steps(succeeded(await clone.lockstep(['fetch', '--json']))), inSteps);
});
