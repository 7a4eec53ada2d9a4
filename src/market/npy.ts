/** Element types of the .npy files we write. */
export type NpyType = '<f8' | '<f4' | '|i1' | '|u1';

const WRITERS: Readonly<Record<NpyType, (view: DataView, at: number, value: number) => void>> = {
  '<f8': (view, at, value) => view.setFloat64(at, value, true),
  '<f4': (view, at, value) => view.setFloat32(at, value, true),
  '|i1': (view, at, value) => view.setInt8(at, value),
  '|u1': (view, at, value) => view.setUint8(at, value),
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0];
const ALIGNMENT = 64;

/**
 * Bytes of a NumPy array file, format 1.0, C order, little endian: the header is padded with blanks so that the data
 * begins at a multiple of 64. `values` are converted to the type; there must be as many as the shape says.
 * Source: NumPy Enhancement Proposal 1.
 */
export function formatNpy(
  values: ArrayLike<number>,
  shape: readonly number[],
  element: NpyType,
): Uint8Array<ArrayBuffer> {
  const count = shape.reduce((product, length) => product * length, 1);
  if (values.length !== count) {
    throw new Error(`an array of shape (${shape.join(', ')}) holds ${count} values, not ${values.length}`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const description = `{'descr': '${element}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const size = Math.ceil((MAGIC.length + 2 + description.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = `${description.padEnd(size - MAGIC.length - 3)}\n`;
  const width = Number(element.at(-1));
  const write = WRITERS[element];
  const bytes = new Uint8Array(size + count * width);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint16(MAGIC.length, header.length, true);
  bytes.set(new TextEncoder().encode(header), MAGIC.length + 2);
  for (let at = 0; at < count; at++) {
    write(view, size + width * at, values[at] ?? NaN);
  }
  return bytes;
}
