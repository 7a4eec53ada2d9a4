import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { createRig } from '../rig.ts';
import { outcomesOf, outputOf, problemOf } from './tools.ts';

/** `stage.failed` unless another code is given. */
const FAILING: Readonly<
  Record<string, { code?: string; files: Readonly<Record<string, string>>; message: RegExp; hint?: string }>
> = {
  'throws an error': {
    files: { 'm.ts': `export default () => { throw new RangeError('7 is too many'); };` },
    message: / failed: 7 is too many$/,
  },
  'throws no error': {
    files: { 'm.ts': `export default () => { throw undefined; };` },
    message: / failed: undefined$/,
  },
  'throws an object that is no error': {
    files: { 'm.ts': `export default () => { throw { status: 503, body: { token: 'x' } }; };` },
    message: / failed: \{ status: 503, body: \[Object\] \}$/,
  },
  'throws an error whose message is no text': {
    files: {
      'm.ts': `export default () => { throw { message: Object.assign(Object.create(null), { a: 1 }) }; };`,
    },
    message: / failed: \[Object: null prototype\] \{ a: 1 \}$/,
  },
  'throws an error without words': {
    files: { 'm.ts': `export default () => { throw new RangeError(); };` },
    message: / failed: RangeError$/,
  },
  'throws an error with a cause': {
    files: {
      'm.ts': `export default () => { throw new TypeError('fetch failed', { cause: new Error('no host x.test') }); };`,
    },
    message: / failed: fetch failed: no host x\.test$/,
  },
  'throws an error that says what its cause says, in a circle': {
    files: {
      'm.ts': `const e = new Error('a: b'); e.cause = Object.assign(new Error('b'), { cause: e });
export default () => { throw e; };`,
    },
    message: / failed: a: b$/,
  },
  'throws an error with causes by the thousand, each of two errors': {
    files: {
      'm.ts': `export default () => {
  let e = new Error('first');
  for (let n = 0; n < 12_000; n++) e = new AggregateError([e, e], 'again');
  throw e;
};`,
    },
    message: / failed: again$/,
  },
  'throws several errors that say the same, and one of them as their cause': {
    files: {
      'm.ts': `const [a, b] = [new Error('down'), new Error('down')];
export default () => { throw new AggregateError([a, b], 'no mirror', { cause: b }); };`,
    },
    message: / failed: no mirror: down$/,
  },
  'throws several errors as one without words': {
    files: {
      'm.ts': `export default () => Promise.any([Promise.reject(new Error('a')), Promise.reject('b')]);`,
    },
    message: / failed: All promises were rejected: a; b$/,
  },
  'has no default export': {
    files: { 'm.ts': `export const stage = () => {};` },
    message: /the module has no default export that is a function/,
  },
  'ends its process itself, as if it were done': {
    files: {
      'm.ts': `import { writeFileSync } from 'node:fs';
export default ({ outs }) => { writeFileSync(outs.out, 'half'); process.exit(0); };`,
    },
    message: /ended its process before it was done/,
  },
  'waits for what can never come': {
    files: { 'm.ts': `export default () => new Promise(() => {});` },
    message: /waits for something that can never happen/,
  },
  'throws an error of many lines, caused by another': {
    files: {
      'm.ts': `export default () => {
  throw new Error('[\\n  { "code": "required" },\\r\\n  { "code": "type" }\\n]', { cause: new Error('two\\n\\nlines') });
};`,
    },
    message: / failed: \[ \{ "code": "required" \}, \{ "code": "type" \} \]: two lines$/,
  },
  'says by its exit code that it failed': {
    files: {
      'm.ts': `import { writeFileSync } from 'node:fs';
export default async ({ outs }) => {
  writeFileSync(outs.out, 'half');
  await Promise.reject(new Error('caught')).catch(() => { process.exitCode = 3; });
};`,
    },
    message: / failed: it set process\.exitCode to 3$/,
  },
  'reads what it does not declare, by a stream that nobody listens to': {
    files: {
      'm.ts': `import { createReadStream } from 'node:fs';\nexport default async () => {\n  createReadStream(import.meta.filename.replace('m.ts', 'data.csv'));\n  await new Promise(() => setInterval(() => {}, 10));\n};\n`,
      'data.csv': '1',
    },
    code: 'stage.undeclared',
    message: / reads "s\d+\/data\.csv", which it does not declare/,
  },
  'dies of an error that nobody catches': {
    files: {
      'm.ts': `export default () => new Promise(() => { setTimeout(() => { throw new Error('late'); }, 1); });`,
    },
    message: / failed: late$/,
  },
  'lets the runner hear nonsense': {
    files: {
      'm.ts': `export default () => { process.send(null); process.send('x'); process.send({ type: 'nonsense' }); throw new Error('after'); };`,
    },
    message: /failed: after$/,
  },
  'throws an error whose message and stack are no text': {
    files: {
      'm.ts': `export default () => { throw Object.assign(new Error('x'), { message: ['a', 7], stack: 7 }); };`,
    },
    message: / failed: \[ 'a', 7 \]$/,
  },
  'imports what is not exported': {
    files: {
      'm.ts': `import { nothing } from './n.ts';\nexport default () => nothing;`,
      'n.ts': 'export const a = 1;',
    },
    message: /does not provide an export named 'nothing'/,
    hint: 'export "nothing" there; if it is a type, write "import type { nothing }"',
  },
};

