import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { completeLine } from '../../src/commands/completion/complete-line.ts';
import { SOURCE_CLI, createRig, rigAt } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { putCommand, shellEnv } from './projects.ts';

const FILES = {
  'pipeline.yaml': `name: demo
data: [words.txt]
stages:
  fetch:
    foreach: [aapl, tcs.ns]
    do:
      cmd: echo "\${item}" > "raw/\${item}.txt"
      outs: ["raw/\${item}.txt"]
  features:
    cmd: cat words.txt > features.txt
    deps: [words.txt]
    outs: [features.txt]
`,
  'remotes.yaml': 'default: nas\nremotes:\n  nas: { url: nas }\n  storage: { url: "gs://bucket/x" }\n',
  'words.txt': 'a\n',
};

function makeRig(): Rig {
  const rig = createRig(FILES);
  putCommand(rig);
  return rig;
}

async function complete(rig: Rig, words: readonly string[]): Promise<readonly string[]> {
  const ran = await rig.lockstep(['completion', '--words', '--', ...words]);
  assert.equal(ran.code, 0, ran.stderr);
  return ran.stdout.split('\n').slice(0, -1);
}

test('each word of a line is completed with what may stand there', async () => {
  const rig = makeRig();
  const table: readonly (readonly [readonly string[], readonly string[]])[] = [
    [['ver'], ['verify']],
    [['re'], ['repro', 'remote']],
    [
      ['repro', 'f'],
      ['fetch@aapl', 'fetch@tcs.ns', 'features'],
    ],
    // What stands there already is not offered again.
    [
      ['repro', 'features', 'f'],
      ['fetch@aapl', 'fetch@tcs.ns'],
    ],
    [['repro', '--k'], ['--keep-going']],
    [['repro', '--keep-going', '--k'], []],
    [['pull', 'raw/t'], ['raw/tcs.ns.txt']],
    [['pull', 'w'], ['words.txt']],
    [
      ['push', '--remote', ''],
      ['nas', 'storage'],
    ],
    [['push', '-r', 's'], ['storage']],
    [['push', '--remote=s'], ['--remote=storage']],
    [['status', '-r', 's'], ['storage']],
    [['status', '--name=s'], ['--name=storage']],
    [['status', '--remote=s'], []],
    [['log', '-n', ''], []],
    [['--json', '-C', '.', 'repro', 'feat'], ['features']],
    [['-C', 'd'], [':folders']],
    [['-vC', 'd'], [':folders']],
    [['-vC', '.', 'repro', 'feat'], ['features']],
    [['--profile', 'x'], [':files']],
    [['repro', '--', '--k'], []],
    [['repro', '--jobs', ''], []],
    [
      ['remote', ''],
      ['list', 'add', 'check'],
    ],
    [['remote', 'check', 's'], ['storage']],
    [['pull', '--for', 'feat'], ['features']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['help', 'ver'], ['verify']],
    [['no-such-command', ''], []],
  ];
  for (const [words, expected] of table) {
    const found = await completeLine(words, { dir: rig.root, env: {}, describe: false });
    assert.deepEqual(
      found.map(({ word }) => word),
      expected,
      words.join(' '),
    );
  }
});

test('a line is completed in the folder that its -C names, and nothing is offered where no project is', async () => {
  const rig = makeRig();
  rig.write('elsewhere/note.txt', '');
  const other = createRig({
    'pipeline.yaml': 'name: other\nstages:\n  only:\n    cmd: echo > x\n    outs: [x]\n',
  });
  assert.deepEqual(await complete(rig, ['-C', other.root, 'repro', '']), ['only']);
  other.remove('pipeline.yaml');
  assert.deepEqual(await complete(rig, ['-C', other.root, 'repro', '']), []);
  other.write('pipeline.yaml', 'stages: [');
  assert.deepEqual(await complete(rig, ['-C', other.root, 'repro', '']), []);
});

/** The functions of the YAML parser that were called, as V8's coverage counts them. */
async function parserCalls(rig: Rig, words: readonly string[]): Promise<readonly string[]> {
  rig.remove('coverage');
  const env = { NODE_V8_COVERAGE: rig.path('coverage') };
  const ran = await rig.lockstep(['completion', '--words', '--', ...words], { env });
  assert.equal(ran.code, 0, ran.stderr);
  return readdirSync(rig.path('coverage')).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(rig.path(`coverage/${file}`), 'utf8')) as {
      result: readonly {
        url: string;
        functions: readonly { functionName: string; ranges: readonly { count: number }[] }[];
      }[];
    };
    return result
      .filter(({ url }) => url.endsWith('/node_modules/yaml/dist/parse/parser.js'))
      .flatMap(({ functions }) => functions)
      .filter(({ functionName, ranges }) => functionName !== '' && (ranges[0]?.count ?? 0) > 0)
      .map(({ functionName }) => functionName);
  });
}

