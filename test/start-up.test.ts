import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { REPOSITORY, cleanEnv, createRig } from './rig.ts';
import type { Rig } from './rig.ts';

const HOOK = `import { registerHooks } from 'node:module';
import { appendFileSync } from 'node:fs';
registerHooks({
  load(url, context, next) {
    appendFileSync(process.env.LOADED, url + '\\n');
    return next(url, context);
  },
});
`;

/** What a command line loads, below the repository: `src/…` and `node_modules/…`. */
function loadedBy(rig: Rig, args: readonly string[]): readonly string[] {
  rig.write('hook.mjs', HOOK);
  rig.write('loaded', '');
  const bin = join(REPOSITORY, 'bin', 'lockstep.cjs');
  const env = cleanEnv({ LOADED: rig.path('loaded') });
  execFileSync(process.execPath, ['--import', rig.path('hook.mjs'), bin, ...args], {
    cwd: rig.root,
    env,
    stdio: 'ignore',
  });
  const prefix = `file://${REPOSITORY}/`;
  const urls = readFileSync(rig.path('loaded'), 'utf8').split('\n');
  return urls.filter((url) => url.startsWith(prefix)).map((url) => url.slice(prefix.length));
}

test('a run with nothing to do loads no package, no parser and nothing that runs stages', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  module:
    run: stages/m.ts
    params: [size]
    refresh: { cron: "0 6 * * 1-5", tz: Asia/Kolkata, as_of: 2026-03-17 }
    outs: { out: out.txt }
  shell: { cmd: cp out.txt copy.txt, deps: [out.txt], outs: [copy.txt] }
`,
    'params.yaml': 'size: 3\n',
    'remotes.yaml': 'remotes: { store: { url: ./remote } }\n',
    'stages/m.ts': `import { writeFileSync } from 'node:fs';
export default ({ outs, params }) => writeFileSync(outs.out, 'x'.repeat(params.size));`,
  });
  const first = await rig.lockstep(['repro']);
  assert.equal(first.code, 0, first.stderr);
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
      /^node_modules|^src\/(read|remotes|market|serve)\/|\/(workbench|run-stages|disk-world|launcher|mutex|syntax|crew|json)\.ts$/.test(
        path,
      ),
    );
    assert.deepEqual(needless, [], args.join(' '));
  }
});