test('a module that fails does so with a sentence that says so', async (t) => {
  const cases = Object.entries(FAILING);
  const files = cases.flatMap(([, one], at) =>
    Object.entries(one.files).map(([name, text]) => [`s${at}/${name}`, text] as const),
  );
  const stages = cases.map((_, at) => `  s${at}: { run: s${at}/m.ts, outs: { out: o${at}.txt } }\n`);
  const rig = createRig({ 'pipeline.yaml': `stages:\n${stages.join('')}`, ...Object.fromEntries(files) });
  const ran = await rig.lockstep(['repro', '--json', '--keep-going']);
  assert.equal(ran.code, 1, ran.stderr);
  for (const [at, [what, { code = 'stage.failed', message, hint }]] of cases.entries())
    await t.test(`one that ${what}`, () => {
      const problem = problemOf(ran, `s${at}`);
      assert.equal(problem.code, code);
      assert.match(problem.message, message);
      if (hint !== undefined) assert.equal(problem.hint, hint);
      assert.ok(problem.message.startsWith(`stage "s${at}" `));
      assert.equal(existsSync(rig.path(`o${at}.txt`)), false);
    });
});

test('a module that is not there, and one that does not parse, are told with their place before anything runs', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  a:\n    cmd: touch a\n    outs: [a]\n  s:\n    run: gone.ts\n    outs: { out: o.txt }\n',
  });
  const gone = await rig.lockstep(['repro']);
  assert.equal(gone.code, 2);
  assert.match(
    gone.stderr,
    /error\[code\.missing\]: "gone\.ts", which the stage needs, does not exist\n --> pipeline\.yaml:6:10/,
  );
  rig.write('gone.ts', 'export default () => {\n  const = 1;\n};\n');
  const broken = await rig.lockstep(['repro']);
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /error\[code\.syntax\]: "gone\.ts" does not parse: .*\n --> gone\.ts:/);
  assert.throws(() => readFileSync(rig.path('a')));
  rig.write('gone.ts', 'enum A { B }\nexport default () => A.B;\n');
  assert.match((await rig.lockstep(['repro'])).stderr, /error\[code\.syntax\]: "gone\.ts" does not parse: /);
});

test('the stack of a failing module is shown with its place, and what it printed before', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s:\n    run: m.ts\n    outs: { out: o.txt }\n',
    'm.ts': `type A = string;\nexport default () => {\n  console.log('before');\n  throw new Error('here');\n};\n`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { s: 'failed' });
  assert.match(outputOf(ran, 's', 'stdout'), /^before\n$/);
  assert.match(outputOf(ran, 's', 'stderr'), /Error: here\n +at .*m\.ts:4:9/);
});

test('the code of a library error is told with its sentence', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s:\n    run: s.ts\n    outs: [out]\n',
    's.ts': `export default () => { throw Object.assign(new Error('no list'), { code: 'source.none' }); };`,
  });
  const ran = await rig.lockstep(['repro']);
  assert.match(ran.stderr, /stage "s" failed: no list \(source\.none\)/);
});

test('an error that calls itself hopeless is not tried again, any other is', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  s:\n    run: s.ts\n    deps: [hopeless]\n    outs: [out]\n    retry: { attempts: 2, delay: 1ms }\n',
    's.ts': `import { readFileSync } from 'node:fs';
export default ({ deps }) => {
  throw Object.assign(new Error('no'), readFileSync(deps.hopeless, 'utf8') === 'yes' && { retryable: false });
};`,
    hopeless: 'yes',
  });
  const attemptsOf = async (): Promise<number> => {
    const { stdout } = await rig.lockstep(['repro', '--json']);
    return stdout.split('\n').filter((line) => line.includes('"stage-started"')).length;
  };
  assert.equal(await attemptsOf(), 1);
  rig.write('hopeless', 'no');
  assert.equal(await attemptsOf(), 2);
});

test('a project that cannot import the package is told to install it', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s: { run: s.mts, outs: [o] }\n',
    's.mts': "import { defineStage } from 'lockstep-data';\nexport default defineStage(() => {});\n",
  });
  rig.remove('node_modules');
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  const { hint } = problemOf(ran, 's');
  assert.equal(
    hint,
    'in a clone of Lockstep "npm run pack" makes the package; install that file here: "npm install --save-dev FILE"',
  );
});
