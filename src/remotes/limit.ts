import type { Remote, RemoteEntry, Source } from '../base/remote.ts';
import { createRoom } from './room.ts';

/**
 * A remote with never more than `limits.concurrency` requests under way. A `get` that gave a stream holds its place
 * until that stream is closed; a listing holds one only while it asks for more. Who waits for a place stops at once.
 */
export function limit(remote: Remote): Remote {
  const room = createRoom(remote.limits.concurrency);
  const run = <T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> => room.use(0, signal, call);
  return {
    ...remote,
    head: (key, signal) => run(signal, () => remote.head(key, signal)),
    put: (key, body, signal) => run(signal, () => remote.put(key, body, signal)),
    remove: (key, signal) => run(signal, () => remote.remove(key, signal)),
    get: (key, signal, from) =>
      new Promise<Source>((resolve, reject) => {
        const whole = run(signal, async () => {
          const source = await remote.get(key, signal, from);
          resolve(source);
          if ('file' in source || source.stream.closed) return;
          await new Promise<void>((closed) => source.stream.once('close', closed));
        });
        whole.catch(reject);
      }),
    async *list(prefix, signal): AsyncGenerator<RemoteEntry, void, undefined> {
      const entries = remote.list(prefix, signal)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await run(signal, () => entries.next());
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        await entries.return?.();
      }
    },
  };
}
