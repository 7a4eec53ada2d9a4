import type { ErrorObject, SchemaObject, ValidateFunction } from 'ajv/dist/2020.js';
import { parentsOf } from '../base/path.ts';
import { didYouMean, suggest } from '../base/text.ts';
import type { Json, Location } from '../base/types.ts';
import { compileSchema } from './compile-schema.ts';
import type { Report } from './report.ts';
import { synonymOf } from './synonyms.ts';
import { textOf, toJson, type Tree, typeWords } from './tree.ts';

/** Checks trees against one schema. */
export type Validate = (tree: Tree, report: Report) => void;

/** How the findings of one schema are worded. */
export interface ValidateOptions {
  /** The file, and what its named things are: `pipeline` and `stage`, each of which stands below `stages`. */
  readonly area: string;
  readonly item: string;
  /** Words people bring from elsewhere and what they are called here. */
  readonly synonyms: Readonly<Record<string, string>>;
}

/**
 * Makes a JSON Schema (2020-12), compiled when it is first used, into a check that tells its findings at their places, in the words of the schema's
 * titles. Codes: `<area>.unknown-key`, `.type`, `.missing-key`, `.value`, `.empty`.
 *
 * `oneOf` is for editors only: what belongs together is said better by the reader itself.
 */
export function createValidate(schema: SchemaObject, options: ValidateOptions): Validate {
  let compiled: ValidateFunction | undefined;
  return (tree, report) => {
    const check = (compiled ??= compileSchema(schema));
    if (check(forCheck(toJson(tree)))) return;
    const errors = (check.errors ?? []).filter(
      ({ keyword, schemaPath }) => keyword !== 'oneOf' && !schemaPath.includes('/oneOf/'),
    );
    // What stands in a map that should have been another one is not judged by what that one would hold.
    const crowded = new Set(
      errors.flatMap(({ keyword, instancePath }) => (keyword === 'maxProperties' ? [instancePath] : [])),
    );
    const told = new Set<string>();
    for (const error of errors) {
      if (parentsOf(error.instancePath).some((above) => crowded.has(above))) continue;
      // A wrong type says it all; what its length or pattern would have been does not help.
      const key = `${error.instancePath} ${error.keyword === 'additionalProperties' ? String(error.params['additionalProperty']) : ''}`;
      if (told.has(key) && error.keyword !== 'required') continue;
      told.add(key);
      tell(error, tree, options, report);
    }
  };
}

/** What the messages use of the schema that a value fails. */
interface ParentSchema {
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly additionalProperties?: unknown;
}

/** The checker knows no bigint. */
function forCheck(value: Json): Json {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(forCheck);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, forCheck(item)]));
}

function tell(error: ErrorObject, root: Tree, options: ValidateOptions, report: Report): void {
  const { area, synonyms } = options;
  const path = error.instancePath === '' ? [] : error.instancePath.slice(1).split('/').map(unescape);
  const found = locate(root, path);
  if (found === undefined || (found.tree.kind === 'scalar' && found.tree.broken)) return;
  const { tree, at } = found;
  const parent = error.parentSchema as ParentSchema;
  const place = describePlace(path, options);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(error.params['additionalProperty']);
      const entry = tree.kind === 'map' ? tree.entries.get(key) : undefined;
      const known = Object.keys(parent.properties ?? {});
      const meant = synonymOf(key, synonyms);
      const hint =
        meant !== undefined && known.includes(meant)
          ? `here it is called "${meant}"`
          : didYouMean(key, known);
      report.add(`${area}.unknown-key`, `unknown key "${key}" in ${place}`, { at: entry?.keyAt ?? at, hint });
      return;
    }
    case 'required': {
      const key = String(error.params['missingProperty']);
      const others = tree.kind === 'map' ? [...tree.entries.keys()] : [];
      const near = suggest(
        key,
        others.filter((other) => !Object.hasOwn(parent.properties ?? {}, other)),
      );
      // Then that key is told as unknown, with this one as what is meant.
      if (near !== undefined && parent.additionalProperties === false) return;
      const hint = near === undefined ? undefined : `is "${near}" meant to be "${key}"?`;
      report.add(`${area}.missing-key`, `the key "${key}" is missing in ${place}`, { at, hint });
      return;
    }
    case 'enum': {
      const allowed = error.params['allowedValues'] as readonly string[];
      const expected = allowed.map((value) => `"${value}"`).join(' or ');
      const word = textOf(tree)?.value;
      const near = word === undefined ? undefined : suggest(word, allowed);
      report.add(`${area}.value`, `${place}: expected ${expected}, got ${valueWords(tree)}`, {
        at,
        hint: near && `did you mean "${near}"?`,
      });
      return;
    }
    case 'minProperties':
    case 'minItems':
      report.add(`${area}.empty`, `${place}: expected ${parent.title ?? 'a value'}, got an empty one`, {
        at,
      });
      return;
    case 'maxProperties':
      report.add(`${area}.value`, `${place}: expected ${parent.title ?? 'one key'}, got several keys`, {
        at,
        hint: flagsHint(tree) ?? 'start a new "-" item for each',
      });
      return;
    default: {
      const hint = typeHint(tree, parent);
      report.add(
        `${area}.${error.keyword === 'minimum' ? 'value' : 'type'}`,
        `${place}: expected ${parent.title ?? 'another value'}, got ${valueWords(tree)}`,
        { at, hint },
      );
    }
  }
}

