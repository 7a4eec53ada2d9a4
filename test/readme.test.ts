import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { cloneRepository } from './newcomer.ts';
import { CLI, REPOSITORY, cleanEnv } from './rig.ts';

interface Block {
  readonly language: string;
  readonly text: string;
  /** Of its opening fence, from 1. */
  readonly line: number;
}

/** What is shown and not run here, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm ci': 'it needs the registry; the packages of this very checkout are linked instead',
};

/** Shown alone, it answers until it is stopped. */
const LASTING = /^npx lockstep-exchange /;

const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');

function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1] ?? '',
    text: match[2] ?? '',
    line: markdown.slice(0, match.index).split('\n').length,
  }));
}

/** A newcomer's clone, with the packages that `npm ci` would have put there, in a folder of its own. */
function clone(): string {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-readme-')));
  after(() => rmSync(home, { recursive: true, force: true }));
  const root = join(home, 'project');
  cloneRepository(root);
  return root;
}

function envIn(root: string): Record<string, string> {
  const home = join(root, '..');
  return cleanEnv({
    HOME: home,
    npm_config_cache: join(home, '.npm'),
    npm_config_offline: 'true',
    // Offline or not, it would ask the registry for a newer npm, and print what it hears.
    npm_config_update_notifier: 'false',
    // npm's word on a Node older than the one in node_modules/.bin, which then runs.
    npm_config_loglevel: 'error',
  });
}

/** Runs lines as a shell does, both streams as they come, and gives what a terminal would show. */
async function runLines(lines: readonly string[], root: string): Promise<string> {
  const child = spawn('sh', ['-ec', ['exec 2>&1', ...lines].join('\n')], {
    cwd: root,
    env: envIn(root),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  assert.equal(code, 0, `"${lines.join('; ')}" ended with ${code}:\n${text}`);
  return text;
}

/** Runs a command that lasts, hands its first line to `use`, and ends the group of processes that it started. */
async function runLasting(
  command: string,
  root: string,
  use: (line: string) => Promise<void>,
): Promise<string> {
  const child = spawn('sh', ['-c', `exec ${command}`], {
    cwd: root,
    env: envIn(root),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value } = await lines.next();
    assert.equal(typeof value, 'string', `"${command}" ended without a line`);
    await use(String(value));
    return `${value}\n`;
  } finally {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await closed;
  }
}

/** Durations and ports are what may differ between two runs. */
function normalise(text: string): string {
  return text
    .replaceAll(/\b\d+(?:\.\d+)?(?:ms|s)\b/g, 'TIME')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT');
}

test('what the README shows is what its commands print, in a fresh clone and in this order', async (t) => {
  const root = clone();
  const blocks = blocksOf(README);
  let compared = 0;
  for (const [index, block] of blocks.entries()) {
    if (block.language !== 'sh') continue;
    const all = block.text.trimEnd().split('\n');
    for (const line of all) if (NOT_RUN[line]) t.diagnostic(`"${line}" is not run: ${NOT_RUN[line]}`);
    const lines = all.filter((line) => NOT_RUN[line] === undefined);
    const [only] = lines;
    if (only === undefined) continue;
    const next = blocks[index + 1];
    assert.ok(next?.language === 'text', `README.md:${block.line}: no output is shown for these commands`);
    const printed =
      lines.length === 1 && LASTING.test(only)
        ? await runLasting(only, root, async (address) => {
            const params = join(root, 'params.yaml');
            const before = readFileSync(params, 'utf8');
            writeFileSync(params, before.replace('source: simulated', `source: ${address}`));
            const text = await runLines(['npx lockstep repro'], root);
            assert.match(text, /3 stages: 3 ran/);
            const report = readFileSync(join(root, 'reports', 'fetch_report.json'), 'utf8');
            assert.match(report, /"source": "exchange"/);
            writeFileSync(params, before);
            assert.match(await runLines(['npx lockstep repro'], root), /3 stages: 3 restored/);
          })
        : await runLines(lines, root);
    assert.equal(normalise(printed), normalise(next.text), `README.md:${block.line}`);
    compared += 1;
  }
  assert.ok(compared >= 4, `only ${compared} blocks were compared`);
  for (const report of ['fetch_report', 'data_quality_report']) {
    assert.match(readFileSync(join(root, 'reports', `${report}.json`), 'utf8'), /"source": "simulated"/);
  }

  const excerpt = blocks.find((block) => block.language === 'yaml' && block.text.includes('run:'));
  const made = readFileSync(join(root, '..', 'words', 'pipeline.yaml'), 'utf8');
  assert.ok(excerpt && made.includes(excerpt.text), 'the excerpt is not what init writes');
});

test('the README lists every command as the program describes it', async () => {
  const help = await runLines([`node ${CLI} --help`], REPOSITORY);
  const told = [...help.matchAll(/^ {2}([a-z]+) {2,}(.+)$/gm)].map(([, name, summary]) => [name, summary]);
  const shown = [...README.matchAll(/^\| `([a-z]+)` \| (.+) \|$/gm)].map(([, name, what]) => [name, what]);
  assert.ok(told.length > 0);
  assert.deepEqual(shown, told);
});

test('the settings that the README names are in params.yaml, once each', () => {
  const params = readFileSync(join(REPOSITORY, 'params.yaml'), 'utf8');
  const shown = blocksOf(README).find((block) => block.text.startsWith('source: live'));
  assert.ok(shown);
  for (const line of shown.text.trimEnd().split('\n')) {
    const key = line.replace(/:.*/, ':');
    assert.equal(params.split('\n').filter((one) => one.startsWith(key)).length, 1, key);
  }
});
