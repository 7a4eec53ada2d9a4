import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import test from 'node:test';
import { REPOSITORY, SOURCE_CLI, cleanEnv, createRig } from './rig.ts';
import type { Rig } from './rig.ts';

const HOOK = `import { registerHooks } from 'node:module';
import { appendFileSync } from 'node:fs';
const note = (what) => appendFileSync(process.env.LOADED, what + '\\n');
registerHooks({
  load(url, context, next) {
    note(url);
    return next(url, context);
  },
});
const { Intl } = globalThis;
Object.defineProperty(globalThis, 'Intl', {
  configurable: true,
  get() {
    note(process.env.PREFIX + 'Intl');
    return Intl;
  },
});
`;

const NOW = '2026-03-17T18:00:00Z';

/** What a command line loads, below the repository: `src/…` and `node_modules/…`; `Intl` where it asks for that. */
function loadedBy(rig: Rig, args: readonly string[]): readonly string[] {
  rig.write('hook.mjs', HOOK);
  rig.write('loaded', '');
  const prefix = `file://${REPOSITORY}/`;
  const env = cleanEnv({ LOADED: rig.path('loaded'), PREFIX: prefix, LOCKSTEP_NOW: NOW });
  execFileSync(process.execPath, ['--import', rig.path('hook.mjs'), SOURCE_CLI, ...args], {
    cwd: rig.root,
    env,
    stdio: 'ignore',
  });
  const urls = readFileSync(rig.path('loaded'), 'utf8').split('\n');
  return urls.filter((url) => url.startsWith(prefix)).map((url) => url.slice(prefix.length));
}

test('a second push parses nothing, and one to a changed remotes.yaml only that', () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  make: { cmd: echo 1 > out.txt, outs: [out.txt] }\n',
    'remotes.yaml': 'remotes: { store: { url: ./remote } }\n',
  });
  loadedBy(rig, ['repro']);
  const parsers = (): readonly string[] =>
    loadedBy(rig, ['push']).filter((path) => /^src\/read\/(pipeline|remotes)\.ts$|\/yaml\//.test(path));
  assert.ok(parsers().includes('src/read/remotes.ts'));
  assert.deepEqual(parsers(), []);
  rig.write('remotes.yaml', 'remotes: { store: { url: ./other } }\n');
  const again = parsers();
  assert.ok(again.includes('src/read/remotes.ts') && !again.includes('src/read/pipeline.ts'));
  assert.ok(statSync(rig.path('other')).isDirectory());
});

test('a run with nothing to do loads no package, no parser, no calendar and nothing that runs stages', () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  module:
    run: stages/m.ts
    params: [size]
    refresh: { cron: "0 6 * * 1-5", tz: Asia/Kolkata, as_of: 2026-03-17 }
    outs: { out: out.txt }
  session:
    cmd: "true > day.txt"
    refresh: { session: XBOM, as_of: now }
    outs: [day.txt]
  shell: { cmd: cp out.txt copy.txt, deps: [out.txt], outs: [copy.txt] }
`,
    'params.yaml': 'size: 3\n',
    'remotes.yaml': 'remotes: { store: { url: ./remote } }\n',
    'stages/m.ts': `import { writeFileSync } from 'node:fs';
export default ({ outs, params }) => writeFileSync(outs.out, 'x'.repeat(params.size));`,
  });
  const first = loadedBy(rig, ['repro']);
  // Here they are needed, so what a run with nothing to do loads of them is seen.
  assert.ok(first.some((path) => path.includes('/croner/')));
  for (const name of ['Intl', 'src/listeners/history.ts']) assert.ok(first.includes(name), name);
  const stage = loadedBy(rig, ['repro', '--force', 'shell']);
  assert.ok(stage.includes('src/execute/run.ts') && stage.includes('src/io/launcher.ts'));
  // The library that starts processes is the launcher's to load.
  assert.deepEqual(
    stage.filter((path) => path.includes('/execa/')),
    [],
  );

  for (const args of [['repro'], ['status']]) {
    const loaded = loadedBy(rig, args);
    assert.ok(loaded.includes(`src/commands/${args[0]}.ts`));
    const needless = loaded.filter((path) =>
      /^node_modules|^Intl$|^src\/(read|remotes|market)\/|^src\/listeners\/(json|history)|\/(workbench|run-stages|disk-world|launcher|mutex|syntax|crew)\.ts$/.test(
        path,
      ),
    );
    assert.deepEqual(needless, [], args.join(' '));
  }
});
