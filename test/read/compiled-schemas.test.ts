import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../../scripts/build-command.ts';
import { compileSchemas } from '../../scripts/compiled-schemas.ts';
import * as pipelineRoom from '../../src/read/pipeline.ts';
import * as remotesRoom from '../../src/read/remotes.ts';
import { REPOSITORY } from '../rig.ts';

const CORPUS = join(REPOSITORY, 'test', 'broken');

test('the checks that are compiled when the command is built find what those find that are compiled when they are used', async (t) => {
  const dist = mkdtempSync(join(tmpdir(), 'lockstep-compiled-'));
  t.after(() => rmSync(dist, { recursive: true, force: true }));
  const { metafile } = await build({
    ...bundleOptions({ root: REPOSITORY, dist, external: [] }),
    entryPoints: { pipeline: 'src/read/pipeline.ts', remotes: 'src/read/remotes.ts' },
    outExtension: { '.js': '.mjs' },
    plugins: [compileSchemas(REPOSITORY)],
    metafile: true,
    banner: {
      js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);",
    },
  });
  const own = Object.keys(metafile.inputs).filter((path) => path.includes('node_modules/ajv/'));
  assert.ok(
    own.every((path) => path.includes('/ajv/dist/runtime/')),
    own.join(' '),
  );
  const load = async (name: string): Promise<unknown> =>
    import(pathToFileURL(join(dist, `${name}.mjs`)).href);
  const { readPipeline } = (await load('pipeline')) as typeof pipelineRoom;
  const { readRemotes } = (await load('remotes')) as typeof remotesRoom;
  let found = 0;
  for (const name of readdirSync(CORPUS)) {
    const files = {
      load: (path: string) =>
        existsSync(join(CORPUS, name, path)) ? readFileSync(join(CORPUS, name, path)) : undefined,
      env: () => undefined,
    };
    const expected = [pipelineRoom.readPipeline(files).problems, remotesRoom.readRemotes(files).problems];
    assert.deepEqual([readPipeline(files).problems, readRemotes(files).problems], expected, name);
    found += expected.flat().length;
  }
  assert.ok(found > 100, `${found} problems`);
});
