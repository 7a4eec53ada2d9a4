import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import type { Command } from '../../src/commands/command.ts';
import { COMMANDS } from '../../src/commands/index.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { git, putCommand, shellEnv, succeeded } from './projects.ts';

const RUN = '20260317T103000123-1a2b';

/** A project in which every example makes sense: a stage `features`, an out `data/raw`, an input, remotes, a run. */
async function createProject(): Promise<Rig> {
  const rig = createRig({
    'pipeline.yaml':
      'name: a\ndata: [data/holidays.csv]\nstages:\n' +
      '  fetch: { cmd: "echo 1 > data/raw/1.csv", outs: [data/raw/] }\n' +
      '  features: { cmd: "cat data/raw/*.csv > features.npy", deps: [data/raw], outs: [features.npy] }\n',
    'data/holidays.csv': '2026-01-26\n',
    'remotes.yaml':
      'default: origin\nremotes:\n  origin: { url: remote }\n  backup: { url: backup }\n  storage: { url: storage }\n',
  });
  putCommand(rig);
  git(rig, 'init', '-q', '-b', 'main');
  git(rig, 'add', 'pipeline.yaml', 'remotes.yaml');
  git(rig, 'commit', '-q', '-m', 'first');
  succeeded(await rig.lockstep(['repro']));
  succeeded(await rig.lockstep(['push', '--run-cache']));
  for (const name of ['backup', 'storage']) succeeded(await rig.lockstep(['push', '-r', name]));
  rig.write(
    `.lockstep/history/${RUN}.ndjson`,
    `{"v":1,"at":1,"type":"run-started","run":"${RUN}","command":"lockstep repro","pipeline":"a","stages":0}\n`,
  );
  return rig;
}

function runLine(rig: Rig, line: string): Promise<{ code: number | null; text: string }> {
  const env = shellEnv(rig);
  const child = spawn('sh', ['-c', line], { cwd: rig.root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const hear = (chunk: string): void => {
    text += chunk;
    // A watch has no end of its own.
    if (text.includes('Watching; Ctrl-C ends.')) child.kill('SIGINT');
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })));
}

test('every example in the help of every command works as it stands', async () => {
  const rig = await createProject();
  let count = 0;
  // The remotes that examples add are not of this world: nothing may use them after that.
  const last = [...COMMANDS].sort(([a], [b]) => Number(a === 'remote') - Number(b === 'remote'));
  for (const [name, load] of last) {
    // Its lines are for the start files of several shells, which a test has not.
    if (name === 'completion') continue;
    const { default: command } = (await load()) as { default: Command };
    assert.ok(command.examples.length > 0, name);
    for (const example of command.examples) {
      // `exec` lets the signal reach a watch and not only its shell.
      const line = example.startsWith('lockstep watch') ? `exec ${example}` : example;
      const { code, text } = await runLine(rig, line);
      assert.equal(code, 0, `${example}\n${text}`);
      count++;
    }
  }
  assert.ok(count >= COMMANDS.size - 1);
});
