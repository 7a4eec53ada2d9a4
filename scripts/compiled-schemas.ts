import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { SchemaObject } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import type { Plugin } from 'esbuild';
import { SCHEMA_OPTIONS } from '../src/read/compile-schema.ts';

/** Puts the checks of all files of `schema/` in the place of the compiler of schemas. */
export function compileSchemas(root: string): Plugin {
  return {
    name: 'compile-schemas',
    setup(build) {
      build.onLoad({ filter: /[/\\]src[/\\]read[/\\]compile-schema\.ts$/ }, () => ({
        contents: checksOf(readSchemas(join(root, 'schema'))),
        resolveDir: root,
      }));
    },
  };
}

function readSchemas(folder: string): readonly SchemaObject[] {
  // In an order that is the same on every machine.
  return readdirSync(folder)
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as SchemaObject);
}

/** The text of a module with `compileSchema`, which finds a check by the schema's own name. */
function checksOf(schemas: readonly SchemaObject[]): string {
  const ajv = new Ajv2020({ ...SCHEMA_OPTIONS, schemas: [...schemas], code: { source: true, esm: true } });
  const names = Object.fromEntries(schemas.map(({ $id = '' }, index) => [`check${index}`, $id]));
  const entries = Object.entries(names).map(([name, id]) => `[${JSON.stringify(id)}, ${name}]`);
  return `${standalone.default(ajv, names)}
const CHECKS = new Map([${entries.join(', ')}]);
export const compileSchema = (schema) => CHECKS.get(schema.$id);
`;
}
