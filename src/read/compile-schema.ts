import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Options, SchemaObject, ValidateFunction } from 'ajv/dist/2020.js';

/** How schemas are compiled, here and when the command is built. */
export const SCHEMA_OPTIONS: Options = {
  allErrors: true,
  verbose: true,
  strict: false,
  validateFormats: false,
  addUsedSchema: false,
  // Our schemas are held to their own schema by a test: compiling that would take as long as compiling ours.
  meta: false,
  validateSchema: false,
};

/**
 * Makes the check of a schema. The built command has another one in its place, which knows our schemas only and holds their
 * checks ready (`scripts/compiled-schemas.ts`): compiling them is a quarter of the time that a changed pipeline.yaml takes.
 */
export function compileSchema(schema: SchemaObject): ValidateFunction {
  return new Ajv2020({ ...SCHEMA_OPTIONS, code: { optimize: false } }).compile(schema);
}
