import type { ScalarTree } from './tree.ts';

/** How DVC writes a value into the middle of a text: Python's floats, `true`/`false`, null as `None`. */
export function pythonText(scalar: ScalarTree): string {
  const { value } = scalar;
  if (value === null) return 'None';
  if (typeof value === 'number' && (scalar.float || !Number.isInteger(value)))
    return formatPythonFloat(value);
  return String(value);
}

/** Python's `repr` of a float: `1.0`, `1e-05`, `1e+16`. Source: CPython's `float_repr_style` "short". */
export function formatPythonFloat(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(value.toExponential());
  if (!match) return String(value);
  const [, sign = '', first = '', rest = '', exponentText = ''] = match;
  const exponent = Number(exponentText);
  const digits = first + rest;
  // CPython's rule: positional from 1e-4 up to, but not including, 1e16.
  if (exponent < -4 || exponent >= 16) {
    const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
    return `${sign}${first}${rest && `.${rest}`}e${power}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}
