import { subscribe } from 'node:diagnostics_channel';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import type { Worker } from 'node:worker_threads';
import type { ChildJob, ChildMessage } from './child-protocol.ts';

/**
 * The entry of a module stage's process: takes one job over IPC, runs the module's default export, says how it went.
 * It ends when the runner's channel closes, so that no stage outlives its runner.
 */
function main(): void {
  const stop = new AbortController();
  const denied = new Set<string>();
  subscribe('node:permission-model:fs', (message) => {
    const { permission, resource } = message as { permission: string; resource: string };
    const mark = `${permission} ${resource}`;
    if (denied.has(mark) || isNodesOwn()) return;
    denied.add(mark);
    send({ type: 'denied', permission, resource });
  });
  process.on('disconnect', () => process.exit(1));
  // Of a stream, a timer or a promise that nobody waits for. A stage that listens itself decides itself.
  process.on('uncaughtException', (error) => {
    if (process.listenerCount('uncaughtException') === 1) fail(error);
  });
  process.on('worker', (worker) => {
    workers.add(worker);
    worker.once('exit', () => workers.delete(worker));
  });
  process.on('SIGTERM', () => stop.abort(new Error('the stage was told to stop')));
  process.once('message', (job) => {
    // The channel alone must not keep the process: then nothing can happen any more, and the stage waits in vain.
    process.channel?.unref();
    process.once('beforeExit', () => {
      const message = 'it waits for something that can never happen: a promise that nothing will settle';
      finish({ type: 'failed', message, stack: message }, 1);
    });
    void perform(job as ChildJob, stop.signal);
  });
}

/** For each import Node looks for package.json files, and goes on without those it may not read. */
function isNodesOwn(): boolean {
  return String(new Error().stack).includes('node:internal/modules/package_json_reader');
}