test('while no file of the project changes, a key stroke parses no YAML, and a change is seen at once', async () => {
  const rig = rigAt(makeRig().root, {}, SOURCE_CLI);
  // Where nothing has run yet, a key stroke leaves nothing behind.
  await complete(rig, ['repro', '']);
  assert.throws(() => readdirSync(rig.path('.lockstep')));
  await rig.lockstep(['status']);
  const first = await parserCalls(rig, ['push', '--remote', '']);
  assert.ok(first.includes('parse'), first.join());
  assert.deepEqual(await parserCalls(rig, ['push', '--remote', '']), []);
  assert.deepEqual(await parserCalls(rig, ['repro', '']), []);
  rig.write('pipeline.yaml', FILES['pipeline.yaml'].replace('features:', 'model:'));
  assert.deepEqual(await complete(rig, ['repro', 'm']), ['model']);
});

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** What bash puts into COMPREPLY; `word` is what readline would replace. */
function bashReplies(rig: Rig, line: string, word: string): readonly string[] {
  const text = `eval "$(lockstep completion bash)"
COMP_LINE=$1 COMP_POINT=\${#1}
_lockstep lockstep "$2" ''
[ \${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const ran = spawnSync('bash', ['--norc', '-c', text, 'bash', line, word], {
    cwd: rig.root,
    env: shellEnv(rig),
    encoding: 'utf8',
  });
  assert.equal(ran.status, 0, ran.stderr);
  assert.doesNotMatch(ran.stderr, /syntax|unexpected|not found/);
  return ran.stdout.split('\n').slice(0, -1);
}

test(
  'bash completes by the script, also within words that it breaks apart',
  { skip: !has('bash') && 'bash is not installed' },
  () => {
    const rig = makeRig();
    assert.deepEqual(bashReplies(rig, 'lockstep ver', 'ver'), ['verify']);
    assert.deepEqual(bashReplies(rig, 'lockstep repro features ', ''), ['fetch@aapl', 'fetch@tcs.ns']);
    // Readline keeps what stands before "=" (and before "@", which it hands over) and replaces the rest.
    assert.deepEqual(bashReplies(rig, 'lockstep push --remote=s', 's'), ['storage']);
    assert.deepEqual(bashReplies(rig, 'lockstep push --remote=', ''), ['nas', 'storage']);
    assert.deepEqual(bashReplies(rig, 'lockstep repro fetch@t', '@t'), ['@tcs.ns']);
    assert.deepEqual(bashReplies(rig, 'A=1 lockstep repro feat', 'feat'), ['features']);
    assert.deepEqual(bashReplies(rig, 'lockstep -C no', 'no'), ['node_modules']);
    assert.deepEqual(bashReplies(rig, 'lockstep --profile pipe', 'pipe'), ['pipeline.yaml']);
    assert.deepEqual(bashReplies(rig, 'lockstep no-such-command x', 'x'), []);
  },
);

test(
  'fish completes by the script, with descriptions',
  { skip: !has('fish') && 'fish is not installed' },
  () => {
    const rig = makeRig();
    const replies = (line: string): readonly string[] => {
      const text = 'lockstep completion fish | source; complete -C $argv[1]';
      const ran = spawnSync('fish', ['--no-config', '-c', text, line], {
        cwd: rig.root,
        env: shellEnv(rig, { HOME: rig.root }),
        encoding: 'utf8',
      });
      assert.equal(ran.status, 0, ran.stderr);
      return ran.stdout.split('\n').slice(0, -1);
    };
    assert.deepEqual(replies('lockstep repro fetch@t'), ['fetch@tcs.ns']);
    assert.deepEqual(replies('lockstep push --remote=s'), ['--remote=storage']);
    assert.match(replies('lockstep ver')[0] ?? '', /^verify\tCheck that /);
    assert.equal(replies('lockstep -C no')[0]?.split('\t')[0], 'node_modules/');
  },
);

test('zsh completes by the script in a terminal', { skip: !has('zsh') && 'zsh is not installed' }, () => {
  const rig = makeRig();
  const text = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; autoload -U compinit && compinit -u -d ./zcompdump; eval "$(lockstep completion zsh)"; echo rea''dy'
zpty -r shell line '*ready*'
zpty -w -n shell $'lockstep repro fetch@t\\t'
zpty -r shell line '*fetch@tcs.ns*' && print -r -- done`;
  const ran = spawnSync('zsh', ['-f', '-c', text], {
    cwd: rig.root,
    env: shellEnv(rig, { HOME: rig.root, TERM: 'xterm' }),
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(ran.stdout, 'done\n', ran.stderr);
});

test('an unknown shell is refused with those there are, and a second one', async () => {
  const rig = makeRig();
  for (const [shells, what, hint] of [
    [['bsh'], 'there is no completion for "bsh"', 'did you mean "bash"?'],
    [['cmd'], 'there is no completion for "cmd"', 'known here: bash, zsh, fish'],
    [[], 'no shell is named', 'name one of bash, zsh, fish'],
    [
      ['bash', 'zsh'],
      '"lockstep completion" does not know what to do with "zsh"',
      'see "lockstep completion --help"',
    ],
  ] as const) {
    const ran = await rig.lockstep(['completion', ...shells]);
    assert.equal(ran.code, 2);
    assert.equal(ran.stderr, `error[cli.arguments]: ${what}\n = hint: ${hint}\n`);
  }
});
