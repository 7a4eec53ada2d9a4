import type { YAMLParseError, YAMLWarning } from 'yaml';
import type { Source } from './decode.ts';
import type { Report } from './report.ts';

/** Tells the parser's first complaint in words a user can act on; what follows it is mostly its echo. */
export function syntaxProblem(source: Source, fault: YAMLParseError | YAMLWarning, report: Report): void {
  const [start, end] = fault.pos;
  const from = caretStart(source.text, fault.code, start);
  const at = source.place(from, Math.max(1, end - from));
  const { code, message, hint } = explain(source.text, fault, start);
  report.add(code, message, { hint, at });
}

function explain(
  text: string,
  fault: YAMLParseError | YAMLWarning,
  start: number,
): { code: string; message: string; hint?: string } {
  if (fault.code === 'BAD_DQ_ESCAPE') {
    const escape = text.slice(start, start + 2);
    const hint =
      escape === '\\$'
        ? 'write "\\\\${", or put the text in single quotes'
        : 'write a backslash as "\\\\", or use single quotes';
    return { code: 'yaml.syntax', message: `"${escape}" means nothing inside double quotes`, hint };
  }
  if (text.slice(Math.max(0, start - 2), start + 2).includes('${')) {
    return {
      code: 'yaml.syntax',
      message: 'the braces of "${…}" are read as a map here',
      hint: 'inside [ ] and { } quote the value: "${…}"',
    };
  }
  const plain = fault.message.replace(/\s+/g, ' ').replace(/\.$/, '');
  switch (fault.code) {
    case 'TAB_AS_INDENT':
      return { code: 'yaml.tab', message: 'a tab is used for indentation', hint: 'indent with spaces' };
    case 'MULTIPLE_DOCS':
      return {
        code: 'yaml.documents',
        message: 'a second document starts here',
        hint: 'one file holds one document; remove "---"',
      };
    case 'TAG_RESOLVE_FAILED':
      return {
        code: 'yaml.tag',
        message: `the tag "${tagAt(text, start)}" is not understood`,
        hint: 'write the value without a tag',
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return {
        code: 'yaml.syntax',
        message: 'a second ": " in one line',
        hint: 'quote the whole value if the colon belongs to it',
      };
    case 'BAD_SCALAR_START':
      return {
        code: 'yaml.syntax',
        message: `a value cannot start with "${text[start]}"`,
        hint: 'quote the value',
      };
    case 'MISSING_CHAR':
      return {
        code: 'yaml.syntax',
        message: lower(plain).replace(/closing (['"])quote/, 'closing quote $1'),
      };
    case 'BAD_INDENT':
      if (/flow/i.test(plain)) {
        const bracket = plain.at(-1) ?? ']';
        return {
          code: 'yaml.syntax',
          message: `"${bracket === '}' ? '{' : '['}" was opened above and "${bracket}" is missing before this line`,
          hint: 'close the bracket',
        };
      }
      return {
        code: 'yaml.syntax',
        message: lower(plain),
        hint: 'align the keys of one map',
      };
    case 'UNEXPECTED_TOKEN':
      return {
        code: 'yaml.syntax',
        message: 'this does not fit what stands before it',
        hint: 'check the indentation of this line and of the one above',
      };
    default:
      return { code: 'yaml.syntax', message: lower(plain) };
  }
}

function tagAt(text: string, start: number): string {
  return /^\S+/.exec(text.slice(start, start + 80))?.[0] ?? '!';
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The parser points at the start of a line or value; the caret is to stand below what has to be changed. */
function caretStart(text: string, code: string, start: number): number {
  const lineEnd = text.indexOf('\n', start);
  const rest = text.slice(start, lineEnd === -1 ? text.length : lineEnd);
  if (code === 'BLOCK_AS_IMPLICIT_KEY') return start + Math.max(0, rest.search(/:(\s|$)/));
  return code === 'BAD_INDENT' ? start + Math.max(0, rest.search(/\S/)) : start;
}
