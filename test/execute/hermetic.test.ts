import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { RelPath } from '../../src/base/types.ts';
import { permissionArgs } from '../../src/execute/hermetic.ts';
import { createRig, rigAt } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { FILES, moduleOf, moduleRig } from './module-rig.ts';
import { outcomesOf, problemOf } from './tools.ts';

/** Stages `s0`, `s1`, … that do one thing each. */
function denyRig(codes: readonly string[], files: Readonly<Record<string, string>> = {}): Rig {
  const stages = codes.map(
    (_, at) => `  s${at}: { run: stages/m${at}.ts, deps: { in: in.txt }, outs: { out: out${at}.txt } }\n`,
  );
  const modules = codes.map((code, at) => [`stages/m${at}.ts`, moduleOf(code)] as const);
  return createRig({
    'pipeline.yaml': `stages:\n${stages.join('')}`,
    ...Object.fromEntries(modules),
    ...FILES,
    ...files,
  });
}

const DENIED: Readonly<
  Record<string, { code: string; path: string; writes?: true; files?: Record<string, string> }>
> = {
  'an undeclared read': { code: `fs.readFileSync('other.txt');`, path: 'other.txt' },
  'an undeclared read by its full path': {
    code: `fs.readFileSync(process.cwd() + '/other.txt');`,
    path: 'other.txt',
  },
  'a denial that the code swallows': {
    code: `try { fs.readFileSync('other.txt'); } catch {}`,
    path: 'other.txt',
  },
  'a denial that a promise swallows': {
    code: `await fs.promises.readFile('other.txt').catch(() => {});`,
    path: 'other.txt',
  },
  'asking whether an undeclared file is there': { code: `fs.existsSync('other.txt');`, path: 'other.txt' },
  'listing an undeclared folder': { code: `try { fs.readdirSync('data'); } catch {}`, path: 'data' },
  'a name that only ends like that of a package': {
    code: `try { fs.readFileSync('data/my-package.json'); } catch {}`,
    path: 'data/my-package.json',
  },
  'a package.json that the code itself reads': {
    code: `try { fs.readFileSync('data/package.json'); } catch {}`,
    path: 'data/package.json',
  },
  'importing a file that the closure cannot know': {
    code: `await import(new URL(['..', 'hidden.ts'].join('/'), import.meta.url).href);`,
    path: 'hidden.ts',
    files: { 'hidden.ts': 'export default 1;' },
  },
  'an undeclared write': { code: `fs.writeFileSync('new.txt', 'x');`, path: 'new.txt', writes: true },
  'a write to the dep itself': { code: `fs.writeFileSync(deps.in, 'x');`, path: 'in.txt', writes: true },
};

test('what a stage does not declare fails it, and the error names the missing line', async (t) => {
  const cases = Object.entries(DENIED);
  const rig = denyRig(
    cases.map(([, { code }]) => code),
    Object.assign({}, ...cases.map(([, { files = {} }]) => files)),
  );
  const ran = await rig.lockstep(['repro', '--json', '--keep-going']);
  assert.equal(ran.code, 1, ran.stdout);
  for (const [at, [what, { path, writes }]] of cases.entries())
    await t.test(what, () => {
      const problem = problemOf(ran, `s${at}`);
      assert.equal(problem.code, 'stage.undeclared');
      assert.equal(
        problem.message,
        `stage "s${at}" ${writes ? 'writes' : 'reads'} "${path}", which it does not declare`,
      );
      assert.ok(
        problem.hint?.startsWith(`add "${path}" to the ${writes ? 'outs' : 'deps'}: of "s${at}"`),
        problem.hint,
      );
    });
  assert.equal(rig.read('in.txt'), 'in');
});

const OF_THE_PROJECT: Readonly<Record<string, { code: string; does: string; hint: RegExp }>> = {
  'listing the project': {
    code: `try { fs.readdirSync('.'); } catch {}`,
    does: 'reads',
    hint: /^add what it looks for to the deps: of "s\d" and read the paths that the stage is given/,
  },
  'looking through the project for a pattern': {
    code: `fs.globSync('data/*.txt');`,
    does: 'reads',
    hint: /^add what it looks for/,
  },
  'changing the folder of the project': {
    code: `try { fs.chmodSync(process.cwd(), 0o700); } catch {}`,
    does: 'writes',
    hint: /^write to the paths that the stage is given/,
  },
};

