import { generateKeyPairSync, sign } from 'node:crypto';

/** One value of DER: its tag, its length, its bytes. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const SEQUENCE = 0x30;
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const utcTime = (text: string): Buffer => der(0x17, Buffer.from(text));

/**
 * A key and a certificate for 127.0.0.1 and the named hosts that it has signed itself (RFC 5280: version 3, ECDSA with
 * SHA-256 over P-256, valid from 2020 to 2049), as PEM.
 */
export function selfSigned(hosts: readonly string[] = []): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(SEQUENCE, oid('2a8648ce3d040302'));
  const name = der(
    SEQUENCE,
    der(0x31, der(SEQUENCE, oid('550403'), der(0x0c, Buffer.from('lockstep test')))),
  );
  const names = hosts.map((host) => der(0x82, Buffer.from(host)));
  const addresses = der(SEQUENCE, der(0x87, Buffer.from([127, 0, 0, 1])), ...names);
  const extensions = der(
    SEQUENCE,
    der(SEQUENCE, oid('551d11'), der(0x04, addresses)),
    der(
      SEQUENCE,
      oid('551d13'),
      der(0x01, Buffer.from([255])),
      der(0x04, der(SEQUENCE, der(0x01, Buffer.from([255])))),
    ),
  );
  const content = der(
    SEQUENCE,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    der(SEQUENCE, utcTime('200101000000Z'), utcTime('491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', content, privateKey));
  const body = der(SEQUENCE, content, algorithm, signature).toString('base64').replaceAll(/.{64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
  };
}
