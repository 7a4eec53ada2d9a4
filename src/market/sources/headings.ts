import { MarketError } from '../market-error.ts';
import type { HtmlPage } from './html.ts';

/** Whether a heading names the SENSEX itself; `SENSEX 50` or `SENSEX Next 30` are other indices. */
function namesSensex(heading: string): boolean {
  return /\bsensex\b/i.test(heading) && !/\bsensex\s*(?:50|60|next)\b/i.test(heading);
}

/**
 * Throws unless the page says that it is about the SENSEX.
 * Errors: `source.blocked` for a captcha or block page, `source.not-sensex` for a page about something else, or about nothing.
 */
export function checkHeadings(page: HtmlPage, place: string): void {
  checkFragment(page, place);
  if (page.headings.length === 0) {
    throw new MarketError(
      'source.not-sensex',
      `${place}: the page has no heading that says which index it shows`,
    );
  }
}

/** The same for what may be a part of a page, and then has no heading. */
export function checkFragment(page: HtmlPage, place: string): void {
  const { headings } = page;
  const opening = headings.length > 0 ? headings.join(' ') : page.text.slice(0, 300);
  if (
    /just a moment|attention required|access denied|captcha|are you (?:a )?(?:human|robot)|unusual traffic/i.test(
      opening,
    )
  ) {
    throw new MarketError(
      'source.blocked',
      `${place}: a page for humans came instead ("${opening.slice(0, 80)}")`,
    );
  }
  if (headings.length > 0 && !headings.some(namesSensex)) {
    throw new MarketError('source.not-sensex', `${place}: the page is about "${headings.join('", "')}"`);
  }
}
