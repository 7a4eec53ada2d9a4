import { join } from 'node:path';
import { EXIT, PipelineError, isSystemError } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import { formatBytes } from '../base/text.ts';
import { bytesBelow } from './files.ts';

const AWAY = 'look at it with "ls -ld": mount what it leads to, or move it away';

const KNOWN: Readonly<
  Record<
    string,
    { readonly code: string; readonly what: string; readonly hint: string; readonly exit?: ExitCode }
  >
> = {
  ENOSPC: {
    code: 'disk.full',
    what: 'the disk is full',
    hint: 'make room (see "lockstep gc"), then run again: nothing was lost',
  },
  EDQUOT: {
    code: 'disk.full',
    what: 'your disk quota is used up',
    hint: 'make room, then run again: nothing was lost',
  },
  EFBIG: {
    code: 'disk.file-too-large',
    what: 'a file is larger than it may be there',
    hint: 'see whether "ulimit -f" says unlimited; else use a file system that takes larger files',
  },
  EROFS: {
    code: 'disk.read-only',
    what: 'the file system is read-only',
    hint: 'work in a folder that can be written to',
  },
  EACCES: {
    code: 'disk.denied',
    what: 'permission is denied',
    hint: 'give yourself the right to it (ls -l shows whose it is)',
  },
  EPERM: {
    code: 'disk.denied',
    what: 'the operation is not permitted',
    hint: 'give yourself the right to it (ls -l and lsattr show why)',
  },
  EIO: {
    code: 'disk.broken',
    what: 'the disk reports an input/output error',
    hint: 'check the disk (dmesg), then run again',
  },
  EMFILE: {
    code: 'disk.too-many-files',
    what: 'too many files are open',
    hint: 'raise the limit with "ulimit -n 4096"',
  },
  ENFILE: {
    code: 'disk.too-many-files',
    what: 'the system has too many files open',
    hint: 'close other programs, then run again',
  },
  ENAMETOOLONG: {
    code: 'disk.name-too-long',
    what: 'a name is too long for this file system',
    hint: 'shorten the path',
  },
  EBUSY: {
    code: 'disk.busy',
    what: 'the system holds it: something is mounted there',
    hint: 'unmount it (findmnt shows it), or mount it at a folder above: outs and inputs are replaced as a whole',
  },
  ENOTCONN: {
    code: 'disk.broken',
    what: 'the file system that is mounted there has ended',
    hint: 'mount it anew, then run again',
  },
  ESTALE: {
    code: 'disk.broken',
    what: 'the share that is mounted there no longer knows it',
    hint: 'mount it anew, then run again',
  },
  ENOTDIR: {
    code: 'path.special',
    what: 'a part of the path is no folder',
    hint: 'find that part with "ls -ld", and move it away',
    exit: EXIT.user,
  },
  EISDIR: {
    code: 'path.special',
    what: 'a folder stands where a file belongs',
    hint: AWAY,
    exit: EXIT.user,
  },
  // Of a link that leads nowhere: to a disk that is not mounted, say.
  EEXIST: {
    code: 'path.special',
    what: 'something stands there already, such as a link that leads nowhere',
    hint: AWAY,
    exit: EXIT.user,
  },
  ELOOP: {
    code: 'path.special',
    what: 'symbolic links lead in a circle',
    hint: 'put the file itself there instead of the link',
    exit: EXIT.user,
  },
};

/**
 * A failure of the machine as an error for people; `undefined` for what is no such thing. With a project's state folder,
 * a full disk is told with the room that failed outs take there.
 */
export function fromSystemError(error: unknown, stateDir?: string): PipelineError | undefined {
  if (!isSystemError(error)) return undefined;
  const known = KNOWN[error.code ?? ''];
  if (!known || error.syscall === undefined) return undefined;
  // Of a rename or a link either end may be the one.
  const to = 'dest' in error && typeof error.dest === 'string' ? ` to "${error.dest}"` : '';
  const where = error.path === undefined ? '' : ` ("${error.path}"${to})`;
  return new PipelineError(known.code, `${known.what}${where}`, {
    exit: known.exit ?? EXIT.failed,
    hint: known.code === 'disk.full' ? roomHint(stateDir) + known.hint : known.hint,
    cause: error,
  });
}

/** Less is not worth a word. */
const WORTH_BYTES = 1024 * 1024;

/** Failed outs are kept for looking at only, so they are the first that can go. */
function roomHint(stateDir: string | undefined): string {
  const size = stateDir === undefined ? 0 : bytesBelow(join(stateDir, 'failed'));
  if (size < WORTH_BYTES) return '';
  return `remove .lockstep/failed (${formatBytes(size)} of failed outs, kept for looking at only), or `;
}
