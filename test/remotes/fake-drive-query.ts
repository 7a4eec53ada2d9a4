/** What of a file a search looks at. */
export interface Searched {
  readonly name: string;
  readonly mimeType: string;
  readonly parents: readonly string[];
  readonly trashed: boolean;
}

export type Matches = (file: Searched) => boolean;

/**
 * Reads a query of Drive: the terms that a remote uses, as
 * https://developers.google.com/workspace/drive/api/guides/ref-search-terms has them. `and` and `or` have one rank and are
 * judged from the left, names are compared without regard to case. `undefined` when it is no query.
 */
export function parseDriveQuery(query: string): Matches | undefined {
  const tokens = query.match(/'(?:[^'\\]|\\['\\])*'|[A-Za-z]+|!=|[=()]|\S/g) ?? [];
  let at = 0;

  function take(wanted?: string): string {
    const token = tokens[at++];
    if (token === undefined || (wanted !== undefined && token !== wanted)) throw new SyntaxError(query);
    return token;
  }

  function text(): string {
    const token = take();
    if (!token.startsWith("'") || token.length < 2) throw new SyntaxError(query);
    return token.slice(1, -1).replaceAll(/\\(.)/g, '$1');
  }

  function term(): Matches {
    if (tokens[at] === '(') {
      take('(');
      const inner = terms();
      take(')');
      return inner;
    }
    if (tokens[at]?.startsWith("'")) {
      const id = text();
      take('in');
      take('parents');
      return ({ parents }) => parents.includes(id);
    }
    const field = take();
    take('=');
    if (field === 'trashed') {
      const wanted = take();
      if (wanted !== 'true' && wanted !== 'false') throw new SyntaxError(query);
      return ({ trashed }) => trashed === (wanted === 'true');
    }
    const wanted = text();
    if (field === 'name') return ({ name }) => name.toLowerCase() === wanted.toLowerCase();
    if (field === 'mimeType') return ({ mimeType }) => mimeType === wanted;
    throw new SyntaxError(query);
  }

  function terms(): Matches {
    let left = term();
    while (tokens[at] === 'and' || tokens[at] === 'or') {
      const [before, isAnd, after] = [left, take() === 'and', term()];
      left = (file) => (isAnd ? before(file) && after(file) : before(file) || after(file));
    }
    return left;
  }

  try {
    const matches = terms();
    return at === tokens.length ? matches : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
