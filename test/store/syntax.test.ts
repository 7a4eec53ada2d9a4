import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault, readCode } from '../../src/store/syntax.ts';
import type { CodeFacts } from '../../src/store/syntax.ts';

const TYPESCRIPT = { typescript: true, commonjs: false };

function facts(text: string, dialect = TYPESCRIPT): CodeFacts {
  const read = readCode(text, dialect);
  if (isFault(read)) throw new Error(`${read.line}:${read.column} ${read.message}`);
  return read.facts;
}

const SAME: readonly (readonly [what: string, a: string, b: string])[] = [
  ['comments', 'const a = 1;', '/* x */ const a = // y\n 1; // z\n'],
  ['a comment at the end', 'f();', 'f();\n// last'],
  ['blanks, line ends and indentation', 'if (a) {\n  f(b, c);\n}', 'if(a){\r\n\tf( b,\r\n\tc,\r\n)}'],
  ['semicolons', 'const a = 1\nconst b = 2', 'const a = 1;\nconst b = 2;'],
  ['empty statements', 'f();', ';;f();;'],
  ['quotes', `f("a'b")`, `f('a\\'b')`],
  ['escapes', "f('\\u00e9\\x41')", "f('éA')"],
  ['parentheses', 'const f = (a) => (a + 1) * 2', 'const f = a => ((a + 1) * 2)'],
  ['trailing commas', 'f([1, 2], { a: 1 })', 'f([1, 2,], { a: 1, },)'],
  ['quotes around keys', '({ a: 1, 2: 3 })', "({ 'a': 1, '2': 3 })"],
  ['quotes around members of a class', 'class A { b() {} c = 1 }', "class A { 'b'() {} 'c' = 1 }"],
  [
    'a quoted attribute of an import',
    "import x from './x.json' with { type: 'json' }",
    "import x from './x.json' with { 'type': \"json\" }",
  ],
  ['numbers written otherwise', 'f(1000000, 255, 0.5, 1e3)', 'f(1_000_000, 0xFF, .5, 1000)'],
  ['big integers written otherwise', 'f(255n, 1000n)', 'f(0xFFn, 1_000n)'],
  ['a hashbang', 'f()', '#!/usr/bin/env node\nf()'],
  ['annotations', 'function f(a, b) { return a }', 'function f(a: string, b?: number): string { return a }'],
  ['an interface', 'f()', 'interface A { b: string }\nf()'],
  ['a type alias', 'f()', 'type A = { b: string };\nf()'],
  ['an exported type', 'f()', 'export type A = string;\nexport interface B { c: A }\nf()'],
  ['another interface', 'interface A { b: string }\nf()', 'interface A { b: number; c?: Date }\nf()'],
  ['import type', 'f()', "import type { A } from './types.ts';\nf()"],
  ['export type from', 'f()', "export type { A } from './types.ts';\nf()"],
  [
    'an imported type among values',
    "import { b } from './b.ts'; b()",
    "import { type A, b } from './b.ts'; b()",
  ],
  ['as const', 'const a = [1, 2]', 'const a = [1, 2] as const'],
  ['satisfies', 'const a = { b: 1 }', 'const a = { b: 1 } satisfies Record<string, number>'],
  ['as', 'f(a)', 'f(a as unknown as string)'],
  ['a non-null assertion', 'f(a.b)', 'f(a!.b!)'],
  ['type arguments', 'f(new Map())', 'f(new Map<string, number>())'],
  [
    'overloads',
    'function f(a) {}',
    'function f(a: string): void;\nfunction f(a: number): void;\nfunction f(a: any) {}',
  ],
  [
    'abstract and declared members',
    'class A { b = 1 }',
    'abstract class A { abstract c: string; declare d: number; abstract e(): void; b = 1 }',
  ],
  [
    'modifiers',
    'class A extends B { c = 1; d() {} }',
    'class A extends B implements C { private readonly c = 1; override d(): void {} }',
  ],
  ['a declared function', 'f()', 'declare function g(a: string): void;\ndeclare const h: number;\nf()'],
  ['this parameters', 'function f(a) {}', 'function f(this: Date, a: string) {}'],
];

for (const [what, a, b] of SAME) {
  test(`${what}: no change of code`, () => assert.equal(facts(a).ast, facts(b).ast));
}

const OTHER: readonly (readonly [what: string, a: string, b: string])[] = [
  ['a value', 'const a = 1', 'const a = 2'],
  ['a type of a value', 'f(1)', "f('1')"],
  ['null and false and nothing', 'f(null)', 'f(false)'],
  ['null and undefined', 'f(null)', 'f(undefined)'],
  ['true and false', 'f(true)', 'f(false)'],
  ['a name', 'const a = 1', 'const b = 1'],
  ['const and let', 'const a = 1', 'let a = 1'],
  ['the order of statements', 'f(); g()', 'g(); f()'],
  ['an operator', 'a + b', 'a - b'],
  ['minus zero', 'f(0)', 'f(-0)'],
  ['infinity', 'f(1e999)', 'f(null)'],
  ['a regular expression', 'f(/a/)', 'f(/b/)'],
  ['the flags of a regular expression', 'f(/a/)', 'f(/a/i)'],
  ['a big integer', 'f(1n)', 'f(2n)'],
  ['a big and a small integer', 'f(1n)', 'f(1)'],
  ['a directive', "'use strict'; f()", 'f()'],
  ['a template', 'f(`a${b}c`)', 'f(`a${b}d`)'],
  ['the raw text of a template', 'f(String.raw`\\n`)', 'f(String.raw`\n`)'],
  ['a hole in a list', '[1, , 2]', '[1, 2]'],
  ['two holes', '[, ,]', '[,]'],
  ['a computed key', '({ a: 1 })', '({ [a]: 1 })'],
  ['a quoted computed key', "({ ['a']: 1 })", '({ [a]: 1 })'],
  ['a private member', 'class A { b = 1 }', 'class A { #b = 1 }'],
  ['static', 'class A { b() {} }', 'class A { static b() {} }'],
  ['async', 'async function f() {}', 'function f() {}'],
  ['a generator', 'function* f() {}', 'function f() {}'],
  ['a default', 'function f(a) {}', 'function f(a = 1) {}'],
  ['optional chaining', 'a?.b', 'a.b'],
  ['what is imported', "import { a } from './x.ts'", "import { b } from './x.ts'"],
  ['from where', "import { a } from './x.ts'", "import { a } from './y.ts'"],
  ['an import for its effect', "import './x.ts'", ''],
  ['a field without a value', 'class A { b }', 'class A { }'],
  ['let-through of an else', 'if (a) { b() } else {}', 'if (a) { b() }'],
];

