import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createLauncher } from '../../src/io/launcher.ts';
import type { Launcher } from '../../src/io/launcher.ts';
import type { Group, Leader } from '../../src/io/process-group.ts';
import { processStart } from '../../src/io/process-id.ts';
import { MARK, isGroupAlive } from '../../src/io/process.ts';
import { tempFolder } from '../record/rig.ts';
import { REPOSITORY } from '../rig.ts';

const LINUX = { skip: process.platform !== 'linux' && 'needs /proc' };
const ENTRY = join(REPOSITORY, 'src', 'io', 'launcher-process.ts');

interface Shell {
  readonly group: Group;
  readonly leader: () => Leader | undefined;
  readonly output: () => string;
  /** Resolves with the first chunk of output. */
  readonly spoken: Promise<void>;
}

let count = 0;

function startShell(launcher: Launcher, script: string): Shell {
  let output = '';
  let leader: Leader | undefined;
  let speak: () => void = () => undefined;
  const spoken = new Promise<void>((resolve) => (speak = resolve));
  const env = { PATH: process.env['PATH'] ?? '', [MARK]: `launched-${process.pid}-${count++}` };
  const group = launcher.start(
    { command: '/bin/sh', args: ['-c', script], cwd: '/', env },
    {
      onStarted: (started) => (leader = started),
      onOutput: (_, chunk) => {
        output += chunk;
        speak();
        return undefined;
      },
      onMessage: () => undefined,
    },
  );
  return { group, leader: () => leader, output: () => output, spoken };
}

test('many groups at once tell their output before their end', LINUX, async () => {
  const launcher = createLauncher({ entry: ENTRY, env: {} });
  const texts = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(100_000));
  const shells = texts.map((text) => startShell(launcher, `head -c 100000 /dev/zero | tr '\\0' ${text[0]}`));
  const endings = await Promise.all(shells.map(({ group }) => group.ended));
  launcher.close();
  assert.deepEqual(
    endings.map(({ exitCode }) => exitCode),
    texts.map(() => 0),
  );
  assert.ok(shells.every(({ output }, index) => output() === texts[index]));
});

test('a program that is not there is an ending, and the next one starts', LINUX, async () => {
  const launcher = createLauncher({ entry: ENTRY, env: {} });
  const missing = launcher.start(
    { command: '/no/such/program', args: [], cwd: '/', env: {} },
    {
      onStarted: () => assert.fail('it has no leader'),
      onOutput: () => undefined,
      onMessage: () => undefined,
    },
  );
  assert.equal((await missing.ended).startError, 'ENOENT');
  const { group } = startShell(launcher, 'exit 4');
  assert.equal((await group.ended).exitCode, 4);
  launcher.close();
});

test(
  'when the launcher is killed its groups are ended, told as killed, and the next start works',
  LINUX,
  async () => {
    const launcher = createLauncher({ entry: ENTRY, env: {} });
    const { group, leader, output, spoken } = startShell(launcher, 'echo "$PPID"; exec sleep 600');
    await spoken;
    process.kill(Number(output()), 'SIGKILL');
    assert.equal((await group.ended).signal, 'SIGKILL');
    assert.equal(isGroupAlive(leader()?.pid ?? 0), false);
    const next = startShell(launcher, 'exit 5');
    assert.equal((await next.group.ended).exitCode, 5);
    launcher.close();
  },
);

test('a launcher that hangs at its start is ended with what it was asked for', LINUX, async () => {
  const entry = join(tempFolder(), 'hanging.mjs');
  writeFileSync(entry, 'setInterval(() => undefined, 1_000_000);');
  const { group } = startShell(createLauncher({ entry, env: {} }), 'exit 4');
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) group.signal(signal);
  assert.deepEqual(await group.ended, { startError: 'the launcher ended' });
});

test('when the runner is killed its stage processes are ended at once', LINUX, async () => {
  const runner = `import { createLauncher } from ${JSON.stringify(join(REPOSITORY, 'src', 'io', 'launcher.ts'))};
    const launcher = createLauncher({ entry: ${JSON.stringify(ENTRY)}, env: {} });
    const script = 'trap "" TERM INT; echo $PPID; while :; do sleep 600; done';
    let leader;
    launcher.start(
      { command: '/bin/sh', args: ['-c', script], cwd: '/', env: { PATH: process.env.PATH } },
      {
        onStarted: ({ pid }) => (leader = pid),
        onOutput: (_, chunk) => void console.log(leader + ' ' + chunk.trim()),
        onMessage: () => undefined,
      },
    );`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', runner], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const [leader = 0, launcher = 0] = line.split(' ').map(Number);
  assert.ok(isGroupAlive(leader) && processStart(launcher) !== undefined, line);
  const gone = watchUntilGone(launcher);
  child.kill('SIGKILL');
  await gone;
  assert.equal(isGroupAlive(leader), false);
});

/** Resolves when a process that is not our child has ended. */
async function watchUntilGone(pid: number): Promise<void> {
  const tail = spawn('tail', [`--pid=${pid}`, '-f', '/dev/null'], { stdio: 'ignore' });
  await once(tail, 'exit');
}
