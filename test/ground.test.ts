import assert from 'node:assert/strict';
import test from 'node:test';
import { clockFrom } from '../src/ground.ts';

const INSTANTS: Readonly<Record<string, string>> = {
  '2026-03-17T10:30:00Z': '2026-03-17T10:30:00.000Z',
  '2026-03-17T10:30:00.250Z': '2026-03-17T10:30:00.250Z',
  '2026-03-17T10:30Z': '2026-03-17T10:30:00.000Z',
  '2026-03-17T16:00:00+05:30': '2026-03-17T10:30:00.000Z',
  '2024-02-29T23:00:00-05:00': '2024-03-01T04:00:00.000Z',
};

for (const [text, instant] of Object.entries(INSTANTS)) {
  test(`LOCKSTEP_NOW=${text} is ${instant}`, () => {
    assert.equal(new Date(clockFrom({ LOCKSTEP_NOW: text }).now()).toISOString(), instant);
  });
}

const REFUSED = [
  '2026-03-17T10:30:00',
  '2026-03-17',
  '2026-02-30T10:00:00Z',
  '2026-13-01T10:00:00Z',
  '2026-03-17T25:00:00Z',
  '2026-03-17T10:00:00+25:00',
  '0001-01-01T00:00:00Z',
  '9999-12-31T10:00:00Z',
  'March 2026',
  'tomorrow',
  '1',
  ' 2026-03-17T10:30:00Z',
];

for (const text of REFUSED) {
  test(`LOCKSTEP_NOW="${text}" is refused`, () => {
    assert.throws(() => clockFrom({ LOCKSTEP_NOW: text }), {
      code: 'env.now',
      message: `LOCKSTEP_NOW is "${text}", which is no instant of the years 1000 to 2999 with a zone`,
    });
  });
}
