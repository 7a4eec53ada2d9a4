import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createRecorder } from '../../src/execute/recorder.ts';
import type { Recorder } from '../../src/execute/recorder.ts';
import { EMPTY_LOCK, LOCKFILE, createLockFormatter, parseLock } from '../../src/record/lockfile.ts';
import { shellResult, tempFolder } from '../record/rig.ts';

function recorderIn(root: string): Recorder {
  return createRecorder({
    root,
    initial: EMPTY_LOCK,
    initialHash: null,
    folder: '',
    readOnly: false,
    onForget: () => undefined,
    requireWorkspace: () => undefined,
  });
}

const THEIRS = createLockFormatter().format({
  stages: new Map(['theirs', 'gone'].map((name) => [name, shellResult(name)])),
  data: [],
});

async function stagesIn(path: string): Promise<readonly string[]> {
  const { stages } = await parseLock(readFileSync(path, 'utf8'));
  return [...stages.keys()].sort();
}

test('a lock that git moves while the disk is waited for keeps all but what was taken in', async () => {
  const root = tempFolder();
  const path = join(root, LOCKFILE);
  const recorder = recorderIn(root);
  recorder.setStage('ours', shellResult('ours'), {
    // Asked for when the disk is.
    get before() {
      writeFileSync(path, THEIRS);
      return [];
    },
  });
  await recorder.flush();
  // Its pipeline may be another one than was read.
  recorder.prune(new Set(['ours', 'theirs']), new Set());
  await recorder.flush();
  assert.deepEqual(await stagesIn(path), ['gone', 'ours', 'theirs']);
});

test('of a lock that was written while the workspace was waited for goes what the pipeline does not have', async () => {
  const root = tempFolder();
  const path = join(root, LOCKFILE);
  const recorder = recorderIn(root);
  writeFileSync(path, THEIRS);
  assert.equal(await recorder.catchUp(), true);
  recorder.setStage('ours', shellResult('ours'));
  recorder.prune(new Set(['ours', 'theirs']), new Set());
  await recorder.flush();
  assert.deepEqual(await stagesIn(path), ['ours', 'theirs']);
});
