import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createExchange } from '../../../src/market/exchange/server.ts';

const BIN = fileURLToPath(new URL('../../../bin/lockstep-exchange.cjs', import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`the command prints its address as one line, serves, and ends with 0 at ${signal}`, async () => {
    const child = spawn(process.execPath, [BIN, '--seed', 'x', '--live-day', '2025-03-10'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout });
    reader.on('line', (line) => lines.push(line));
    await once(reader, 'line');
    assert.match(lines[0] ?? '', /^http:\/\/127\.0\.0\.1:\d+$/);
    const facts = (await (await fetch(`${lines[0]}/world/defects`)).json()) as {
      seed: string;
      live_day: string;
    };
    assert.deepEqual([facts.seed, facts.live_day], ['x', '2025-03-10']);
    const ended = once(child, 'close');
    child.kill(signal);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(lines.length, 1);
  });
}

test('wrong arguments end with 2, the value quoted and a hint', async () => {
  const busy = await createExchange();
  const cases: [string[], string, string][] = [
    [
      ['--port', '70000'],
      '--port "70000" is not a port number (0 to 65535)',
      'lockstep-exchange --help lists the options',
    ],
    [
      ['--live-day', 'today'],
      'live day "today" is not a date YYYY-MM-DD',
      'lockstep-exchange --help lists the options',
    ],
    [
      ['--data', '/nowhere'],
      'folder "/nowhere" cannot be read',
      '--data takes a folder of <SYMBOL>.csv files',
    ],
    [
      ['--seed', 'a', '--data', '.'],
      '--seed names a simulated world and --data replaces it; give one of them',
      'lockstep-exchange --help lists the options',
    ],
    [['--prot', '1'], "Unknown option '--prot'", 'lockstep-exchange --help lists the options'],
  ];
  for (const [args, message, hint] of cases) {
    assert.deepEqual(await run(BIN, ...args), {
      code: 2,
      stdout: '',
      stderr: `lockstep-exchange: ${message}\n  hint: ${hint}\n`,
    });
  }
  const taken = await run(BIN, '--port', new URL(busy.url).port);
  await busy.close();
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, /EADDRINUSE[^]*hint: take another --port, or leave it out for any free one/);
});

test('help goes to standard output and names every option', async () => {
  const { code, stdout, stderr } = await run(BIN, '--help');
  assert.equal(code, 0);
  assert.equal(stderr, '');
  for (const option of ['--port', '--seed', '--data', '--faults', '--live-day'])
    assert.ok(stdout.includes(option));
});

test('an older Node is told which one is needed and how to get it', async () => {
  const older = `Object.defineProperty(process, 'versions', { value: { node: '24.19.0' } }); require(${JSON.stringify(BIN)})`;
  assert.deepEqual(await run('-e', older), {
    code: 2,
    stdout: '',
    stderr:
      'lockstep-exchange: Node 24.20 or newer is needed, but not 25, this is 24.19.0\n' +
      '  hint: `npm ci` puts Node 24 into node_modules; then start it with `npx lockstep-exchange`\n',
  });
});
