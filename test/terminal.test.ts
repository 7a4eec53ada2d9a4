import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { createTerminal } from './listeners/terminal.ts';
import { CLI, cleanEnv, createRig } from './rig.ts';
import type { Rig } from './rig.ts';

const ONE = 'stages:\n  one: { cmd: "echo > o", outs: [o] }\n';

const HAS_NO_SCRIPT = spawnSync('script', ['--version']).status !== 0 && 'script is not installed';

/** What a terminal is shown that says it has no columns. */
function showInTerminal(rig: Rig, words: string, env: Readonly<Record<string, string>> = {}): string {
  const line = `"${process.execPath}" "${CLI}" ${words}`;
  const { status, stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
    cwd: rig.root,
    env: cleanEnv({ TERM: 'xterm', ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
  return stdout;
}

test('a terminal that says it has no columns is taken for one of 80', { skip: HAS_NO_SCRIPT }, () => {
  const rig = createRig({ 'pipeline.yaml': ONE });
  assert.match(showInTerminal(rig, 'repro', { NO_COLOR: '1' }), /✓ one {2}ran in /);
});

test(
  'on a terminal, too, what a command prints comes after what it told before',
  { skip: HAS_NO_SCRIPT },
  async () => {
    const rig = createRig({
      'pipeline.yaml': ONE,
      'remotes.yaml': 'default: r\nremotes: { r: { url: ./shelf } }\n',
    });
    for (const words of [['repro'], ['push']]) assert.equal((await rig.lockstep(words)).code, 0);
    rig.remove('.lockstep/files');
    rig.remove('o');
    const shown = showInTerminal(rig, 'pull o', { NO_COLOR: '1' });
    assert.match(shown, /✓ fetched 1 object [^\n]*\n(.*\n)*checked out o\b/);
  },
);

const WAITS = 'stages: { s: { cmd: "echo x > begun; read line < go; echo > o", outs: [o] } }\n';

/** What a terminal is shown of a shell script that runs `"$NODE" "$CLI" …` in it. */
function showScript(rig: Rig, script: string): string {
  rig.write('script.sh', script);
  const { status, stdout } = spawnSync('script', ['-qec', 'sh script.sh', '/dev/null'], {
    cwd: rig.root,
    env: cleanEnv({ TERM: 'xterm', NODE: process.execPath, CLI }),
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
  const terminal = createTerminal(80);
  terminal.write(stdout);
  return terminal.lines().join('\n');
}

/** The live area stands when the stage has begun. */
const LIVE = `mkfifo begun go
exec 3<> go
"$NODE" "$CLI" repro & runner=$!
read line < begun`;

test(
  'a second interrupt leaves the terminal to the shell, and says what happened',
  { skip: HAS_NO_SCRIPT },
  () => {
    const rig = createRig({
      'pipeline.yaml':
        'stages: { s: { cmd: "trap \'\' TERM; echo x > begun; read line < go", outs: [o] } }\n',
    });
    const shown = showScript(
      rig,
      `${LIVE}; kill -TERM $runner; kill -INT $runner; wait $runner; echo code $?\n`,
    );
    assert.match(shown, /^interrupted\ncode 130\n$/);
  },
);

test(
  'what a shell writes while a run is stopped (Ctrl-Z) stays when it goes on',
  { skip: HAS_NO_SCRIPT },
  () => {
    const rig = createRig({ 'pipeline.yaml': WAITS });
    const shown = showScript(
      rig,
      `set -m
${LIVE}
kill -TSTP $runner
until grep -q ') T ' /proc/$runner/stat; do :; done
echo of the shell
echo >&3
fg`,
    );
    assert.match(shown, /^of the shell\n(.*\n)*✓ s  ran in /m);
  },
);

/** Hangs up on a run in the middle of its stage; what is given first lets the stage end well. */
const HANGS_UP = `mkfifo begun go
exec 3<> go
then=$1; shift
"$@" repro & runner=$!
read line < begun
kill -HUP $runner
$then >&3
wait $runner
echo code $?
`;
const IN_TERMINAL = `script -qec 'sh hang-up.sh true "$NODE" "$CLI"' /dev/null`;

for (const [what, line, code] of [
  ['lets one go on that has no terminal, as nohup leaves it', 'sh hang-up.sh echo "$NODE" "$CLI"', 0],
  ['ends one in a terminal', IN_TERMINAL, 130],
] as const) {
  test(`a hang-up in the middle of a run ${what}`, { skip: HAS_NO_SCRIPT }, () => {
    const rig = createRig({ 'pipeline.yaml': WAITS, 'hang-up.sh': HANGS_UP });
    const { stdout, stderr } = spawnSync('sh', ['-c', line], {
      cwd: rig.root,
      env: cleanEnv({ TERM: 'xterm', NODE: process.execPath, CLI }),
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    assert.match(stdout, new RegExp(`^code ${code}\\r?$`, 'm'), stderr);
  });
}

test(
  'a terminal gets no colour with FORCE_COLOR=0, and an empty LC_ALL hides no LANG',
  { skip: HAS_NO_SCRIPT },
  () => {
    const rig = createRig({ 'pipeline.yaml': ONE });
    assert.match(showInTerminal(rig, 'repro', { FORCE_COLOR: '0', LC_ALL: '' }), /✓ one {2}ran in /);
    assert.doesNotMatch(showInTerminal(rig, 'repro --force', { FORCE_COLOR: '0', LC_ALL: 'C' }), /✓/);
  },
);
