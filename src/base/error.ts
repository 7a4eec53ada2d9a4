import type { Location } from './types.ts';

/** Exit codes of the CLI; `docs/errors.md` lists every code with its meaning. */
export const EXIT = { ok: 0, failed: 1, user: 2, busy: 3, bug: 70, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One thing that is wrong, in four parts: stable code, one sentence, a hint that can be done now, places. */
export interface Problem {
  /** `area.problem`; a file format: never renamed. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** The main place first. */
  readonly at?: readonly Location[];
}

export interface PipelineErrorOptions {
  readonly hint?: string | undefined;
  readonly at?: Location | readonly Location[] | undefined;
  readonly exit?: ExitCode;
  readonly cause?: unknown;
  /** Set by a remote: trying again may help. */
  readonly retryable?: boolean;
  /** Remotes: the server asked to wait this long before the next try. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * The only error class a user sees. Anything else that reaches the CLI is a bug of ours (exit 70, stack shown).
 * `exit` defaults to 2: the user wrote something wrong.
 */
export class PipelineError extends Error {
  readonly code: string;
  readonly exit: ExitCode;
  readonly problems: readonly [Problem, ...Problem[]];
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options: PipelineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PipelineError';
    this.code = code;
    this.exit = options.exit ?? EXIT.user;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    const at = options.at && [options.at].flat();
    this.problems = [
      {
        code,
        message,
        ...(options.hint !== undefined && { hint: options.hint }),
        ...(at && { at }),
      },
    ];
  }

  /** One error that tells all problems of a file at once, of which there is at least one. */
  static of(problems: readonly Problem[], exit: ExitCode = EXIT.user): PipelineError {
    const [
      first = { code: 'internal.bug', message: 'something is wrong, and no problem was told' },
      ...rest
    ] = problems;
    return new PipelineError(first.code, first.message, { exit }).retold([first, ...rest]);
  }

  /** The same error in other words. */
  retold(problems: PipelineError['problems']): PipelineError {
    const [{ code, message }] = problems;
    const error = new PipelineError(code, message, this);
    Object.defineProperty(error, 'problems', { value: problems, enumerable: true });
    return error;
  }
}

/** The error's main problem as it travels in events and reports. */
export function toProblem(error: unknown): Problem {
  if (error instanceof PipelineError) return error.problems[0];
  return { code: 'internal.bug', message: error instanceof Error ? error.message : String(error) };
}

/** What file systems answer to what they do not have; which of these is theirs to choose. */
export const UNSUPPORTED = ['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'] as const;

/** True for a system error (`ENOENT`, …), optionally of one of the given codes. */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || error instanceof PipelineError) return false;
  if (typeof (error as NodeJS.ErrnoException).code !== 'string') return false;
  return codes.length === 0 || codes.includes((error as NodeJS.ErrnoException).code ?? '');
}
