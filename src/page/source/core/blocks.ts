// The server's form of binary answers: a header of JSON and little-endian arrays.

const KINDS = {
  u1: Uint8Array,
  i2: Int16Array,
  u4: Uint32Array,
  i4: Int32Array,
  f4: Float32Array,
  f8: Float64Array,
} as const;

export type Numbers = Uint8Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

interface Described {
  dtype: keyof typeof KINDS;
  shape: number[];
  offset: number;
}

export interface Blocks<Head> {
  head: Head;
  arrays: Record<string, Numbers>;
}

/** Reads `PFB1`, the length of the header, the header, and its arrays, each at a multiple of 8 bytes. */
export function readBlocks<Head>(buffer: ArrayBuffer): Blocks<Head> {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || view.getUint32(0, false) !== 0x50464231)
    throw new Error("the server's answer is not of the form PFB1");
  const length = view.getUint32(4, true);
  const text = new TextDecoder().decode(new Uint8Array(buffer, 8, length));
  const header = JSON.parse(text) as { head: Head; arrays: Record<string, Described> };
  const arrays: Record<string, Numbers> = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(header.arrays)) {
    const size = shape.reduce((product, side) => product * side, 1);
    arrays[name] = new KINDS[dtype](buffer, 8 + length + offset, size);
  }
  return { head: header.head, arrays };
}

/** As `readBlocks` reads it. */
export function writeBlocks(head: unknown, arrays: Record<string, Numbers>): ArrayBuffer {
  const described: Record<string, Described> = {};
  let end = 0;
  for (const [name, data] of Object.entries(arrays)) {
    const dtype = (Object.keys(KINDS) as (keyof typeof KINDS)[]).find((kind) => data instanceof KINDS[kind])!;
    described[name] = { dtype, shape: [data.length], offset: end };
    end = align(end + data.byteLength);
  }
  let text = new TextEncoder().encode(JSON.stringify({ head, arrays: described }));
  const padded = new Uint8Array(align(8 + text.length) - 8).fill(32);
  padded.set(text);
  text = padded;
  const buffer = new ArrayBuffer(8 + text.length + end);
  const bytes = new Uint8Array(buffer);
  new DataView(buffer).setUint32(0, 0x50464231, false);
  new DataView(buffer).setUint32(4, text.length, true);
  bytes.set(text, 8);
  for (const [name, data] of Object.entries(arrays)) {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    bytes.set(raw, 8 + text.length + described[name]!.offset);
  }
  return buffer;
}

function align(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}
