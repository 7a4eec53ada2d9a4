import { MarketError } from '../market-error.ts';
import type { HtmlPage } from './html.ts';

/** Whether a heading names the SENSEX itself; `SENSEX 50` or `SENSEX Next 30` are other indices. */
export function namesSensex(heading: string): boolean {
  return /\bsensex\b/i.test(heading) && !/\bsensex\s*(?:50|60|next)\b/i.test(heading);
}

/**
 * Throws unless the page says that it is about the SENSEX.
 * Errors: `source.blocked` for a captcha or block page, `source.not-sensex` for a page about something else. Pages without any
 * heading are fragments and pass.
 */
export function checkHeadings(page: HtmlPage, place: string): void {
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