for (const [what, a, b] of OTHER) {
  test(`${what}: a change of code`, () => assert.notEqual(facts(a).ast, facts(b).ast));
}

const IMPORTS: readonly (readonly [text: string, imports: readonly string[]])[] = [
  ["import a from './a.ts'", ['import ./a.ts 1:1']],
  ["import './a.ts'", ['import ./a.ts 1:1']],
  ["import type { A } from './a.ts'", []],
  // What remains loads the file, as in Node.
  ["import { type A } from './a.ts'", ['import ./a.ts 1:1']],
  ["export { a } from './a.ts'", ['import ./a.ts 1:1']],
  ["export * from './a.ts'", ['import ./a.ts 1:1']],
  ["export * as a from './a.ts'", ['import ./a.ts 1:1']],
  ["export type { A } from './a.ts'", []],
  ['export const a = 1', []],
  ["f();\n  const a = await import('./a.ts')", ['import ./a.ts 2:19']],
  ['await import(`./a.ts`)', ['import ./a.ts 1:7']],
  ['await import(`./parts/${name}.ts`)', ['glob ./parts/*.ts 1:7']],
  ['await import(name)', []],
  ["new URL('./a.bin', import.meta.url)", ['url ./a.bin 1:1']],
  ['new URL(`./a.bin`, import.meta.url)', ['url ./a.bin 1:1']],
  ['new URL(`./${a}.bin`, import.meta.url)', ['url-glob ./*.bin 1:1']],
  ["new URL('./a.bin', base)", []],
  ["new URL('https://example.com')", []],
  ["const a = require('./a.cjs')", ['import ./a.cjs 1:11']],
  ["import a from './a.json' with { type: 'json' }", ['import ./a.json 1:1']],
  ["// import './a.ts'\nf(\"import './b.ts'\")", []],
];

for (const [text, imports] of IMPORTS) {
  test(`imports of ${JSON.stringify(text)}: ${imports.join(', ') || 'none'}`, () => {
    assert.deepEqual(
      facts(text).imports.map(({ specifier, glob, url, line, column }) => {
        const kind = url ? (glob ? 'url-glob' : 'url') : glob ? 'glob' : 'import';
        return `${kind} ${specifier} ${line}:${column}`;
      }),
      imports,
    );
  });
}

const REFUSED: readonly (readonly [what: string, text: string, place: string, message: RegExp])[] = [
  ['an enum', 'f();\n  enum A { B }', '2:3', /^TypeScript enum is not supported/],
  ['a namespace with values', 'namespace A { export const b = 1 }', '1:1', /^TypeScript namespace/],
  [
    'a parameter property',
    'class A {\n  constructor(private b: string) {}\n}',
    '2:23',
    /^TypeScript parameter property/,
  ],
  ['an import by require', "\nimport a = require('./a.cjs')", '2:1', /^TypeScript import equals/],
  ['a missing type', 'const a: = 3', '1:10', /^Unexpected token/],
  [
    'two names that are one',
    'const a = 1;\nconst a = 2;',
    '2:7',
    /already been declared|defined multiple times/,
  ],
];

for (const [what, text, place, message] of REFUSED) {
  test(`${what} is a fault with its place`, () => {
    const read = readCode(text, TYPESCRIPT);
    assert.ok(isFault(read));
    assert.equal(`${read.line}:${read.column}`, place);
    assert.match(read.message, message);
    assert.doesNotMatch(read.message, /\n/);
  });
}

test('a fault of plain JavaScript has its place too', () => {
  const read = readCode('f(1,\n  2 3)', { typescript: false, commonjs: false });
  assert.deepEqual(read, { message: 'Unexpected token', line: 2, column: 5 });
});

test('CommonJS may return at its top', () => {
  assert.ok(isFault(readCode('return 1', TYPESCRIPT)));
  assert.ok(!isFault(readCode('return 1', { typescript: false, commonjs: true })));
  assert.equal(facts('module.exports = 1', { typescript: false, commonjs: true }).imports.length, 0);
});

test('a sum of 3,000 terms is read, as is what is nested too deeply for the parser', () => {
  const sum = Array.from({ length: 3000 }, (_, i) => `a${i}`).join(' + ');
  assert.notEqual(facts(sum).ast, facts(`${sum} + b`).ast);
  assert.ok(
    isFault(readCode(`${'['.repeat(50_000)}${']'.repeat(50_000)}`, { typescript: false, commonjs: false })),
  );
});
