import type { Json } from '../base/types.ts';

/**
 * Writes a value as block YAML that every YAML 1.2 reader reads back the same: keys in their own order, no folding,
 * no anchors, strings plain only where that is beyond doubt, else double-quoted.
 */
export function formatYaml(value: Json, indent = 0): string {
  const pad = ' '.repeat(indent);
  if (isList(value)) {
    if (value.length === 0) return `${pad}[]\n`;
    return value.map((item) => `${pad}- ${formatYaml(item, indent + 2).slice(indent + 2)}`).join('');
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0) return `${pad}{}\n`;
    return entries.map(([key, item]) => `${pad}${formatText(key)}:${formatItem(item, indent + 2)}`).join('');
  }
  return `${pad}${formatScalar(value)}\n`;
}

/** What stands behind `key:`: a scalar or an empty collection on the same line, anything else below it. */
function formatItem(item: Json, indent: number): string {
  if (typeof item !== 'object' || item === null) return ` ${formatScalar(item)}\n`;
  if (Object.keys(item).length === 0) return isList(item) ? ' []\n' : ' {}\n';
  return `\n${formatYaml(item, indent)}`;
}

function formatScalar(value: null | boolean | number | bigint | string): string {
  if (typeof value === 'string') return formatText(value);
  // Digits alone would be read as an exact integer, which a double of that size is not.
  const inexact = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return inexact ? value.toExponential() : String(value);
}

const PLAIN = /^(?!\.[0-9_])[A-Za-z_./][A-Za-z0-9_./@+=&^-]*(:[A-Za-z0-9_./@+=&^-]+)*$/;
const WORDS = /^(null|true|false|yes|no|on|off|y|n|\.inf|\.nan|\.+)$/i;
// JSON itself escapes half a character.
const UNPRINTABLE = /[\u007F-\u009F\u2028\u2029\uFEFF\uFFFE\uFFFF]/g;

function formatText(text: string): string {
  if (PLAIN.test(text) && !WORDS.test(text)) return text;
  return JSON.stringify(text).replaceAll(
    UNPRINTABLE,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
