import type { RemoteConfig } from '../base/remote.ts';
import { remoteFault } from './faults.ts';

/** The parts of `scheme://place/prefix`. */
export interface Address {
  /** Bucket, container, folder id. */
  readonly place: string;
  /** Empty, or ends in `/`: key = prefix + name. */
  readonly prefix: string;
}

/**
 * Reads the url of a bucket-like remote. Nothing in it is decoded: `%20` in a prefix is three characters, as in the
 * providers' own tools. Throws `remote.option` when there is no name after `//`, and for `.` and `..`: some libraries resolve
 * them, in some of their requests.
 */
export function parseAddress(config: RemoteConfig): Address {
  const match = /^[a-z][a-z0-9+.-]*:\/\/([^/]+)(?:\/(.*))?$/is.exec(config.url);
  const place = match?.[1];
  if (place === undefined) {
    throw remoteFault(config, 'option', {
      what: 'the url has no name after "//"',
      hint: 'write it as in "s3://bucket/prefix", and give a variable that stands there a value',
    });
  }
  const parts = (match?.[2] ?? '').split('/').filter((part) => part !== '');
  const step = [place, ...parts].find((part) => part === '.' || part === '..');
  if (step !== undefined) {
    throw remoteFault(config, 'option', {
      what: `the url goes by "${step}", and there is no way up or down in what a service keeps`,
      hint: 'write the prefix that is meant',
    });
  }
  return { place, prefix: parts.length === 0 ? '' : `${parts.join('/')}/` };
}