/** A path among its own flags, as other tools have it. */
function flagsHint(tree: Tree): string | undefined {
  if (tree.kind !== 'map') return undefined;
  const path = tree.entries.get('path')?.value;
  if (path?.kind !== 'scalar') return undefined;
  const flags = [...tree.entries.keys()].filter((key) => key !== 'path');
  return `write the path before its flags: "${String(path.value)}: { ${flags.map((key) => `${key}: …`).join(', ')} }"`;
}

/** The same value, written as it has to be, where there is one way to read it. */
function typeHint(tree: Tree, { type, title }: ParentSchema): string | undefined {
  if (tree.kind !== 'scalar' || tree.value === null || tree.value === '') return undefined;
  const types = Array.isArray(type) ? type : [type];
  const text = tree.written ?? String(tree.value);
  if (types.includes('array') && /^-\S/.test(text)) return 'write a blank after the "-" of each item';
  if (text.trim() === '' || text.includes('\n')) return undefined;
  if (types.includes('array') && !types.includes('string') && text.length <= 60)
    return `write it as a list: [${text}]`;
  if (types.includes('boolean') && /^(y|yes|on)$/i.test(text)) return 'write true';
  if (types.includes('boolean') && /^(n|no|off)$/i.test(text)) return 'write false';
  if (title?.startsWith('a duration') && /^\d+$/.test(text)) return `say the unit: ${text}s is seconds`;
  if (typeof tree.value === 'string' || !types.includes('string') || !types.every(isNoOtherScalar))
    return undefined;
  return tree.placed ? `quote it where it is written: "${text}"` : `quote it: "${text}"`;
}

function isNoOtherScalar(type: string | undefined): boolean {
  return type === 'string' || type === 'array' || type === 'object';
}

/** The type, and for short scalars the value itself. */
function valueWords(tree: Tree): string {
  if (tree.kind !== 'scalar' || tree.value === null || tree.value === '') return typeWords(tree);
  const shown = typeof tree.value === 'string' ? `"${tree.value}"` : (tree.written ?? String(tree.value));
  return shown.length <= 60 && !shown.includes('\n') ? shown : typeWords(tree);
}

function unescape(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The value at a path, and the place to show: a map or list below a key is shown at that key. */
function locate(root: Tree, path: readonly string[]): { tree: Tree; at: Location } | undefined {
  let tree = root;
  let at = root.at;
  for (const part of path) {
    if (tree.kind === 'map') {
      const entry = tree.entries.get(part);
      if (entry === undefined) return undefined;
      tree = entry.value;
      at = tree.kind === 'scalar' ? tree.at : entry.keyAt;
    } else if (tree.kind === 'list') {
      const item = tree.items[Number(part)];
      if (item === undefined) return undefined;
      tree = item;
      at = item.at;
    } else return undefined;
  }
  return { tree, at };
}

/** A place of a file in the user's words: `"deps[1]" of stage "fetch"`, `stage "fetch"`, `"pools.yahoo"`. */
function describePlace(path: readonly string[], { area, item }: ValidateOptions): string {
  const [top, name, ...rest] = path;
  if (top === undefined) return `${area}.yaml`;
  if (top !== `${item}s` || name === undefined) return `"${joinKeys(path)}"`;
  const whole = `${item} "${name}"`;
  return rest.length === 0 ? whole : `"${joinKeys(rest)}" of ${whole}`;
}

function joinKeys(path: readonly string[]): string {
  return path.map((part, i) => (/^\d+$/.test(part) ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}