test('what is asked of, or done to, the folder of the project itself fails', async (t) => {
  const cases = Object.entries(OF_THE_PROJECT);
  const rig = denyRig(cases.map(([, { code }]) => code));
  const ran = await rig.lockstep(['repro', '--json', '--keep-going']);
  for (const [at, [what, { does, hint }]] of cases.entries())
    await t.test(what, () => {
      const problem = problemOf(ran, `s${at}`);
      assert.equal(problem.code, 'stage.undeclared');
      assert.equal(
        problem.message,
        `stage "s${at}" ${does} the folder of the project, which it does not declare`,
      );
      assert.match(problem.hint ?? '', hint);
    });
});

test('what Node looks for when a package is required, and libraries outside of the project, is not the stage that reads', async () => {
  const code = `import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
const require = createRequire(import.meta.url);
const { c } = require('gamma');
export default ({ outs }) => {
  try { readFileSync('/etc/hostname'); } catch {}
  writeFileSync(outs.out, c);
};`;
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  a: { run: m.mjs, outs: { out: a } }\n  b: { run: s/deep/m.mjs, outs: { out: b } }\n',
    'm.mjs': code,
    's/deep/m.mjs': code,
    'node_modules/gamma/package.json': '{"name":"gamma","version":"1.0.0"}',
    'node_modules/gamma/index.js': `exports.c = 'C';`,
  });
  const ran = await rig.lockstep(['repro', '--json', '--keep-going']);
  assert.deepEqual({ ...outcomesOf(ran) }, { a: 'ran', b: 'ran' }, ran.stdout);
});

