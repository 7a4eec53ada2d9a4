import assert from 'node:assert/strict';
import test from 'node:test';
import { cloneOf, createDemo, eventOf, succeeded } from './projects.ts';

test('a path or a pattern that means nothing is told with what it may have meant', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push']));
  for (const [word, said] of [
    [
      'parts/2.tx',
      'error[cli.arguments]: no file of "parts" is meant by "parts/2.tx"\n = hint: did you mean "parts/2.txt"?\n',
    ],
    ['parts/*.csv', ' = hint: there are 3 files, such as "parts/1.txt"; "**" goes through folders\n'],
    [
      'parst/',
      'error[stage.unknown]: no stage, out or data is called "parst/"\n = hint: did you mean "parts"?\n',
    ],
    ['coyp.txt', ' = hint: did you mean "copy.txt"?\n'],
    ['spilt', 'error[stage.unknown]: there is no stage "spilt"\n = hint: did you mean "split"?\n'],
  ] as const) {
    const ran = await rig.lockstep(['pull', word]);
    assert.equal(ran.code, 2, word);
    assert.ok(ran.stderr.endsWith(said), ran.stderr);
  }
});

test('a clone that has nothing of a directory lacks nothing that the remote has', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push']));
  const clone = cloneOf(rig);
  const empty = succeeded(await clone.lockstep(['push', '--json']));
  assert.deepEqual(
    ['objects', 'present', 'missing'].map((name) => eventOf(empty, 'transfer-finished')[name]),
    [0, 3, 0],
  );
  succeeded(await clone.lockstep(['pull', 'parts/2.txt']));
  succeeded(await clone.lockstep(['push']));

  rig.remove('remote');
  const gone = await clone.lockstep(['push', '--json']);
  assert.equal(gone.code, 1);
  // The one file goes up again; the list of the directory does not, because the others are nowhere.
  assert.deepEqual(
    ['objects', 'present', 'missing'].map((name) => eventOf(gone, 'transfer-finished')[name]),
    [1, 0, 3],
  );
});
