import { createHmac } from 'node:crypto';
import { sha256Hex } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A request without a query string. */
export interface Signable {
  readonly method: string;
  /** Percent-encoded, as it is sent. */
  readonly path: string;
  /** All that are to be signed, `host` among them; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, 64 hex digits. */
  readonly payloadHash: string;
}

export interface Signing {
  readonly credentials: Credentials;
  readonly region: string;
  /** Epoch ms. */
  readonly nowMs: number;
}

/**
 * Creates a signer of requests to S3 by AWS Signature Version 4, which gives the headers to add. Source: "Authenticating
 * Requests: Using the Authorization Header", Amazon S3 API Reference.
 */
export function createSigner(): (request: Signable, signing: Signing) => Readonly<Record<string, string>> {
  let derived: { readonly from: string; readonly key: Buffer } | undefined;

  /** One key serves a day. */
  function keyOf(secret: string, day: string, region: string): Buffer {
    const from = `${secret} ${day} ${region}`;
    if (derived?.from !== from) {
      const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
      derived = { from, key: Buffer.from(key) };
    }
    return derived.key;
  }

  return ({ method, path, headers, payloadHash }, { credentials, region, nowMs }) => {
    const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const day = time.slice(0, 8);
    const added = {
      'x-amz-content-sha256': payloadHash,
      'x-amz-date': time,
      ...(credentials.sessionToken !== undefined && { 'x-amz-security-token': credentials.sessionToken }),
    };
    const signed: Readonly<Record<string, string>> = { ...headers, ...added };
    const names = Object.keys(signed).sort(byCodeUnit);
    const lines = names.map((name) => `${name}:${signed[name] ?? ''}\n`).join('');
    const canonical = `${method}\n${path}\n\n${lines}\n${names.join(';')}\n${payloadHash}`;
    const scope = `${day}/${region}/s3/aws4_request`;
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256Hex(canonical)}`;
    const signature = hmac(keyOf(credentials.secretAccessKey, day, region), text).toString('hex');
    const credential = `Credential=${credentials.accessKeyId}/${scope}`;
    return {
      ...added,
      authorization: `AWS4-HMAC-SHA256 ${credential},SignedHeaders=${names.join(';')},Signature=${signature}`,
    };
  };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
