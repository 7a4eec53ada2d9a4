import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedactor } from '../../src/base/redact.ts';

const KEY = '-----BEGIN KEY-----\r\n  MIIEvQIBADAN\r\nBgkq\r\nab=\r\n-----END KEY-----\r\n';

const MASKED: readonly (readonly [secrets: readonly string[], raw: string, shown: string])[] = [
  [['s3cr3t'], 'a s3cr3t, s3cr3ts3cr3t', 'a ***, ******'],
  [['abc', ''], 'abc abcd', 'abc abcd'],
  [['abcd', 'abcdef'], 'abcdefg abcdx', '***g ***x'],
  [[KEY], KEY, '***'],
  [[KEY], KEY.replaceAll('\r\n', '\n'), '***\n  ***\n***\nab=\n***\n'],
  [[KEY], '> MIIEvQIBADAN.', '> ***.'],
  [['-----BEGIN-----\\nMIIEvQ\\n-----END-----'], '-----BEGIN-----\nMIIEvQ\n', '***\n***\n'],
];

test('values and the lines of a value are masked, in one text and however it is cut', () => {
  for (const [secrets, raw, shown] of MASKED) {
    const redactor = createRedactor(secrets);
    assert.equal(redactor.text(raw), shown);
    for (let size = 1; size <= raw.length; size++) {
      const stream = redactor.stream();
      let told = '';
      for (let at = 0; at < raw.length; at += size) told += stream.push(raw.slice(at, at + size));
      assert.equal(told + stream.end(), shown, `${raw} in pieces of ${size}`);
    }
  }
});

test('of a stream only what may be the beginning of a value is held back', () => {
  const stream = createRedactor(['abcd', 'xabcdy']).stream();
  assert.deepEqual(
    ['1 ab', 'c', 'd xa', 'bcd', '!', 'xx'].map((chunk) => stream.push(chunk)),
    ['1 ', '', '*** ', '', 'x***!', 'x'],
  );
  assert.equal(stream.end(), 'x');
});
