import type { RemoteConfig, Scheme } from '../base/remote.ts';

/** The scheme of a url, in small letters; `undefined` for a path. */
export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
}

/** Where a remote's server answers, as a url; `undefined` for a folder. */
export function serverAddress({ url, options }: RemoteConfig): string | undefined {
  const text = (name: string): string | undefined => {
    const value = options[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const scheme = schemeOf(url) as Scheme | undefined;
  switch (scheme) {
    case 'http':
    case 'https':
      return url;
    case 's3':
      return text('endpoint') ?? `https://s3.${text('region') ?? 'us-east-1'}.amazonaws.com/`;
    case 'gs':
      return text('endpoint') ?? 'https://storage.googleapis.com/';
    case 'gdrive':
      return text('endpoint') ?? 'https://www.googleapis.com/';
    case 'azure': {
      const account =
        text('account') ?? /(?:^|;)AccountName=([^;]+)/.exec(text('connection_string') ?? '')?.[1];
      const named = /(?:^|;)BlobEndpoint=([^;]+)/.exec(text('connection_string') ?? '')?.[1];
      return text('endpoint') ?? named ?? (account && `https://${account}.blob.core.windows.net/`);
    }
    case undefined:
      return undefined;
    default:
      return scheme satisfies never;
  }
}
