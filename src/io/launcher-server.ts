import type { Report, Request } from './launcher.ts';
import { spawnGroup } from './process-group.ts';
import type { Group, ToStart } from './process-group.ts';
import { MARK, endMarked } from './process.ts';

/** The launcher's process: starts and ends process groups for its runner, and outlives it just to end them. */
export function serve(exit: () => void): void {
  const groups = new Map<number, { readonly group: Group; readonly mark: string | undefined }>();

  function start(id: number, what: ToStart): void {
    const group = spawnGroup(what, {
      onOutput: (stream, chunk) => tell({ type: 'output', id, stream, chunk }),
      onMessage: (message) => void tell({ type: 'message', id, message }),
    });
    groups.set(id, { group, mark: what.env[MARK] });
    if (group.leader) void tell({ type: 'started', id, leader: group.leader });
    void group.ended.then((ending) => {
      groups.delete(id);
      return tell({ type: 'ended', id, ending });
    });
  }

  function killAll(): void {
    for (const { group } of groups.values()) group.signal('SIGKILL');
  }

  process.on('message', (request: Request) => {
    switch (request.type) {
      case 'start':
        return start(request.id, request.what);
      case 'signal':
        return groups.get(request.id)?.group.signal(request.signal);
      default:
        return request satisfies never;
    }
  });
  process.once('exit', killAll);
  process.once('disconnect', () => {
    killAll();
    const marks = [...groups.values()].flatMap(({ mark }) => mark ?? []);
    void Promise.all(marks.map((mark) => endMarked(mark))).then(exit);
  });
}

/** Resolves once the runner has room for more; `undefined` when it has room now. */
function tell(report: Report): Promise<void> | undefined {
  let taken: () => void = () => undefined;
  const isWaiting = !process.send?.(report, undefined, {}, () => taken());
  return isWaiting ? new Promise((resolve) => (taken = resolve)) : undefined;
}