async function perform(job: ChildJob, signal: AbortSignal): Promise<void> {
  try {
    serveScripts(job.scripts);
    const module = (await import(pathToFileURL(job.module).href)) as { default?: unknown };
    if (typeof module.default !== 'function')
      throw new TypeError('the module has no default export that is a function');
    const stage = module.default as (context: unknown) => unknown;
    await stage({
      deps: job.deps,
      outs: job.outs,
      params: job.params,
      env: Object.fromEntries(
        job.env.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
      ),
      now: new Date(job.now),
      signal,
      log: (value: unknown) => send({ type: 'log', text: textOf(value) }),
      progress: tellProgress,
    });
    await filesWritten();
    const { exitCode } = process;
    if (exitCode !== undefined && Number(exitCode) !== 0)
      throw new Error(`it set process.exitCode to ${exitCode}`);
    finish({ type: 'done', peakMemory: process.resourceUsage().maxRSS * 1024 }, 0);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  const { message, stack } = wordsOf(error);
  const hopeless = (error as { retryable?: unknown } | null)?.retryable === false;
  finish({ type: 'failed', ...refusalOf(error, message), stack, ...(hopeless && { hopeless }) }, 1);
}

/** Those that live: a pool that nobody ended waits for work for ever, and has no name among what is active. */
const workers = new Set<Worker>();

/** What is at work on files: the end of the process would cut it off. */
const FILE_WORK = new Set(['FSReqCallback', 'FSReqPromise', 'CloseReq']);

/**
 * Settles when nothing is written any more: the out of a stream or promise that the stage did not wait for would be empty
 * or cut off, and recorded so. Timers, servers, connections and workers that it left are not waited for. Where nothing has a
 * name, other threads may be at work for what is to be written (compression), or the process is at its end.
 */
function filesWritten(): Promise<void> {
  process.stdout.unref();
  process.stderr.unref();
  return new Promise((resolve) => {
    process.removeAllListeners('beforeExit');
    process.once('beforeExit', resolve);
    const look = (): void => {
      for (const worker of workers) worker.unref();
      // Streams put things off to the next turn, and then go on.
      const active = process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate');
      if (active.length === 0 || active.some((kind) => FILE_WORK.has(kind))) setImmediate(look).unref();
      else resolve();
    };
    look();
  });
}

interface ToldProgress {
  readonly done: unknown;
  readonly total?: unknown;
  readonly label?: unknown;
}

/** So many are told at once, and then so many a second: a stage may say it for each of a million rows. */
const MOST_PROGRESS = 100;
const progress: { held?: ChildMessage; timer?: NodeJS.Timeout; left: number; at: number } = {
  left: MOST_PROGRESS,
  at: 0,
};

/** As numbers and text, whatever the stage gives: nobody holds it to the types. What is no number is not told. */
function tellProgress(state: ToldProgress): void {
  const done = amountOf(state.done);
  const total = amountOf(state.total);
  const label = state.label ?? undefined;
  if (done === undefined) return;
  progress.held = {
    type: 'progress',
    done,
    ...(total !== undefined && { total }),
    ...(label !== undefined && { label: textOf(label) }),
  };
  const now = performance.now();
  progress.left = Math.min(MOST_PROGRESS, progress.left + ((now - progress.at) / 1000) * MOST_PROGRESS);
  progress.at = now;
  if (progress.left >= 1) sendProgress();
  else progress.timer ??= setTimeout(sendProgress, 1000 / MOST_PROGRESS).unref();
}

/** The newest, which stands for those before it. */
function sendProgress(): void {
  clearTimeout(progress.timer);
  const { held } = progress;
  delete progress.timer;
  delete progress.held;
  if (held === undefined) return;
  progress.left -= 1;
  send(held);
}

/** Anything in words. Of plain data `String` says "[object Object]", or throws where it has no prototype, as `match.groups`. */
function textOf(value: unknown): string {
  if (Array.isArray(value) || hasNoWords(value)) return inspect(value, { breakLength: Infinity });
  return String(value);
}

/** Unlike a date or a url. */
function hasNoWords(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return !('toString' in value) || value.toString === Object.prototype.toString;
}

function amountOf(value: unknown): number | undefined {
  const amount = value === null ? NaN : Number(value);
  return Number.isFinite(amount) ? amount : undefined;
}

interface Thrown {
  readonly message?: unknown;
  readonly stack?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

interface Words {
  readonly message: string;
  readonly stack: string;
}

/** What a hundred errors do not say, no more will. */
const MOST_TOLD = 100;

/**
 * What was thrown, with its causes: of a request that failed only these say why. Anything can be thrown, and the fields
 * of an error can hold anything; of other fields (a request with its credentials) nothing is told.
 */
function wordsOf(error: unknown, told = new Set<unknown>()): Words {
  told.add(error);
  const thrown = Object(error) as Thrown;
  if (!('message' in thrown)) {
    const text = typeof error === 'string' ? error : inspect(error, { depth: 0, breakLength: Infinity });
    return { message: text, stack: text };
  }
  const own = textOf(thrown.message);
  // Errors may be causes of one another in a circle, of several at once, and of one another by the thousand.
  const causes = causesOf(thrown).flatMap((cause) =>
    told.has(cause) || told.size >= MOST_TOLD ? [] : [wordsOf(cause, told)],
  );
  const why = causes.map(({ message }) => message).filter((message) => !own.includes(message));
  const said = [own, [...new Set(why)].join('; ')].filter((text) => text !== '').join(': ');
  // Without a word of its own it has a name at least.
  const message = said === '' ? textOf(error) : said;
  const stack = typeof thrown.stack === 'string' ? thrown.stack : message;
  return { message, stack: [stack, ...causes.map((cause) => `caused by: ${cause.stack}`)].join('\n') };
}

function causesOf({ cause, errors }: Thrown): readonly unknown[] {
  return [...(cause === undefined ? [] : [cause]), ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
}

/**
 * Loading Node's type stripper takes longer than most stages; where it is needed to tell what a file without a "type" is, it
 * finds nothing to strip. What types a file has, Node alone decides.
 */
function serveScripts(scripts: ChildJob['scripts']): void {
  if (Object.keys(scripts).length === 0) return;
  registerHooks({
    load(url, context, next) {
      const source = scripts[url.replace(/[?#].*$/s, '')];
      if (source === undefined) return next(url, context);
      if (context.format === 'module-typescript') return { format: 'module', source, shortCircuit: true };
      return { ...next(url, context), source };
    },
  });
}

type Failed = Extract<ChildMessage, { type: 'failed' }>;

/** What Node says of an addon's refusal, and packages that try several files put into words of their own. */
const NO_ADDON = /\bERR_DLOPEN_DISABLED\b|loading addons is disabled/;

/** Node's own words do not say what was refused; an addon's refusal has no permission at all. */
function refusalOf(error: unknown, message: string): Pick<Failed, 'message' | 'permission' | 'resource'> {
  const { resource, code, permission } = (error ?? {}) as Readonly<Record<string, unknown>>;
  if (code === 'ERR_DLOPEN_DISABLED' || NO_ADDON.test(message)) return { message, permission: 'Addon' };
  // A library's own code (`source.blocked`) is what its documents explain.
  if (typeof code === 'string' && /^[a-z]+(\.[a-z-]+)+$/.test(code))
    return { message: `${message} (${code})` };
  if (code !== 'ERR_ACCESS_DENIED') return { message };
  const plain = message.replace(/ Use --allow-[a-z-]+ to manage permissions\.?/, '');
  const named = typeof resource === 'string' && resource !== '';
  return {
    message: named ? `${plain} ("${resource}")` : plain,
    ...(typeof permission === 'string' && { permission }),
    ...(named && { resource }),
  };
}

function send(message: ChildMessage): void {
  process.send?.(message);
}

/** Ends the process once the message is out: a stage that leaves a timer or a server behind is over all the same. */
function finish(message: ChildMessage, code: number): void {
  process.removeAllListeners('beforeExit');
  sendProgress();
  process.channel?.ref();
  process.send?.(message, undefined, undefined, () => process.exit(code));
}

main();
