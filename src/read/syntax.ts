import { type Document, visit } from 'yaml';
import type { YAMLParseError, YAMLWarning } from 'yaml';
import type { Source } from './decode.ts';
import type { Report } from './report.ts';

type Fault = YAMLParseError | YAMLWarning;

/** Tells the parser's first complaint, of which there is one, in words a user can act on; what follows it is mostly its echo. */
export function syntaxProblem(source: Source, document: Document, report: Report): void {
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault === undefined) return;
  const [start, end] = fault.pos;
  const { code, message, hint, from = start } = explain(source, document, fault);
  report.add(code, message, { hint, at: source.place(from, Math.max(1, end - from)) });
}

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** Where the caret is to begin, when the parser points elsewhere. */
  readonly from?: number;
}

function explain({ file, text }: Source, document: Document, fault: Fault): Told {
  const [start] = fault.pos;
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
  const line = text.slice(start).split('\n', 1)[0] ?? '';
  switch (fault.code) {
    case 'RESOURCE_EXHAUSTION':
      // The parser is recursive: brackets in their thousands exhaust the stack.
      return { code: 'yaml.depth', message: `"${file}" is nested too deeply` };
    case 'TAB_AS_INDENT':
      return { code: 'yaml.tab', message: 'a tab is used for indentation', hint: 'indent with spaces' };
    case 'MULTIPLE_DOCS':
      return {
        code: 'yaml.documents',
        message: 'a second document starts here',
        hint: `one file holds one document; remove "${text.startsWith('---', start) ? '---' : '...'}"`,
      };
    case 'TAG_RESOLVE_FAILED':
      return {
        code: 'yaml.tag',
        message: `the tag "${/^\S+/.exec(line)?.[0] ?? '!'}" is not understood`,
        hint: 'write the value without a tag, or quote the whole value if this belongs to it',
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return nested(text, start, plain);
    case 'MULTILINE_IMPLICIT_KEY':
      return /^-\s/.test(line) ? STRAY_ITEM : NO_COLON;
    case 'BAD_SCALAR_START':
      return badStart(text, start);
    case 'BAD_ALIAS':
      return { code: 'yaml.syntax', message: lower(plain), hint: 'quote the value' };
    case 'MISSING_CHAR': {
      if (plain.startsWith('Implicit map keys')) return NO_COLON;
      const quote = /closing (['"])quote/.exec(plain)?.[1];
      if (quote === undefined) return { code: 'yaml.syntax', message: lower(plain) };
      const message = `the quote ${quote} that opens here is never closed`;
      return { code: 'yaml.syntax', message, from: openingOf(document, start) };
    }
    case 'BAD_INDENT': {
      const from = start + Math.max(0, line.search(/\S/));
      if (/flow/i.test(plain)) {
        const bracket = plain.at(-1) ?? ']';
        return {
          code: 'yaml.syntax',
          message: `"${bracket === '}' ? '{' : '['}" was opened above and "${bracket}" is missing before this line`,
          hint: 'close the bracket',
          from,
        };
      }
      return { code: 'yaml.syntax', message: lower(plain), hint: ALIGN, from };
    }
    case 'UNEXPECTED_TOKEN': {
      const before = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
      return {
        code: 'yaml.syntax',
        message: 'this does not fit what stands before it',
        hint:
          before.trim() === ''
            ? 'check the indentation of this line and of the one above'
            : `remove it, or quote the whole value; a quote inside is written '' in single quotes, and \\" in double ones`,
      };
    }
    default:
      return { code: 'yaml.syntax', message: lower(plain) };
  }
}

const ALIGN = 'align the keys of one map';

const NO_COLON: Told = {
  code: 'yaml.syntax',
  message: 'a ": " is missing after the key',
  hint: 'write "key: value", with a blank after the colon',
};

const STRAY_ITEM: Told = {
  code: 'yaml.syntax',
  message: 'a "-" stands where a key belongs',
  hint: 'a map holds "key: value" lines only, and the items of one list are indented alike',
};

function badStart(text: string, start: number): Told {
  return {
    code: 'yaml.syntax',
    message: `a value cannot start with "${text[start]}"`,
    hint: 'quote the value',
  };
}

/** A map or list where the value of a key has ended, or may not be one. */
function nested(text: string, start: number, plain: string): Told {
  const [line = '', next = ''] = text.slice(start).split('\n', 2);
  if (plain.includes('sequence')) return { ...STRAY_ITEM, from: start + line.search(/\S/) };
  if (text[start] === '?') return badStart(text, start);
  const colon = line.search(/:(\s|$)/);
  if (colon >= 0)
    return {
      code: 'yaml.syntax',
      message: 'a second ": " in one line',
      hint: 'quote the whole value if the colon belongs to it',
      from: start + colon,
    };
  return {
    code: 'yaml.syntax',
    message: 'this line is indented deeper than the key above it, which has a value already',
    hint: ALIGN,
    from: start + line.length + 1 + Math.max(0, next.search(/\S/)),
  };
}

/** Where the quoted text begins that ends at `end`. */
function openingOf(document: Document, end: number): number {
  let from = end;
  visit(document, {
    Scalar(_, { range }) {
      if (range?.[1] === end) from = range[0];
    },
  });
  return from;
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
