import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import { shellQuote } from '../base/text.ts';
import type { Location } from '../base/types.ts';
import { lstatIfExists, statIfExists } from '../io/files.ts';

/** What is at the path, or else at the nearest above it. */
export function nearest(path: string): { readonly path: string; readonly stat: Stats } {
  for (let at = path; ; at = dirname(at)) {
    const stat = statIfExists(at);
    if (stat) return { path: at, stat };
  }
}

/** A path of the workspace, and the same as an absolute one. */
interface Placed {
  readonly path: string;
  readonly home: string;
}

/**
 * Where a user may well have put a link: the state folder, or a part of it, on another disk. Not `.lockstep/failed`:
 * what is kept there takes the place of what has its name, which a record that came with a clone could choose.
 */
const FREE: readonly string[] = ['.lockstep', '.lockstep/staging'];

/** Throws `out.linked` when a folder of the workspace above a path is a symbolic link. */
export function refuseLinkAbove({ path, home }: Placed, at?: Location): void {
  const root = home.slice(0, -path.length);
  for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
    const above = path.slice(0, end);
    if (!isLink(root + above) || FREE.includes(above)) continue;
    throw outLinked(`"${path}" lies behind "${above}", which is a symbolic link`, root + above, at);
  }
}

/** The nearest folder that is there above a path. Throws `out.linked`, or `out.blocked` where a file stands above it. */
export function folderAbove({ path, home }: Placed, at?: Location): ReturnType<typeof nearest> {
  refuseLinkAbove({ path, home }, at);
  const near = nearest(dirname(home));
  if (near.stat.isDirectory()) return near;
  const file = near.path.slice(home.length - path.length);
  throw new PipelineError('out.blocked', `"${path}" lies behind "${file}", which is no folder`, {
    at,
    exit: EXIT.user,
    hint: `move "${file}" away ("mv ${shellQuote(near.path)} ${shellQuote(`${near.path}.old`)}"), then run again`,
  });
}

function isLink(path: string): boolean {
  return lstatIfExists(path)?.isSymbolicLink() === true;
}

/** `link`: absolute, for whoever pastes the hint may stand anywhere, and another file of that name beside them. */
export function outLinked(message: string, link: string, at: Location | undefined): PipelineError {
  return new PipelineError('out.linked', message, {
    at,
    exit: EXIT.user,
    hint: `replace the link by a real file or folder ("rm ${shellQuote(link)}")`,
  });
}