test('a folder whose name goes on in the names of others is listed like any other, of deps and of packages', async () => {
  const folders = ['raw', 'raw old', 'raw-2', 'raw.d', 'raw2'];
  const packages = ['alpha', 'alpha-more'];
  const rig = createRig({
    'pipeline.yaml': `stages:
  s: { run: m.mjs, deps: { csv: raw.csv, ${folders.map((name, at) => `d${at}: ${name}`).join(', ')} }, outs: { out: out } }
`,
    'm.mjs': `import alpha from 'alpha';
import more from 'alpha-more';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
export default ({ deps: { csv, ...folders }, outs }) =>
  writeFileSync(outs.out, [alpha, more, readFileSync(csv), ...Object.values(folders).map((folder) => readdirSync(folder))].join());`,
    'raw.csv': 'csv',
    ...Object.fromEntries(folders.map((name, at) => [`${name}/${at}`, ''])),
    ...Object.fromEntries(
      packages.flatMap((name) => [
        [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0' })],
        [`node_modules/${name}/index.js`, `module.exports = require('fs').readdirSync(__dirname).length;`],
      ]),
    ),
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stdout);
  assert.equal(rig.read('out'), '2,2,csv,0,1,2,3,4');
});

test('from a folder below, and through a link to the project, the same denial names the same line', async () => {
  const rig = moduleRig(`try { fs.readFileSync('other.txt'); } catch {}`);
  mkdirSync(rig.path('below'));
  const below = await rig.lockstep(['repro', '--json'], { cwd: 'below' });
  assert.match(problemOf(below, 's').message, /reads "other\.txt"/);
  const link = createRig();
  symlinkSync(rig.root, link.path('project'));
  const linked = await link.lockstep(['repro', '--json', '-C', 'project']);
  assert.match(problemOf(linked, 's').message, /reads "other\.txt"/);
  rig.write(
    'stages/m.ts',
    `import * as fs from 'node:fs';
export default ({ deps, outs }) => fs.writeFileSync(outs.out, fs.readFileSync('in.txt', 'utf8') + fs.readFileSync(deps.in, 'utf8'));`,
  );
  const good = await link.lockstep(['repro', '--json', '-C', 'project']);
  assert.deepEqual({ ...outcomesOf(good) }, { s: 'ran' }, good.stdout);
  assert.equal(rig.read('out.txt'), 'inin');
});

test('an undeclared read outside the project fails with the path that was refused', async () => {
  const rig = moduleRig(`fs.readFileSync('/etc/hostname');`);
  const ran = await rig.lockstep(['repro', '--json']);
  const problem = problemOf(ran, 's');
  assert.equal(problem.code, 'stage.undeclared');
  assert.equal(problem.message, 'stage "s" reads "/etc/hostname", which is not its own');
});

test('what is declared can be used: a folder dep, a linked dep, temp files, folders of outs', async () => {
  const rig = moduleRig(
    `const os = await import('node:os');
     const dir = fs.mkdtempSync(os.tmpdir() + '/x-');
     fs.writeFileSync(dir + '/t', fs.readFileSync(deps.data + '/a.txt'));
     fs.readFileSync(deps.link + '/deep/b.txt');
     if (fs.readdirSync(deps.data).length !== 1) throw new Error('listing');
     fs.rmSync(dir, { recursive: true });`,
    { deps: '{ data: data, link: linked }', files: { 'real/deep/b.txt': 'b' } },
  );
  symlinkSync('real', rig.path('linked'));
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stdout);
});

const ABILITIES = {
  processes: `(await import('node:child_process')).execFileSync('true');`,
  workers: `const { Worker } = await import('node:worker_threads'); await new Promise((resolve, reject) => new Worker('', { eval: true }).on('exit', resolve).on('error', reject));`,
} as const;

for (const [name, code] of Object.entries(ABILITIES)) {
  test(`${name} are refused with the line that allows them, and run once they are allowed`, async () => {
    const refused = await moduleRig(code).lockstep(['repro', '--json']);
    const problem = problemOf(refused, 's');
    assert.equal(problem.code, 'stage.not-allowed', problem.message);
    assert.match(problem.hint ?? '', new RegExp(`"allow: \\[${name}\\]"`));
    const rig = moduleRig(code, { flags: `    allow: [${name}]\n` });
    const ran = await rig.lockstep(['repro', '--json']);
    assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' });
    assert.doesNotMatch(ran.stdout, /Warning/);
  });
}

const WITHOUT_ALLOW = {
  inspector: `(await import('node:inspector')).open(0, '127.0.0.1');`,
  WASI: `new (await import('node:wasi')).WASI({ version: 'preview1' });`,
};

for (const [name, code] of Object.entries(WITHOUT_ALLOW)) {
  test(`${name} is refused with the line that lifts the permissions`, async () => {
    const problem = problemOf(await moduleRig(code).lockstep(['repro', '--json']), 's');
    assert.equal(problem.code, 'stage.not-allowed', problem.message);
    assert.match(problem.hint ?? '', /add "hermetic: false" to "s"/);
    const rig = moduleRig(code, { flags: '    hermetic: false\n' });
    assert.deepEqual({ ...outcomesOf(await rig.lockstep(['repro', '--json'])) }, { s: 'ran' });
  });
}

test('an addon is refused with the line that allows it', async () => {
  const rig = moduleRig(`process.dlopen({ exports: {} }, '/nowhere.node');`);
  const problem = problemOf(await rig.lockstep(['repro', '--json']), 's');
  assert.equal(problem.code, 'stage.not-allowed', problem.message);
  assert.match(problem.hint ?? '', /"allow: \[addons\]"/);
});

for (const [way, code] of [
  ['text', `throw new Error('no binding: ' + error.code);`],
  ['cause', `throw new Error('no binding', { cause: error });`],
  ['causes', `throw new AggregateError([new Error('no file'), error], 'no binding');`],
] as const) {
  test(`the refusal of an addon that a package tells by its ${way} is told as one`, async () => {
    const rig = moduleRig(`try { process.dlopen({ exports: {} }, '/none.node'); } catch (error) { ${code} }`);
    const problem = problemOf(await rig.lockstep(['repro', '--json']), 's');
    assert.match(problem.hint ?? '', /"allow: \[addons\]"/);
  });
}

test('hermetic: false lets a module do what it likes', async () => {
  const rig = moduleRig(`fs.readFileSync('other.txt'); ${ABILITIES.processes}`, {
    flags: '    hermetic: false\n',
  });
  assert.deepEqual({ ...outcomesOf(await rig.lockstep(['repro', '--json'])) }, { s: 'ran' });
});

test('a closure of more than 2,000 files runs, and an undeclared read elsewhere is still found', async () => {
  const rig = moduleRig('', {});
  const count = 2100;
  mkdirSync(rig.path('stages/parts'));
  const imports: string[] = [];
  for (let index = 0; index < count; index++) {
    writeFileSync(join(rig.root, `stages/parts/p${index}.ts`), `export const v = ${index};\n`);
    imports.push(`import { v as v${index} } from './parts/p${index}.ts';`);
  }
  const body = (extra: string): string =>
    `${imports.join('\n')}\nimport * as fs from 'node:fs';\nexport default ({ deps, outs }) => { ${extra} fs.writeFileSync(outs.out, String(v0 + v${count - 1}) + fs.readFileSync(deps.in, 'utf8')); };\n`;
  rig.write('stages/m.ts', body(''));
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stdout.slice(0, 3000));
  assert.equal(rig.read('out.txt'), `${count - 1}in`);
  rig.write('stages/m.ts', body(`try { fs.readFileSync('data/a.txt'); } catch {}`));
  assert.match(problemOf(await rig.lockstep(['repro', '--json']), 's').message, /reads "data\/a\.txt"/);
});

