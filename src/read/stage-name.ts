import type { Report } from './report.ts';
import type { Entry } from './tree.ts';

/** Checks the name of a stage as it is written, before `foreach` and `matrix` add `@value` (`stage.name`). */
export function checkStageName({ key, keyAt }: Entry, report: Report): void {
  const fault = nameFault(key);
  if (fault)
    report.add('stage.name', `the stage name "${key}" ${fault.message}`, { at: keyAt, hint: fault.hint });
}

function nameFault(name: string): { message: string; hint: string } | undefined {
  if (name === '') return { message: 'is empty', hint: 'give the stage a name' };
  if (name === '.' || name === '..')
    return { message: 'means a folder', hint: 'give the stage a name with a letter or a digit' };
  if (name.includes('${'))
    return {
      message: 'contains a template',
      hint: 'names are fixed; use "foreach" or "matrix" for several stages',
    };
  if (name.includes('@'))
    return { message: 'contains "@"', hint: '"@" stands in the names that "foreach" and "matrix" make' };
  return hasBlank(name)
    ? { message: 'contains blanks or control characters', hint: 'use "-" or "_"' }
    : undefined;
}

/** True when a text has white space or control characters, which no stage name can hold. */
export function hasBlank(text: string): boolean {
  return /[\s\p{Cc}\p{Bidi_Control}]/u.test(text);
}
