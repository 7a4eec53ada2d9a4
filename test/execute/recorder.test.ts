import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createRecorder } from '../../src/execute/recorder.ts';
import { EMPTY_LOCK, LOCKFILE, createLockFormatter, parseLock } from '../../src/record/lockfile.ts';
import { shellResult, tempFolder } from '../record/rig.ts';

test('a lock that git moves while the disk is waited for keeps all but what was taken in', async () => {
  const root = tempFolder();
  const path = join(root, LOCKFILE);
  const recorder = createRecorder({
    root,
    initial: EMPTY_LOCK,
    initialHash: null,
    folder: '',
    readOnly: false,
    onForget: () => undefined,
    requireWorkspace: () => undefined,
  });
  const theirs = createLockFormatter().format({
    stages: new Map([['theirs', shellResult('theirs')]]),
    data: [],
  });
  recorder.setStage('ours', shellResult('ours'), {
    // Asked for when the disk is.
    get before() {
      writeFileSync(path, theirs);
      return [];
    },
  });
  await recorder.flush();
  const lock = await parseLock(readFileSync(path, 'utf8'));
  assert.deepEqual([...lock.stages.keys()].sort(), ['ours', 'theirs']);
});
