/** A link of a cell: its target as written, its text and its tooltip. */
export interface HtmlLink {
  readonly href: string;
  readonly text: string;
  readonly title: string;
}

/** A row of a table; `id` is the row's own id or empty. */
export interface HtmlRow {
  readonly id: string;
  readonly cells: readonly string[];
  readonly links: readonly HtmlLink[];
}

/** A table without its nested tables; `headers` are the texts of its `th` cells in rows that hold no `td`. */
export interface HtmlTable {
  readonly headers: readonly string[];
  readonly rows: readonly HtmlRow[];
}

/** What the parsers need of a page, as plain data. Texts have single blanks and no footnote marks such as `[3]`. */
export interface HtmlPage {
  /** Texts of `title` and `h1`, in page order, empty ones left out: what the page says it is about. */
  readonly headings: readonly string[];
  readonly tables: readonly HtmlTable[];
  /** Content of each script that has an id. */
  readonly scripts: ReadonlyMap<string, string>;
  /** All visible text. */
  readonly text: string;
}

/** Reads a page or a fragment of one; never throws on bad markup. cheerio is loaded on first use only. */
export async function parseHtml(text: string): Promise<HtmlPage> {
  const { load } = await import('cheerio/slim');
  const $ = load(text);
  const scripts = new Map<string, string>();
  $('script[id]').each((_, script) => {
    scripts.set($(script).attr('id') ?? '', $(script).text());
  });
  $('script, style, noscript').remove();
  const textOf = (node: Parameters<typeof $>[0]): string => toPlain($(node).text());

  const tables = $('table')
    .toArray()
    .map((table) => {
      const own = $(table)
        .find('tr')
        .toArray()
        .filter((row) => $(row).closest('table').is(table));
      const isHeader = (row: (typeof own)[number]): boolean =>
        $(row).children('td').length === 0 && $(row).children('th').length > 0;
      return {
        headers: own.filter(isHeader).flatMap((row) => $(row).children('th').toArray().map(textOf)),
        rows: own
          .filter((row) => !isHeader(row))
          .map((row) => ({
            id: $(row).attr('id') ?? '',
            cells: $(row).children('td, th').toArray().map(textOf),
            links: $(row)
              .find('a[href]')
              .toArray()
              .map((link) => ({
                href: $(link).attr('href') ?? '',
                text: textOf(link),
                title: toPlain($(link).attr('title') ?? ''),
              })),
          })),
      };
    });
  const headings = $('title, h1')
    .toArray()
    .map(textOf)
    .filter((heading) => heading !== '');
  // Last, because it changes the page: without it the texts of neighbouring cells would run together.
  $('td, th, li, dt, dd, p, div, span, br, h1, h2, h3').after(' ');
  return { headings, tables, scripts, text: toPlain($.root().text()) };
}

function toPlain(text: string): string {
  return text
    .replace(/\[\w{1,3}\]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
