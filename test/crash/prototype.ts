import assert from 'node:assert/strict';

/** Nothing that was read has become a part of every object. */
export function assertCleanPrototype(): void {
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal(({} as Record<string, unknown>)['action'], undefined);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
}
