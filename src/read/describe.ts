/** A place of pipeline.yaml in the user's words: `"deps[1]" of stage "fetch"`, `stage "fetch"`, `"pools.yahoo"`. */
export function describePipelinePlace(path: readonly string[]): string {
  if (path.length === 0) return 'pipeline.yaml';
  if (path[0] !== 'stages' || path.length === 1) return `"${joinKeys(path)}"`;
  const [, stage, ...rest] = path;
  return rest.length === 0 ? `stage "${stage}"` : `"${joinKeys(rest)}" of stage "${stage}"`;
}

/** A place of remotes.yaml in the user's words. */
export function describeRemotesPlace(path: readonly string[]): string {
  if (path.length === 0) return 'remotes.yaml';
  if (path[0] !== 'remotes' || path.length === 1) return `"${joinKeys(path)}"`;
  const [, remote, ...rest] = path;
  return rest.length === 0 ? `remote "${remote}"` : `"${joinKeys(rest)}" of remote "${remote}"`;
}

function joinKeys(path: readonly string[]): string {
  return path.map((part, i) => (/^\d+$/.test(part) ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}