test('a star in what a module may read would let it read all that begins so, and is refused by name', async () => {
  const reads = `import * as fs from 'node:fs';\nexport default ({ outs }) => fs.copyFileSync('b.txt', outs.out);\n`;
  const at = (name: string, deps = ''): Rig => {
    const root = createRig().path(name);
    mkdirSync(root);
    const stage = `run: m.mjs, ${deps} outs: { out: out.txt }`;
    return rigAt(root, { 'pipeline.yaml': `stages:\n  s: { ${stage} }\n`, 'm.mjs': reads, 'b.txt': 'b' });
  };
  for (const [rig, path] of [
    [at('a*b'), 'a*b'],
    [at('ab', 'deps: ["*"],'), 'ab/*'],
  ] as const) {
    rig.write('*', 'star');
    const { code, message, hint } = problemOf(await rig.lockstep(['repro', '--json']), 's');
    assert.equal(code, 'path.name');
    assert.ok(message.endsWith(`/${path}" is any text`), message);
    assert.equal(hint, 'rename it, or add "hermetic: false" to "s"');
    rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('outs:', 'hermetic: false, outs:'));
    assert.equal((await rig.lockstep(['repro'])).code, 0);
    assert.equal(rig.read('out.txt'), 'b');
  }
});

test('thousands of files among the deps are no more arguments than a command takes', () => {
  const rig = createRig();
  mkdirSync(rig.path('in'));
  const deps = Array.from({ length: 5000 }, (_, index) => rig.path(`in/f${index}`));
  for (const path of deps) writeFileSync(path, '');
  const at = { file: 'pipeline.yaml', line: 1, column: 1, length: 1 };
  const action = { kind: 'module', path: 'm.ts' as RelPath, at, hermetic: true, allow: [] } as const;
  const grants = { action, code: [], packageFolders: [], entry: [], writable: [] };
  const granted = (some: readonly string[]): readonly string[] =>
    permissionArgs({ ...grants, deps: some }).filter((word) => word.startsWith('--allow-fs-read='));
  assert.deepEqual(granted(deps), [`--allow-fs-read=${rig.path('in/*')}`]);
  assert.equal(granted(deps.slice(0, 100)).length, 100, 'each by its name');
});

test('a second rig over a folder whose path has blanks, a comma and a quote runs a hermetic module', async () => {
  const outer = createRig();
  const root = outer.path(`we ird's, "dir" & 100%`);
  mkdirSync(root);
  const rig = rigAt(root, {
    'pipeline.yaml':
      'stages:\n  s:\n    run: m.ts\n    deps: { in: "in put,1.txt" }\n    outs: { out: "o ut.txt" }\n',
    'm.ts': `import { copyFileSync } from 'node:fs';\nexport default ({ deps, outs }) => copyFileSync(deps.in, outs.out);`,
    'in put,1.txt': 'in',
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'ran' }, ran.stdout);
  assert.equal(rig.read('o ut.txt'), 'in');
});
