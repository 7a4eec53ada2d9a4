import rules from './drive-v3.json' with { type: 'json' };

type Method = keyof typeof rules.methods;

/** A request as the published reference of Drive v3 knows it. */
export interface DriveCall {
  readonly method: Method;
  readonly isUpload: boolean;
  readonly fileId: string | undefined;
}

/** Which method of the reference a request means. */
export function callOf(httpMethod: string, path: string): DriveCall | undefined {
  for (const [method, rule] of Object.entries(rules.methods) as [
    Method,
    (typeof rules.methods)['create'],
  ][]) {
    if (rule.httpMethod !== httpMethod) continue;
    for (const template of [rule.path, rule.upload]) {
      const shape = template && new RegExp(`^${template.replace('{fileId}', '([^/]+)')}$`).exec(path);
      if (shape) return { method, isUpload: template === rule.upload, fileId: shape[1] };
    }
  }
  return undefined;
}

/** What the reference says is wrong with the parameters of a call. */
export function faultOfParameters(
  { method, isUpload }: DriveCall,
  query: URLSearchParams,
): string | undefined {
  const known = [...rules.commonParameters, ...rules.methods[method].parameters];
  for (const name of query.keys()) if (!known.includes(name)) return `Unknown parameter ${name}`;
  if (isUpload && !['multipart', 'resumable'].includes(query.get('uploadType') ?? ''))
    return 'Invalid value for uploadType';
  return undefined;
}

type Selection = ReadonlyMap<string, Selection | undefined>;

/** Reads `a,b(c,d),e/f`; throws a `SyntaxError` when it is no such thing. */
function parseFields(text: string): Selection {
  const tokens = text.match(/[A-Za-z]\w*|[^\s]/g) ?? [];
  let at = 0;
  function list(): Selection {
    const found = new Map<string, Selection | undefined>();
    do {
      const name = tokens[at++] ?? '';
      if (!/^\w+$/.test(name)) throw new SyntaxError(text);
      found.set(name, below());
    } while (tokens[at] === ',' && at++ > 0);
    return found;
  }
  function below(): Selection | undefined {
    if (tokens[at] === '/') {
      at++;
      const name = tokens[at++] ?? '';
      if (!/^\w+$/.test(name)) throw new SyntaxError(text);
      return new Map([[name, below()]]);
    }
    if (tokens[at] !== '(') return undefined;
    at++;
    const inner = list();
    if (tokens[at++] !== ')') throw new SyntaxError(text);
    return inner;
  }
  const all = list();
  if (at < tokens.length) throw new SyntaxError(text);
  return all;
}

const BELOW: Readonly<Record<string, keyof typeof rules.schemas>> = {
  files: 'File',
  capabilities: 'capabilities',
};

function select(
  value: Readonly<Record<string, unknown>>,
  selection: Selection,
  schema: keyof typeof rules.schemas,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, inner] of selection) {
    if (!rules.schemas[schema].includes(name)) throw new SyntaxError(`Invalid field selection ${name}`);
    const deeper = BELOW[name];
    if (inner && !deeper) throw new SyntaxError(`Invalid field selection ${name}`);
    const part = value[name];
    const cut = (one: unknown): unknown =>
      inner && deeper ? select(one as Record<string, unknown>, inner, deeper) : one;
    // Also what is not there is checked.
    if (part === undefined) cut({});
    else found[name] = Array.isArray(part) && deeper ? part.map(cut) : cut(part);
  }
  return found;
}

const DEFAULTS: Readonly<Record<string, string>> = {
  FileList: 'kind,nextPageToken,incompleteSearch,files(kind,id,name,mimeType)',
  File: 'kind,id,name,mimeType',
};

/** What is told of a resource when only some fields are asked for; a text says what is wrong with these. */
export function selectFields(
  { method }: DriveCall,
  fields: string | null,
  value: Readonly<Record<string, unknown>>,
): Record<string, unknown> | string {
  const schema = rules.methods[method].response as 'File' | 'FileList';
  try {
    return select(value, parseFields(fields ?? DEFAULTS[schema] ?? ''), schema);
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}
