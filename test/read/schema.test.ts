import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import pipelineSchema from '../../schema/pipeline.schema.json' with { type: 'json' };
import remotesSchema from '../../schema/remotes.schema.json' with { type: 'json' };
import { parseSource } from '../../src/read/source.ts';
import { createReport } from '../../src/read/report.ts';
import { toJson } from '../../src/read/tree.ts';

test('both schemas are valid JSON Schema 2020-12', () => {
  for (const schema of [pipelineSchema, remotesSchema])
    assert.equal(new Ajv2020({ strict: false }).validateSchema(schema), true);
});

test('every key a user can write has a description for the editor', () => {
  const bare: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { properties } = value as { properties?: Record<string, { description?: string }> };
    for (const [key, schema] of Object.entries(properties ?? {}))
      if (!schema.description) bare.push(`${path}/${key}`);
    for (const [key, part] of Object.entries(value)) visit(part, `${path}/${key}`);
  };
  visit(pipelineSchema, 'pipeline');
  visit(remotesSchema, 'remotes');
  assert.deepEqual(bare, []);
});

test('an editor accepts templates, foreach and matrix before they are expanded', () => {
  const validate = new Ajv2020({ strict: false }).compile(pipelineSchema);
  const text = `
pools: { a: "\${n}" }
stages:
  a:
    foreach: \${names}
    do: { cmd: "go \${item}", outs: [{ "\${item}.bin": { cache: "\${keep}" } }] }
  b:
    matrix: { x: [1, 2], y: "\${ys}" }
    cmd: [go, stop]
    timeout: \${timeout}
    retry: { attempts: "\${n}", factor: "\${f}" }
    frozen: \${frozen}
    outs: [{ m.json: null }]
    gates: { m.json: { rate: { min: "\${min}" } } }
`;
  const tree = parseSource('pipeline.yaml', new TextEncoder().encode(text), createReport());
  validate(tree && toJson(tree));
  assert.deepEqual(validate.errors, null);
  assert.equal(validate({ stages: { a: { run: 'a.ts', cmd: 'go' } } }), false);
  assert.equal(validate({ stages: { a: { deps: [] } } }), false);
});
