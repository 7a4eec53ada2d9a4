import { didYouMean } from '../base/text.ts';
import type { Json, Location, ParamRef, RelPath } from '../base/types.ts';
import { DEFAULT_PARAMS, type Context } from './context.ts';
import type { Files } from './files.ts';
import { readPath } from './paths.ts';
import type { Report } from './report.ts';
import { walk } from './scope.ts';
import { child, entriesOf, itemsOf, type MapTree, type Text, textOf, toJson, type Tree } from './tree.ts';

/** What the parameters of one stage depend on besides its body. */
export interface ParamsInput {
  readonly stage: string;
  readonly wdir: string;
  /** A module sees the parameters of all files as one map. */
  readonly module: boolean;
  readonly context: Context;
  readonly files: Files;
}

/**
 * The parameters a stage selects, with their values, each once. A plain key is looked up in the pipeline's params
 * files; `{file: [keys]}` in a file relative to `wdir`; a whole file swallows the single keys of the same file.
 * Problems: `params.missing`, `params.ambiguous`, `params.missing-file`, `params.format`.
 */
export function readParams(body: Tree, input: ParamsInput, report: Report): readonly ParamRef[] {
  const found: ParamRef[] = [];
  for (const item of itemsOf(child(body, 'params'))) {
    const key = textOf(item);
    if (key) found.push(...readDeclaredKey(key, input, report));
    for (const entry of entriesOf(item))
      found.push(...readFileKeys(entry.key, entry.keyAt, entry.value, input, report));
  }
  const whole = new Set(found.filter((ref) => ref.key === null).map((ref) => ref.file));
  const refs = new Map<string, ParamRef>();
  for (const ref of found) {
    if (ref.key !== null && whole.has(ref.file)) continue;
    const id = `${ref.file}\0${ref.key ?? ''}`;
    if (!refs.has(id)) refs.set(id, ref);
  }
  if (input.module) checkTopKeys([...refs.values()], input.stage, report);
  return [...refs.values()];
}

function* readDeclaredKey(
  key: Text,
  { context, stage, files }: ParamsInput,
  report: Report,
): Generator<ParamRef> {
  const hits = context.declared.flatMap(({ file, values }) => {
    const found = walk(values, key.value.split('.'));
    return found.kind === 'value' ? [{ file, tree: found.tree }] : [];
  });
  const [first, second] = hits;
  if (first && second) {
    report.add(
      'params.ambiguous',
      `the parameter "${key.value}" of stage "${stage}" stands in "${first.file}" and in "${second.file}"`,
      {
        at: [key.at, first.tree.at, second.tree.at],
        hint: `say which one: {${first.file}: [${key.value}]}`,
      },
    );
  } else if (first) {
    yield { file: first.file as RelPath, key: key.value, value: valueOf(first.tree), at: key.at };
  } else if (context.complete) {
    const { where, hint } = whereMissing(key.value, context, files);
    const looksLikeFile = /\.(ya?ml|json)$/.test(key.value) && files.exists(key.value);
    report.add('params.missing', `the parameter "${key.value}" of stage "${stage}" is ${where}`, {
      at: key.at,
      hint: looksLikeFile ? `for the whole file write {${key.value}: null}` : hint,
    });
  }
}

const values = new WeakMap<Tree, Json>();

/** Made once: many stages may take a section, or a file, of thousands of values. */
function valueOf(tree: Tree): Json {
  if (tree.kind === 'scalar') return tree.value;
  const value = values.get(tree) ?? toJson(tree);
  values.set(tree, value);
  return value;
}

function whereMissing(
  key: string,
  { declared }: Context,
  files: Files,
): { readonly where: string; readonly hint?: string | undefined } {
  const [first] = declared;
  if (first) {
    const names = declared.map(({ file }) => `"${file}"`).join(' or ');
    return { where: `not in ${names}`, hint: missingHint(first.values, key) };
  }
  if (!files.exists(DEFAULT_PARAMS)) return { where: `not in ${DEFAULT_PARAMS}, which does not exist` };
  // It would have been read, were it not for an empty list.
  return {
    where: 'in no params file: "params" at the top names none',
    hint: `name the files there: params: [${DEFAULT_PARAMS}]`,
  };
}

function missingHint(values: MapTree, key: string): string | undefined {
  const found = walk(values, key.split('.'));
  if (found.kind === 'missing' && found.hint?.startsWith('did')) return found.hint;
  const deep = [...values.entries.values()].flatMap(({ key: top, value }) =>
    entriesOf(value).map((entry) => `${top}.${entry.key}`),
  );
  const same = deep.filter((path) => path.endsWith(`.${key}`));
  if (same.length === 1) return `did you mean "${same[0]}"?`;
  return (
    (found.kind === 'missing' ? found.hint : undefined) ??
    (deep.length <= 500 ? didYouMean(key, deep) : undefined)
  );
}

function* readFileKeys(
  name: string,
  at: Location,
  keys: Tree,
  { wdir, stage, files }: ParamsInput,
  report: Report,
): Generator<ParamRef> {
  const written: Tree = { kind: 'scalar', value: name, at };
  const file = readPath(written, { wdir, what: 'params file' }, report)?.path;
  if (file === undefined) return;
  const values = files.params(file, at);
  if (values === undefined) return;
  const items = itemsOf(keys);
  if (items.length === 0 && (keys.kind === 'list' || (keys.kind === 'scalar' && keys.value === null))) {
    yield { file, key: null, value: valueOf(values), at };
  }
  for (const item of items) {
    const key = textOf(item);
    if (key === undefined) continue;
    const found = walk(values, key.value.split('.'));
    if (found.kind === 'value') yield { file, key: key.value, value: valueOf(found.tree), at: key.at };
    else
      report.add('params.missing', `the parameter "${key.value}" of stage "${stage}" is not in "${file}"`, {
        at: key.at,
        hint: missingHint(values, key.value),
      });
  }
}

/** In a module's one map a top-level key must come from one file. */
function checkTopKeys(refs: readonly ParamRef[], stage: string, report: Report): void {
  const owners = new Map<string, ParamRef>();
  for (const ref of refs) {
    const tops = ref.key === null ? Object.keys(ref.value ?? {}) : [ref.key.split('.')[0] ?? ''];
    for (const top of tops) {
      const owner = owners.get(top);
      if (owner === undefined) owners.set(top, ref);
      else if (owner.file !== ref.file) {
        report.add(
          'params.ambiguous',
          `stage "${stage}" takes the parameter "${top}" from "${owner.file}" and from "${ref.file}"`,
          {
            at: [ref.at, owner.at],
            hint: 'a module sees one "params": rename the key in one of the files',
          },
        );
      }
    }
  }
}
